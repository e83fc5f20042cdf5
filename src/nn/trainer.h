// A decoder that learns and samples: core/policy.h over Parameters.
#pragma once

#include <memory>

#include "core/policy.h"
#include "nn/decoder.h"
#include "nn/generate.h"
#include "nn/head.h"
#include "nn/optimizer.h"

namespace hone::nn {

class Trainer : public Policy {
 public:
  Trainer(const Arch& arch, Compute compute, GenerateOptions generation, const LoraOptions& lora = {}, int frozen_layers = 0);

  Parameters& parameters() { return parameters_; }
  Decoder& decoder() { return decoder_; }
  Adapters* adapters() { return adapters_.get(); }  // null without

  std::vector<Sampled> sample(std::span<const SampleRequest> requests) override;
  std::vector<SequenceScores> score(std::span<const TokenSequence> sequences, float temperature, Which weights) override;
  StepResult step(std::span<const TokenSequence> sequences, const Loss& loss, const StepOptions& options) override;
  void keep_reference() override;
  std::vector<PolicyWeight> weights(WeightSet which) override;
  void weights_changed() override;
  void read(const std::string& name, std::span<float> out) override;
  void save(Sink& sink) const override;
  void load(Source& source) override;

 private:
  Learning learning();
  std::vector<SequenceScores> score_with(Parameters& parameters, std::span<const TokenSequence> sequences, float temperature);

  Parameters parameters_;
  std::unique_ptr<Adapters> adapters_;
  Decoder decoder_;
  Head head_;
  Optimizer optimizer_;
  GenerateOptions generation_;
  std::unique_ptr<Parameters> reference_;
  at::Tensor reference_adapters_;  // the reference, where adapters learn: their values then, over the same base
  at::Tensor average_;             // of what learns; absent when none is kept
  int frozen_;
};

// Throws Error{bad_input} for shapes that don't fit.
std::unique_ptr<Trainer> make_trainer(const PolicyOptions& options);

}  // namespace hone::nn
