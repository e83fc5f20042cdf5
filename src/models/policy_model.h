// A policy that plays: the weights in training seen as a Model and a ChoiceModel, so that any agent acts with them.
//
// A grammar must be one of texts (wire/one_of.h): the reply is then one of them. Others are Error{usage}.
// Prompt: the messages in the tokenizer's chat form; messages of role "text" as in local.h (all "text" = a plain prompt; after the
// others = the start of the assistant's turn). Choices are scored as they would be said after the lead, with the end of the turn after
// them; all choices of a request in one pass.
// Threads: any number of callers; one worker gathers what they ask for into batches.
#pragma once

#include <memory>

#include "core/model.h"
#include "core/policy.h"

namespace hone {

class PolicyModel final : public Model, public ChoiceModel {
 public:
  // Both must outlive this. `facts` as recorded with episodes; its artifact_sha should change with the weights.
  PolicyModel(Policy& policy, const Tokenizer& tokenizer, ModelFacts facts);
  ~PolicyModel() override;
  PolicyModel(const PolicyModel&) = delete;
  PolicyModel& operator=(const PolicyModel&) = delete;

  const ModelFacts& facts() const override;
  Reply chat(std::span<const Message> messages, const Sampling& sampling) override;
  int count_tokens(std::string_view text) override;
  std::vector<Score> score(std::span<const ChoiceRequest> requests) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hone
