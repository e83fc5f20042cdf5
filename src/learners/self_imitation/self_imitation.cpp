// Rejection sampling, then supervised fine-tuning: try, keep what was solved, learn to say it. The plain baseline of every method
// that trains weights (e.g. RAFT, Dong et al. 2023; STaR, Zelikman et al. 2022).
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/learner.h"
#include "learners/training.h"
#include "learners/trajectory.h"
#include "learners/transcript.h"
#include "objective/sft.h"

namespace hone {

namespace {

struct SelfImitationConfig {
  int rounds = 10, tasks = 64, tries = 4, keep = 1;
  double temperature = 1.0, lessons = 0.0;
  bool cases = false;
  TrainConfig train;
};
template <class V>
void visit(V& v, SelfImitationConfig& c) {
  v.field("rounds", c.rounds, "rounds of tries and training", {.min = 1, .max = 1000000});
  v.field("tasks", c.tasks, "tasks per round", {.min = 1, .max = 1000000});
  v.field("tries", c.tries, "tries per task", {.min = 1, .max = 10000});
  v.field("keep", c.keep, "solved tries of a task that are learned from in a round, the first ones", {.min = 1, .max = 10000});
  v.field("temperature", c.temperature, "of the tries", {.min = 0.01, .max = 100});
  v.field("cases", c.cases, "the first solved try at each task is remembered as a case too");
  v.field("lessons", c.lessons, "share of a round's tasks that are tried with what is remembered, so that weights learn to play with it as well", {.min = 0, .max = 1});
  visit(v, c.train);
}

class SelfImitation final : public Learner {
 public:
  SelfImitation(SelfImitationConfig config, const LearnerContext& context) : config_(config), train_(context.train), world_(context.world), rng_(context.rng) {}

  Need next(const Progress& progress) override {
    Need need;
    need.done = progress.last_call || round_ >= config_.rounds || train_.empty();
    if (need.done) return need;
    need.trials = round_of_trials(train_, round_, config_.tasks, config_.tries, config_.temperature, rng_);
    const int with = static_cast<int>(std::lround(config_.lessons * config_.tasks));  // tasks come in a shuffled order: the first ones
    for (int i = 0; i < with * config_.tries; ++i) need.trials[static_cast<std::size_t>(i)].with_lessons = true;
    return need;
  }

  Update learn(const Experience& experience, const Lessons&, Tools& tools) override {
    Policy* policy = tools.policy();
    if (policy == nullptr) throw Error(Fault::unavailable, "self_imitation: needs a model whose weights can be trained");
    std::map<std::string, int> kept;
    Update update;
    std::vector<TokenSequence> sequences;
    int solved = 0;
    for (const auto& e : experience.episodes) {
      if (!e.solved) continue;
      ++solved;
      if (config_.cases && remembered_.insert(e.task.id).second) update.lessons.add.push_back(case_of(e, world_, {RecallKey::task}));
      if (++kept[e.group] > config_.keep) continue;
      for (auto& t : trajectories(e)) sequences.push_back(std::move(t.sequence));
    }
    update.metrics["solved"] = experience.episodes.empty() ? 0.0 : static_cast<double>(solved) / static_cast<double>(experience.episodes.size());
    update.metrics["sequences"] = static_cast<double>(sequences.size());
    const StepOptions options = step_options(config_.train, {round_, config_.rounds}, 1.0F);
    const std::size_t step = per_step(config_.train, sequences.size());
    for (int epoch = 0; epoch < config_.train.epochs && !sequences.empty(); ++epoch) {
      tools.rng("epoch").split(static_cast<std::uint64_t>(epoch)).shuffle(sequences);
      for (std::size_t first = 0; first < sequences.size(); first += step) {
        const auto part = std::span<const TokenSequence>(sequences).subspan(first, std::min(step, sequences.size() - first));
        std::vector<int> tokens;
        for (const auto& s : part) tokens.push_back(static_cast<int>(std::count(s.trained.begin(), s.trained.end(), 1)));
        objective::SftObjective objective(tokens, {});
        const auto result = policy->step(part, objective.loss(), options);
        update.metrics["loss"] = result.loss;
        update.metrics["gradient_norm"] = result.gradient_norm;
      }
    }
    ++round_;
    return update;
  }

  void save(Sink& sink) const override {
    put(sink, round_);
    put(sink, static_cast<std::uint64_t>(remembered_.size()));
    for (const auto& id : remembered_) put_text(sink, id);
  }
  void load(Source& source) override {
    std::uint64_t remembered = 0;
    get(source, round_), get(source, remembered);
    remembered_.clear();
    while (remembered-- > 0) remembered_.insert(get_text(source));
  }

 private:
  SelfImitationConfig config_;
  std::vector<Task> train_;
  WorldFacts world_;
  Rng rng_;
  int round_ = 0;
  std::set<std::string> remembered_;  // tasks
};

std::unique_ptr<Learner> make_self_imitation(const Settings& settings, const LearnerContext& context) {
  return std::make_unique<SelfImitation>(read_config<SelfImitationConfig>(settings), context);
}

}  // namespace

extern constinit const LearnerEntry learner_self_imitation;
constinit const LearnerEntry learner_self_imitation{
    .name = "self_imitation",
    .summary = "weights: try, keep what was solved, learn to say it (rejection sampling, then supervised fine-tuning)",
    .citation = "Zelikman et al. 2022, STaR, arXiv 2203.14465; Dong et al. 2023, RAFT, arXiv 2304.06767",
    .trains = true,
    .fields = &describe_config<SelfImitationConfig>,
    .make = &make_self_imitation,
};

}  // namespace hone
