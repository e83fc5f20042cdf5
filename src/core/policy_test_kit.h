// A policy for tests that fakes only what it is asked for.
#pragma once

#include "core/policy.h"

namespace hone {

class IdlePolicy : public Policy {
 public:
  std::vector<Sampled> sample(std::span<const SampleRequest> requests) override { return std::vector<Sampled>(requests.size()); }
  std::vector<SequenceScores> score(std::span<const TokenSequence> sequences, float, Which) override { return std::vector<SequenceScores>(sequences.size()); }
  StepResult step(std::span<const TokenSequence>, const Loss&, const StepOptions&) override { return {}; }
  void keep_reference() override {}
  std::vector<PolicyWeight> weights(WeightSet) override { return {}; }
  void weights_changed() override {}
  void read(const std::string&, std::span<float>) override {}
  void save(Sink&) const override {}
  void load(Source&) override {}
};

}  // namespace hone
