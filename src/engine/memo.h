// The same question is not computed twice: choice scores by the exact request, kept in memory. Only for deterministic models,
// where the answer would be the same bytes. Arms of one evaluation often ask the same question (recalled text; recalled text
// blended with a vote).
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "core/model.h"

namespace hone {

class Memo final : public ChoiceModel {
 public:
  explicit Memo(ChoiceModel& model, std::size_t most = 4096) : model_(model), most_(most) {}
  // A remembered score is charged as its prompt, all of it cached, in no time.
  std::vector<Score> score(std::span<const ChoiceRequest> requests) override;

 private:
  ChoiceModel& model_;
  std::size_t most_;
  std::mutex mutex_;
  std::unordered_map<std::string, Score> known_;  // by the request's bytes, not a hash: a collision would be a wrong answer
  std::deque<std::string> order_;
};

}  // namespace hone
