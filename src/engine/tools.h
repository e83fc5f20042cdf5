// What the engine lends a learner during one round: model calls and tries that are recorded, counted and, in a resumed run,
// not paid for twice.
#pragma once

#include "engine/event.h"
#include "engine/play.h"
#include "store/store.h"

namespace hone {

struct ToolsPlan {
  Store* store = nullptr;
  std::string run;
  int round = 0;
  const Stage* stage = nullptr;
  const Recipe* recipe = nullptr;
  Rng rng;
  Listener listener;
  const Lessons* known = nullptr;
  Policy* policy = nullptr;
  const Tokenizer* tokenizer = nullptr;
};

class EngineTools final : public Tools {
 public:
  explicit EngineTools(ToolsPlan plan) : plan_(std::move(plan)) {}
  std::vector<Generation> generate(std::span<const Request> requests) override;
  std::vector<Episode> play(std::span<const Trial> trials) override;
  int count_tokens(std::string_view text) override;
  Policy* policy() override { return plan_.policy; }
  const Tokenizer* tokenizer() override { return plan_.tokenizer; }
  Rng rng(std::string_view label) override;
  bool report(std::string_view message, const Metrics& metrics) override;
  const Usage& usage() const { return usage_; }
  int played() const { return played_; }

 private:
  Generation generate_one(const Request& request);
  ToolsPlan plan_;
  Usage usage_;
  int played_ = 0;
};

}  // namespace hone
