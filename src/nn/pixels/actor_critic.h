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

class ActorCritic {
 public:
  explicit ActorCritic(const ExplorerOptions& options);

  void act(const Sight& sight, std::span<float> memory, std::span<float> logits, std::span<float> values);
  Judged judge(const Stretch& stretch);
  double learn(const Slopes& slopes, const NetStep& how);

  NetWeights& weights() { return weights_; }
  const NetWeights& weights() const { return weights_; }

 private:
  void cell(const at::Tensor& gates, const at::Tensor& c_before, const at::Tensor& c, const at::Tensor& tanh_c, const at::Tensor& h) const;

  int memory_, actions_;
  NetWeights weights_;
  Encoder encoder_;
  Span wx_, wh_, lstm_b_, logits_w_, logits_b_, value_w_, value_b_;
  Encoder::Kept acting_, kept_;
  // Of the last judge(): [steps * slots, ...]; the *before ones have what the step began with.
  std::int64_t steps_ = 0, slots_ = 0;
  std::vector<std::uint8_t> fresh_;
  at::Tensor features_, gates_, c_, c_before_, tanh_c_, h_, h_before_, logits_, values_;
};

}  // namespace hone::nn
