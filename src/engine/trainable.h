// The recipe's model when the method changes its weights: what trains, what plays, and the two sets of weights a run compares.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/policy.h"
#include "models/policy_model.h"

namespace hone {

struct TrainableConfig {
  Precision precision = Precision::automatic;
  int threads = 0, batch = 32, context = 1024, frozen_layers = 0;
  bool checkpointing = false;
  int lora_rank = 0;
  double lora_alpha = LoraOptions{}.alpha;
  std::vector<std::string> lora_targets = LoraOptions{}.targets;
  // "tiny" only
  std::string vocabulary = "bytes";
  int width = 128, layers = 4, heads = 4, ff = 0;
};
template <class V>
void visit(V& v, TrainableConfig& c) {
  v.choice("precision", c.precision, {{"auto", Precision::automatic}, {"f32", Precision::f32}, {"bf16", Precision::bf16}},
           "matrix products in float or bfloat16 (auto: bfloat16 where the CPU has it); weights are always kept in float");
  v.field("threads", c.threads, "threads of matrix products, 0 = all cores", {.min = 0, .max = 1024});
  v.field("batch", c.batch, "replies written at the same time", {.min = 1, .max = 4096});
  v.field("context", c.context, "tokens one try may use", {.min = 16, .max = 1048576});
  v.field("frozen_layers", c.frozen_layers, "layers below this one stay as they are", {.min = 0, .max = 1024});
  v.field("checkpointing", c.checkpointing, "compute twice what would take memory");
  v.field("lora_rank", c.lora_rank, "train low-rank adapters of this rank and leave the weights as they are, 0 = train the weights", {.min = 0, .max = 65536});
  v.field("lora_alpha", c.lora_alpha, "adapters are multiplied by lora_alpha / lora_rank", {.min = 0, .max = 1e6});
  v.field("lora_targets", c.lora_targets, "matrices that get one: q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj");
  v.field("vocabulary", c.vocabulary, "model tiny: bytes, or the number of tokens of a vocabulary made of the training tasks' texts");
  v.field("width", c.width, "model tiny: width of its layers", {.min = 8, .max = 4096});
  v.field("layers", c.layers, "model tiny: number of layers", {.min = 1, .max = 64});
  v.field("heads", c.heads, "model tiny: attention heads; must divide width", {.min = 1, .max = 64});
  v.field("ff", c.ff, "model tiny: width between the two halves of a layer, 0 = 8/3 of width", {.min = 0, .max = 16384});
}
void validate(const TrainableConfig& config);

// first: as the run began. training: what steps change. lesson: what the run hands on, the moving average where one is kept.
enum class Plays { first, training, lesson };

class Trainable {
 public:
  // `spec`: "tiny" (random weights from `seed`, vocabulary from `texts`), a name of the catalogue, a .gguf file, or a folder with
  // safetensors. Throws Error: usage, unavailable (not pulled; no libhone_nn.so), bad_input.
  Trainable(const std::string& spec, const TrainableConfig& config, std::uint64_t seed, const std::vector<std::string>& texts);
  ~Trainable();

  Policy& policy() { return *policy_; }
  PolicyModel& model() { return *model_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }

  // Which weights play; training goes on with Plays::training only.
  void play(Plays what);

  // The whole state of training, onto the disk before the name is there. Returns the SHA-256 of the file.
  std::string save(const std::filesystem::path& file) const;
  void load(const std::filesystem::path& file, const std::string& sha);
  // What others load: FOLDER/safetensors/ and FOLDER/model.gguf, adapters merged, and FOLDER/adapter/ (peft's) where there are any.
  // Returns the SHA-256 of model.gguf.
  std::string publish(const std::filesystem::path& folder);

 private:
  std::vector<float> taken(WeightSet set) const;
  void put_back(const std::vector<float>& trained);
  void publish_adapter(const std::filesystem::path& folder);

  Arch arch_;
  std::string spec_;
  LoraOptions lora_;
  std::filesystem::path vocabulary_;        // a GGUF or a folder
  bool made_vocabulary_ = false;            // a file of our own, removed at the end
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<Policy> policy_;
  std::unique_ptr<PolicyModel> model_;
  std::vector<float> first_, set_aside_;    // of what is trained: as opened; in training, while something else plays
  Plays plays_ = Plays::training;
};

}  // namespace hone
