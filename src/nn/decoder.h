// The decoder forward and backward, written out by hand: one pass over tokens of many sequences lying one after another ("flat"), so
// that padding costs nothing. Products in the type that Parameters::compute() says, sums over rows and the residual stream in float.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <vector>

#include "nn/adapters.h"
#include "nn/parameters.h"

namespace hone::nn {

// Sequences one after another. starts: [sequences + 1], first token of each, then the number of tokens.
struct Flat {
  std::vector<int> ids, starts;
  std::vector<int> positions() const;  // [tokens] each token's place in its own sequence
  void append(const std::vector<int>& sequence);
};

// What a forward pass keeps for the backward pass.
struct LayerMemory {
  at::Tensor h, h_middle;            // [tokens, width] float: before attention, before the feed-forward part
  at::Tensor qkv, raw, out, gate_up; // raw: q and k before their norms (Qwen3)
  at::Tensor rstd, rstd_middle, rstd_heads;
};
struct Memory {
  std::vector<LayerMemory> layers;
  at::Tensor h, rstd;  // before the final norm
  std::vector<int> positions;
};

// Cosines and sines of rotary positions [positions, head_dim / 2].
struct Rotary {
  Rotary(const Arch& arch, int positions);
  int positions;
  at::Tensor cosine, sine;
};

class Decoder {
 public:
  // With adapters only they get gradients; both must outlive this.
  explicit Decoder(Parameters& parameters, Adapters* adapters = nullptr);
  ~Decoder();

  Parameters& parameters() { return parameters_; }
  // Layers below this one learn nothing, embeddings included (0 = all learn).
  void freeze_below(int layer) { frozen_ = layer; }
  // Keep only each layer's input and compute the rest again on the way back: a third more time, a tenth of the memory.
  void checkpointing(bool on) { checkpointing_ = on; }

  // Hidden states after the final norm, [tokens, width]. With `memory`, what backward() needs is kept there. Ids must be below the
  // vocabulary's size and sequences within the context: Error{bad_input}.
  at::Tensor forward(const Flat& flat, Memory* memory = nullptr);
  // The same; each layer's [tokens, q | k | v] is shown when it is ready (keys with rotary positions applied).
  using Shown = std::function<void(int layer, const at::Tensor& qkv)>;
  at::Tensor forward(const Flat& flat, const Shown& shown);
  // One token of each of many sequences, [tokens, width]; who calls knows what came before and attends. slab: see product().
  using Attend = std::function<at::Tensor(int layer, const at::Tensor& qkv)>;
  at::Tensor forward_rows(const std::vector<int>& ids, const std::vector<int>& positions, const Attend& attend, int slab = 0);
  // d_hidden: [tokens, width] float, of what forward returned. Adds to the gradient of the parameters or adapters.
  void backward(const Flat& flat, Memory& memory, const at::Tensor& d_hidden);

 private:
  struct Pass;
  template <class T>
  at::Tensor forward_as(const Pass& pass, Memory* memory, const Shown* shown);
  template <class T>
  void backward_as(const Flat& flat, Memory& memory, const at::Tensor& d_hidden);
  template <class T>
  void layer(int l, const at::Tensor& h, const Pass& pass, LayerMemory& m);
  template <class T>
  void layer_back(int l, const at::Tensor& dh, const Pass& pass, LayerMemory& m);
  template <class T>
  void matrix_back(const Span& matrix, const at::Tensor& dy, const std::function<at::Tensor()>& x);
  float* vector_back(const Span& vector);
  at::Tensor run(const Pass& pass, Memory* memory, const Shown* shown);
  void check(const Flat& flat) const;
  void need_positions(const std::vector<int>& positions);

  Parameters& parameters_;
  Adapters* adapters_;
  at::Tensor nowhere_;  // for gradients that nobody reads
  std::unique_ptr<Rotary> rotary_;
  int frozen_ = 0;
  bool checkpointing_ = false;
};

}  // namespace hone::nn
