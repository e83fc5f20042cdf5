// vote: the plain nearest-neighbour vote that every use of recalled cases is held against. No model: the solved cases nearest to
// the task by the embedder speak for the action that solved them; equal shares are drawn by lot.
#include <algorithm>
#include <cmath>

#include "agents/neighbours.h"
#include "agents/recollection.h"
#include "core/agent.h"

namespace hone {

extern constinit const AgentEntry agent_vote;

namespace {

struct VoteConfig {
  int k = 10;
  double power = 1.0, bounced = 0.0;
};
template <class V>
void visit(V& v, VoteConfig& c) {
  v.field("k", c.k, "neighbours that vote", {.min = 1, .max = 10000});
  v.field("power", c.power, "a neighbour's vote weighs cosine^power", {.min = 0, .max = 100});
  v.field("bounced", c.bounced, "how much a neighbour counts against its actions that failed; 0 = solved ones only", {.min = 0, .max = 1000});
}

class VoteAgent final : public Agent {
 public:
  explicit VoteAgent(const VoteConfig& config) : config_(config) {}

  void begin(const Brief& brief) override {
    goal_ = brief.task.goal;
    known_ = Recollection(brief);
    rng_ = brief.rng.split("lot");
  }

  Move act(const Observation& seen) override {
    Move move;
    if (seen.choices.empty()) return move;
    known_.start_move();
    RecallQuery query;
    query.text = goal_;
    query.k = config_.k;
    query.filter = known_.cases(config_.bounced <= 0.0);
    const auto near = known_.recall(query);
    for (const auto& r : near) known_.used(r.lesson.id);
    move.preference = neighbour_vote(seen.choices, near, {.power = config_.power, .smoothing = 1e-6, .bounced = config_.bounced});
    const double top = *std::max_element(move.preference.begin(), move.preference.end());
    std::vector<int> best;
    for (std::size_t i = 0; i < move.preference.size(); ++i)
      if (move.preference[i] >= top) best.push_back(static_cast<int>(i));
    move.choice = best[rng_.below(best.size())];
    move.action = seen.choices[static_cast<std::size_t>(move.choice)];
    move.lessons = known_.account();
    return move;
  }

 private:
  VoteConfig config_;
  std::string goal_;
  Recollection known_;
  Rng rng_;
};

std::unique_ptr<Agent> make_vote(const Settings& settings, const AgentTools&) {
  return std::make_unique<VoteAgent>(read_config<VoteConfig>(settings));
}

}  // namespace

constinit const AgentEntry agent_vote{
    .name = "vote",
    .summary = "nearest-neighbour vote over solved cases, without a language model",
    .fields = &describe_config<VoteConfig>,
    .make = &make_vote,
    .needs_settings = false,
};

}  // namespace hone
