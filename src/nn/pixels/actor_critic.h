// Encoder, LSTM, logits and value (icm.md 2.2): forward over a stretch of every slot's steps, backward through its time.
#pragma once

#include "core/explorer.h"
#include "nn/pixels/encoder.h"

namespace hone::nn {

// Rows of a stretch: pictures in the order [steps, slots], and where each transition leads.
struct StretchRows {
  explicit StretchRows(const Stretch& stretch);
  std::int64_t steps = 0, slots = 0;
  std::vector<std::int64_t> now;                // [steps, slots] rows of obs
  std::vector<std::int64_t> all;                // now, the rows after the last step, then final observations (beyond the rows of obs)
  std::vector<std::int64_t> next;               // [steps, slots] place in `all` of the state each transition leads to
  std::vector<std::uint8_t> fresh, counts;      // [steps, slots]
  std::vector<std::int64_t> actions;            // [steps, slots]
};

// A stretch is worked on in up to four shares of its slots, each on one thread from end to end; their number depends on the slots alone,
// so that results don't depend on threads.
struct StretchShare {
  std::size_t first = 0, count = 0;  // among the stretch's slots
  Stretch stretch(const Stretch& whole) const { return {whole.rollout, whole.slots.subspan(first, count), whole.memory, whole.counts}; }
  // Of row [steps, count] of the share: its row of the whole.
  std::size_t place(const Stretch& whole, std::size_t row) const { return row / count * whole.slots.size() + first + row % count; }
};
std::vector<StretchShare> shares_of(const Stretch& stretch);

class ActorCritic {
 public:
  explicit ActorCritic(const ExplorerOptions& options);

  void act(const Sight& sight, std::span<float> memory, std::span<float> logits, std::span<float> values);
  Judged judge(const Stretch& stretch);
  double learn(const Slopes& slopes, const NetStep& how);

  NetWeights& weights() { return weights_; }
  const NetWeights& weights() const { return weights_; }

 private:
  // A share of the last judge(): [steps * slots, ...]; the *before ones have what a step began with.
  struct Part {
    StretchShare share;
    std::int64_t steps = 0, slots = 0;
    std::vector<std::uint8_t> fresh;
    Encoder::Kept kept;
    Gradient gradient;
    at::Tensor features, gates, c, c_before, tanh_c, h, h_before;
  };
  void decide(const Sight& sight, std::int64_t first, std::int64_t count, Encoder::Kept& kept, std::span<float> memory, std::span<float> logits, std::span<float> values) const;
  void judge_part(Part& part, const Stretch& whole);
  void learn_part(Part& part, const Slopes& slopes);
  void cell(const at::Tensor& gates, const at::Tensor& c_before, const at::Tensor& c, const at::Tensor& tanh_c, const at::Tensor& h) const;

  int memory_, actions_, heads_;
  NetWeights weights_;
  Encoder encoder_;
  Span wx_, wh_, lstm_b_, logits_w_, logits_b_, value_w_, value_b_;
  std::vector<Encoder::Kept> acting_;
  std::vector<Part> parts_;
  std::size_t width_ = 0;  // slots of the last judge()
  std::vector<float> logits_, values_;
};

}  // namespace hone::nn
