#include "engine/memo.h"

namespace hone {

namespace {

void add(std::string& key, const std::string& text) { key += std::to_string(text.size()) + ":" + text; }

std::string key_of(const ChoiceRequest& request) {
  std::string key;
  auto messages = [&](const std::vector<Message>& list) {
    key += std::to_string(list.size()) + "m";
    for (const auto& m : list) {
      add(key, m.role);
      add(key, m.content);
    }
  };
  messages(request.prompt);
  add(key, request.lead);
  for (const auto& c : request.choices) add(key, c);
  if (request.content_free) messages(*request.content_free);
  return key;
}

}  // namespace

std::vector<Score> Memo::score(std::span<const ChoiceRequest> requests) {
  std::vector<Score> out(requests.size());
  std::vector<ChoiceRequest> fresh;
  std::vector<std::size_t> place;
  std::vector<std::string> keys(requests.size());
  {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      keys[i] = key_of(requests[i]);
      if (const auto it = known_.find(keys[i]); it != known_.end()) {
        out[i] = it->second;
        out[i].usage.cached_tokens = out[i].usage.prompt_tokens;
        out[i].usage.seconds = 0.0;
      } else {
        fresh.push_back(requests[i]);
        place.push_back(i);
      }
    }
  }
  if (fresh.empty()) return out;
  auto scores = model_.score(fresh);
  const std::lock_guard lock(mutex_);
  for (std::size_t j = 0; j < scores.size(); ++j) {
    const auto& key = keys[place[j]];
    if (known_.emplace(key, scores[j]).second) order_.push_back(key);
    out[place[j]] = std::move(scores[j]);
  }
  while (order_.size() > most_) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  return out;
}

}  // namespace hone
