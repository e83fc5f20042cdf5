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
  Trainer(const Arch& arch, Compute compute, GenerateOptions generation);

  Parameters& parameters() { return parameters_; }
  Decoder& decoder() { return decoder_; }
  // Layers below this one stay as they are.
  void freeze_below(int layer);

  std::vector<Sampled> sample(std::span<const SampleRequest> requests) override;
  std::vector<SequenceScores> score(std::span<const TokenSequence> sequences, float temperature, Which weights) override;
  StepResult step(std::span<const TokenSequence> sequences, const Loss& loss, const StepOptions& options) override;
  void keep_reference() override;
  std::vector<PolicyWeight> weights() override;
  void weights_changed() override { parameters_.refresh(); }
  void save(Sink& sink) const override;
  void load(Source& source) override;

 private:
  Parameters parameters_;
  Decoder decoder_;
  Head head_;
  Optimizer optimizer_;
  GenerateOptions generation_;
  std::unique_ptr<Parameters> reference_;
  int frozen_ = 0;
};

// Throws Error{bad_input} for shapes that don't fit.
std::unique_ptr<Trainer> make_trainer(const PolicyOptions& options);

}  // namespace hone::nn
