// ExGRPO (Zhan et al. 2025): GRPO in which part of every round goes back to questions that were solved before, each with one stored
// solved try among the fresh ones, corrected for the policy that made it and shaped so that replay does not end exploration.
#pragma once

#include <string>
#include <vector>

#include "core/learner.h"
#include "learners/exgrpo/buffer.h"
#include "learners/training.h"
#include "objective/alarms.h"
#include "objective/config.h"
#include "objective/sample.h"

namespace hone {

namespace exgrpo {
enum class Pick { lowest, highest, random };           // which stored try of a question, by its entropy
enum class EntropyOf { mean, sum, nll, perplexity };   // of its tokens under the current policy
enum class Recorded { played, scored };                // where a stored try's log-probabilities come from
enum class Draw { needed, all };                       // all: a round's full number of questions is drawn, those that replay displaces are passed over

// Dr. GRPO with clip 0.2 and a small entropy bonus, divided by the number of sequences times the longest reply.
objective::ObjectiveConfig standard_objective();
}  // namespace exgrpo

struct ExgrpoConfig {
  std::string preset;
  int rounds = 50, tasks = 16, group = 8;
  double temperature = 1.0;
  double replay = 0.5, start_above = 0.35;
  bool latch = true;
  exgrpo::BufferConfig buffer;
  exgrpo::Pick pick = exgrpo::Pick::lowest;
  exgrpo::EntropyOf entropy_of = exgrpo::EntropyOf::mean;
  bool shaping = true, correction = true, clip_fresh = false;
  exgrpo::Recorded recorded = exgrpo::Recorded::played;
  exgrpo::Draw draw = exgrpo::Draw::needed;
  int spare = 20;
  TrainConfig train;
  objective::ObjectiveConfig objective = exgrpo::standard_objective();
  objective::AlarmConfig alarms;
};
template <class V>
void visit(V& v, ExgrpoConfig& c) {
  using namespace exgrpo;
  v.field("preset", c.preset, "published combination for the objective's settings below; empty = Dr. GRPO, clip 0.2, entropy bonus 0.001, divided by sequences and longest reply");
  v.field("rounds", c.rounds, "rounds of tries and training", {.min = 1, .max = 1000000});
  v.field("tasks", c.tasks, "questions per round (B)", {.min = 1, .max = 1000000});
  v.field("group", c.group, "tries per question (K), the replayed one included", {.min = 2, .max = 10000});
  v.field("temperature", c.temperature, "of the tries, and of every log-probability", {.min = 0.01, .max = 100});
  v.field("replay", c.replay, "share of a round's questions that comes from the buffer (rho)", {.min = 0, .max = 1});
  v.field("start_above", c.start_above, "replay begins after a round in which a larger share of the tries was solved; below 0 = from the first round", {.min = -1, .max = 1});
  v.field("latch", c.latch, "once begun, replay goes on; off: every round is judged anew");
  visit(v, c.buffer);
  v.choice("pick", c.pick, {{"lowest", Pick::lowest}, {"highest", Pick::highest}, {"random", Pick::random}}, "which stored try of a question is replayed, by its entropy now");
  v.choice("entropy_of", c.entropy_of, {{"mean", EntropyOf::mean}, {"sum", EntropyOf::sum}, {"nll", EntropyOf::nll}, {"perplexity", EntropyOf::perplexity}},
           "that entropy: mean or sum over the tokens, mean negative log-probability, or its exponential");
  v.field("shaping", c.shaping, "replayed tokens count w / (w + shape_beta) of their ratio w; off: w itself");
  v.field("correction", c.correction, "the ratio of replayed tokens is to the policy that made them; off: to the current one");
  v.field("clip_fresh", c.clip_fresh, "fresh tries are clipped while there is replay, too; off: only before");
  v.choice("recorded", c.recorded, {{"played", Recorded::played}, {"scored", Recorded::scored}},
           "log-probabilities of a stored try: those it was sampled with, or the trainer's when it is stored");
  v.choice("draw", c.draw, {{"needed", Draw::needed}, {"all", Draw::all}}, "questions drawn beside the replayed ones: as many as are tried, or always `tasks`, the rest passed over");
  v.field("spare", c.spare, "solved questions leave the order at its end while it has more than tasks + this", {.min = 0, .max = 1000000});
  visit(v, c.train);
  visit(v, c.objective);
  visit(v, c.alarms);
}
void validate(const ExgrpoConfig& config);

// All that a round leaves to the next one beside the weights.
struct ExgrpoState {
  explicit ExgrpoState(const ExgrpoConfig& c) : mixed(c.start_above < 0.0), buffer(c.buffer, c.group) {}
  int round = 0, epoch = 0;          // epoch: times that the order was dealt
  bool mixed;                        // with replay and storing
  std::vector<std::uint32_t> order;  // places in the training tasks
  std::uint64_t at = 0;              // place in the order
  exgrpo::Buffer buffer;
};

class Exgrpo final : public Learner {
 public:
  Exgrpo(ExgrpoConfig config, const LearnerContext& context);
  Exgrpo(ExgrpoConfig config, const LearnerContext& context, ExgrpoState state);
  Need next(const Progress& progress) override;
  Update learn(const Experience& experience, const Lessons& known, Tools& tools) override;
  void save(Sink& sink) const override;
  void load(Source& source) override;
  const ExgrpoState& state() const { return state_; }

 private:
  // A try as the objective sees it: a fresh episode, or a stored one put beside them.
  struct Try {
    const Episode* episode = nullptr;  // null: replayed
    std::vector<Trajectory> parts;
    std::optional<double> reward;
    bool solved = false;
  };
  struct Group {
    std::string key, question;
    std::vector<Try> tries;
  };
  // What is trained: a sequence and what the objective must know of it, side by side.
  struct Batch {
    std::vector<TokenSequence> sequences;
    std::vector<objective::Sample> samples;
  };

  void deal();  // which questions the round asks for; plan_ and the order after it
  std::vector<Group> groups(std::span<const Episode> episodes) const;
  void replay_into(std::vector<Group>& groups, Tools& tools, Metrics& metrics) const;
  void remember(const std::vector<Group>& groups, Policy& policy);
  Batch batch_of(const std::vector<Group>& groups, Metrics& metrics) const;
  void train(Batch batch, Tools& tools, Metrics& metrics) const;

  ExgrpoConfig config_;
  std::vector<Task> train_;
  Rng rng_;
  objective::Alarms alarms_;
  ExgrpoState state_;
  struct Plan {
    std::vector<std::pair<std::string, std::string>> replayed;  // key of the group, question
    std::vector<std::uint32_t> fresh, order;
    std::uint64_t at = 0;
    int epoch = 0;
  } plan_;
};

// Of a try's tokens by the current policy's scores; the smaller, the surer.
double entropy_of(exgrpo::EntropyOf kind, std::span<const SequenceScores> parts);

}  // namespace hone
