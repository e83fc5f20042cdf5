// Direct preference optimisation and its family on pairs of one's own (sft_dpo_reference, section 4). The reference is the model as the
// run began; the recipe's world only judges.
#include <algorithm>
#include <numeric>

#include "learners/training.h"
#include "learners/training_data.h"
#include "objective/preference.h"

namespace hone {

namespace {

struct DpoConfig {
  std::string data, unseen;
  int passes = 1, max_length = 1024;
  TrainConfig train{.lr = 1e-6, .sequences_per_step = 16};
  objective::PreferenceConfig loss;
};
template <class V>
void visit(V& v, DpoConfig& c) {
  v.field("data", c.data, "JSONL file of pairs: prompt, chosen, rejected");
  v.field("unseen", c.unseen, "pairs that are never trained: accuracy on them is measured after every pass");
  v.field("passes", c.passes, "times that the data are gone through, a round each", {.min = 1, .max = 100000});
  v.field("max_length", c.max_length, "tokens of a sequence; pairs with a longer one are left out", {.min = 2, .max = 1048576});
  visit(v, c.train);
  visit(v, c.loss);
}
void validate(const DpoConfig& c) {
  if (c.data.empty()) throw Error(Fault::bad_input, "data: expected a JSONL file of pairs, got nothing");
  if (c.train.sequences_per_step % 2 != 0) throw Error(Fault::bad_input, "sequences_per_step: expected an even number (pairs), got " + std::to_string(c.train.sequences_per_step));
  validate(c.loss);
}

// Chosen and rejected sequences in turn, and what the reference gives them.
struct Pairs {
  std::vector<TokenSequence> sequences;
  std::vector<objective::Pair> known;
  std::size_t left_out = 0;
};

double sum(const std::vector<float>& logp) { return std::accumulate(logp.begin(), logp.end(), 0.0); }

Pairs pairs_of(const std::vector<PreferenceRow>& rows, int max_length, Tools& tools) {
  Pairs out;
  for (const auto& row : rows) {
    // One token more is let through, so that a row which is cut is seen to be.
    auto chosen = sequence_of(row.chosen, *tools.tokenizer(), {max_length + 1, true}), rejected = sequence_of(row.rejected, *tools.tokenizer(), {max_length + 1, true});
    const auto most = static_cast<std::size_t>(max_length);
    if (!chosen || !rejected || chosen->ids.size() > most || rejected->ids.size() > most) {
      ++out.left_out;
      continue;
    }
    out.sequences.push_back(std::move(*chosen));
    out.sequences.push_back(std::move(*rejected));
  }
  const auto reference = tools.policy()->score(out.sequences, 1.0F, Which::reference);
  for (std::size_t i = 0; i < reference.size(); i += 2) {
    const auto reply = [&](const SequenceScores& s) { return objective::Reply{.tokens = static_cast<int>(s.logp.size()), .ref = sum(s.logp), .ref_tokens = s.logp}; };
    out.known.push_back({reply(reference[i]), reply(reference[i + 1])});
  }
  return out;
}

// Share of pairs whose chosen reply gained more than the rejected one.
double accuracy(const Pairs& pairs, Tools& tools) {
  const auto now = tools.policy()->score(pairs.sequences, 1.0F, Which::current);
  double right = 0.0;
  for (std::size_t k = 0; k < pairs.known.size(); ++k)
    right += sum(now[2 * k].logp) - pairs.known[k].chosen.ref > sum(now[2 * k + 1].logp) - pairs.known[k].rejected.ref ? 1.0 : 0.0;
  return pairs.known.empty() ? 0.0 : right / static_cast<double>(pairs.known.size());
}

class Dpo final : public Learner {
 public:
  explicit Dpo(const DpoConfig& config) : config_(config), rows_(read_preference_rows(config.data)) {
    if (!config.unseen.empty()) unseen_ = read_preference_rows(config.unseen);
  }

  Need next(const Progress& progress) override {
    Need need;
    need.done = progress.last_call || round_ >= config_.passes;
    return need;
  }

  Update learn(const Experience&, const Lessons&, Tools& tools) override {
    Policy* policy = tools.policy();
    if (policy == nullptr || tools.tokenizer() == nullptr) throw Error(Fault::unavailable, "dpo: needs a model whose weights can be trained");
    if (round_ == 0) policy->keep_reference();
    const Pairs pairs = pairs_of(rows_, config_.max_length, tools);
    if (pairs.known.empty()) throw Error(Fault::bad_input, config_.data + ": no pair fits max_length (" + std::to_string(config_.max_length) + ")");
    Update update;
    update.metrics["pairs_left_out"] = static_cast<double>(pairs.left_out);
    std::vector<std::size_t> order(pairs.known.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    tools.rng("order").shuffle(order);
    const std::size_t step = std::max<std::size_t>(1, per_step(config_.train, 2 * order.size()) / 2);
    const auto steps = static_cast<std::int64_t>((order.size() + step - 1) / step);
    AtStep at{round_ * steps, config_.passes * steps};
    for (std::size_t first = 0; first < order.size(); first += step, ++at.step) {
      StepOptions options = step_options(config_.train, at, 1.0F);
      options.together = 2;
      std::vector<TokenSequence> sequences;
      std::vector<objective::Pair> known;
      for (std::size_t i = first; i < std::min(order.size(), first + step); ++i) {
        sequences.push_back(pairs.sequences[2 * order[i]]);
        sequences.push_back(pairs.sequences[2 * order[i] + 1]);
        known.push_back(pairs.known[order[i]]);
      }
      objective::PreferenceObjective objective(std::move(known), config_.loss);
      const auto result = policy->step(sequences, objective.loss(), options);
      for (const auto& [name, value] : objective.metrics()) update.metrics.insert_or_assign(name, value);
      update.metrics["gradient_norm"] = result.gradient_norm;
      update.metrics["lr"] = options.lr;
    }
    if (!unseen_.empty()) update.metrics["unseen/accuracy"] = accuracy(pairs_of(unseen_, config_.max_length, tools), tools);
    ++round_;
    return update;
  }

  void save(Sink& sink) const override { put(sink, round_); }
  void load(Source& source) override { get(source, round_); }

 private:
  DpoConfig config_;
  std::vector<PreferenceRow> rows_, unseen_;
  int round_ = 0;
};

std::unique_ptr<Learner> make_dpo(const Settings& settings, const LearnerContext&) { return std::make_unique<Dpo>(read_config<DpoConfig>(settings)); }

}  // namespace

extern constinit const LearnerEntry learner_dpo;
constinit const LearnerEntry learner_dpo{
    .name = "dpo",
    .summary = "weights: direct preference optimisation and its family on a file of pairs",
    .citation = "Rafailov et al. 2023, Direct Preference Optimization, arXiv 2305.18290",
    .trains = true,
    .fields = &describe_config<DpoConfig>,
    .make = &make_dpo,
};

}  // namespace hone
