// random: any legal choice, all equally likely; in worlds without choices an empty action. The floor of every table.
#include "core/agent.h"

namespace hone {

extern constinit const AgentEntry agent_random;

namespace {

struct RandomConfig {};
template <class V>
void visit(V&, RandomConfig&) {}

class RandomAgent final : public Agent {
 public:
  void begin(const Brief& brief) override { rng_ = brief.rng.split("choice"); }
  Move act(const Observation& seen) override {
    Move move;
    if (seen.choices.empty()) return move;
    const auto at = rng_.below(seen.choices.size());
    move.choice = static_cast<int>(at);
    move.action = seen.choices[at];
    move.preference.assign(seen.choices.size(), 0.0);
    return move;
  }

 private:
  Rng rng_;
};

std::unique_ptr<Agent> make_random(const Settings& settings, const AgentTools&) {
  read_config<RandomConfig>(settings);
  return std::make_unique<RandomAgent>();
}

}  // namespace

constinit const AgentEntry agent_random{
    .name = "random",
    .summary = "a legal choice at random",
    .fields = &describe_config<RandomConfig>,
    .make = &make_random,
    .needs_settings = false,
};

}  // namespace hone
