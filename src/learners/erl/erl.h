// Experiential reinforcement learning (Shi et al. 2026, arXiv 2602.13949): try, read what the world says of a try that fell short, write
// a reflection, try again with it; learn from all three, and to do the second try's moves without any reflection.
#pragma once

#include <string>
#include <vector>

#include "core/learner.h"
#include "learners/erl/memory.h"
#include "learners/training.h"
#include "objective/alarms.h"
#include "objective/config.h"

namespace hone {

namespace erl {

enum class Style { general, grid, brief };
enum class Placement { replace, append };
enum class Distill { policy, sft, none };
enum class DistillTokens { verbatim, again };
enum class Order { together, first_then_rest };

}  // namespace erl

struct ErlConfig {
  std::string preset = "erl";
  int rounds = 50, tasks = 64, group = 4;
  double temperature = 0.7;
  double tau = 1.0;
  bool gate = true;
  bool reflect = true;
  erl::Style prompts = erl::Style::general;
  double reflect_temperature = 0.7, reflect_top_p = 1.0;
  int reflect_tokens = 1024, reflect_prompt_max = 0;
  std::string system, reminder;
  bool remind = true;
  erl::Placement placement = erl::Placement::replace;
  int memory = 1;
  erl::StoreWhen store = erl::StoreWhen::success;
  erl::Pick memory_from = erl::Pick::last;
  erl::Distill distill = erl::Distill::policy;
  double distill_weight = 1.0;
  bool distill_zeros = false;
  erl::DistillTokens distill_tokens = erl::DistillTokens::verbatim;
  bool reflect_twice = false;
  erl::Order order = erl::Order::together;
  TrainConfig train;
  objective::ObjectiveConfig objective;
  objective::AlarmConfig alarms;
};
template <class V>
void visit(V& v, ErlConfig& c) {
  v.field("preset", c.preset, "published combination of the objective's settings below, which may still be changed one by one");
  v.field("rounds", c.rounds, "rounds of tries and training", {.min = 1, .max = 1000000});
  v.field("tasks", c.tasks, "tasks per round", {.min = 1, .max = 1000000});
  v.field("group", c.group, "first tries per task (n); each may be followed by a reflection and a second try", {.min = 1, .max = 10000});
  v.field("temperature", c.temperature, "of the tries, and of every log-probability", {.min = 0.01, .max = 100});
  v.field("tau", c.tau, "score from which a first try needs no reflection, and from which a second one is a success", {.min = 0, .max = 1});
  v.field("gate", c.gate, "reflect only on first tries below tau; off: on all of them");
  v.field("reflect", c.reflect, "off (ablation): the second try is told the record of the first instead of a reflection on it");
  v.choice("prompts", c.prompts, {{"general", erl::Style::general}, {"grid", erl::Style::grid}, {"brief", erl::Style::brief}},
           "how a reflection is asked for: any task; a game on a grid whose rules are hidden; in few words, for tiny models");
  v.field("reflect_temperature", c.reflect_temperature, "of reflections (log-probabilities keep the tries' own); the released code has 0.5", {.min = 0.01, .max = 100});
  v.field("reflect_top_p", c.reflect_top_p, "of reflections; the released code has 0.9", {.min = 0.01, .max = 1});
  v.field("reflect_tokens", c.reflect_tokens, "most tokens of a reflection", {.min = 1, .max = 1048576});
  v.field("reflect_prompt_max", c.reflect_prompt_max, "a try whose record makes a longer prompt (in tokens) is not reflected on, 0 = any length", {.min = 0});
  v.field("system", c.system, "the agent's own first message; empty = what the world says of its role and its actions");
  v.field("reminder", c.reminder, "what follows a reflection as first message; empty = what the world says of its actions");
  v.field("remind", c.remind, "off: nothing follows it");
  v.choice("placement", c.placement, {{"replace", erl::Placement::replace}, {"append", erl::Placement::append}},
           "a reflection stands in for the agent's first message, or follows it");
  v.field("memory", c.memory, "texts kept of successful reflections and shown to later ones (slots); 0 (ablation) = none", {.min = 0, .max = 1000000});
  v.choice("store", c.store,
           {{"success", erl::StoreWhen::success}, {"strict", erl::StoreWhen::strict}, {"improvement", erl::StoreWhen::improvement}},
           "a reflection is kept when its try scores tau or more, more than tau, or more than the first try");
  v.choice("memory_from", c.memory_from, {{"last", erl::Pick::last}, {"random", erl::Pick::random}, {"best_group", erl::Pick::best_group}},
           "which of a round's successes stays in a slot");
  v.choice("distill", c.distill, {{"policy", erl::Distill::policy}, {"sft", erl::Distill::sft}, {"none", erl::Distill::none}},
           "second tries under the agent's own first message: policy loss with advantage max(score, 0); likelihood of those with a score above 0; "
           "not at all (ablation)");
  v.field("distill_weight", c.distill_weight, "weight of that (lambda)", {.min = 0, .max = 1000});
  v.field("distill_zeros", c.distill_zeros, "second tries without score count in its means, as in the released code");
  v.choice("distill_tokens", c.distill_tokens, {{"verbatim", erl::DistillTokens::verbatim}, {"again", erl::DistillTokens::again}},
           "the sampled tokens themselves, or what the text of each reply is as tokens");
  v.field("reflect_twice", c.reflect_twice, "every reflection counts twice, as in the released code for grids");
  v.choice("order", c.order, {{"together", erl::Order::together}, {"first_then_rest", erl::Order::first_then_rest}},
           "all roles shuffled together, or first tries before the rest");
  visit(v, c.train);
  visit(v, c.objective);
  visit(v, c.alarms);
}
void validate(const ErlConfig& config);

class Erl final : public Learner {
 public:
  Erl(ErlConfig config, const LearnerContext& context);
  Need next(const Progress& progress) override;
  Update learn(const Experience& experience, const Lessons& known, Tools& tools) override;
  void save(Sink& sink) const override;
  void load(Source& source) override;

  const erl::Memory& memory() const { return memory_; }

 private:
  ErlConfig config_;
  std::vector<Task> train_;
  WorldFacts world_;
  Rng rng_;
  objective::Alarms alarms_;
  erl::Memory memory_;
  int round_ = 0;
};

}  // namespace hone
