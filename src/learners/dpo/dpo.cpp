// Direct preference optimisation and its family on pairs of one's own (sft_dpo_reference, section 4). The reference is the model as the
// run began; the recipe's world only judges.
#include "core/error.h"
#include "learners/passes.h"

namespace hone {

namespace {

enum class Unpaired { off, kto, apo_zero };

struct DpoConfig {
  std::string data, unseen;
  int passes = 1, max_length = 1024;
  PassConfig train{TrainConfig{.lr = 1e-6, .sequences_per_step = 16}};
  Unpaired unpaired = Unpaired::off;
  double desirable_weight = 1.0, undesirable_weight = 1.0;
  objective::PreferenceConfig loss;
};
template <class V>
void visit(V& v, DpoConfig& c) {
  v.field("data", c.data, "JSONL file of pairs: prompt, chosen, rejected");
  v.field("unseen", c.unseen, "pairs that are never trained: accuracy on them is measured after every pass");
  v.field("passes", c.passes, "times that the data are gone through, a round each", {.min = 1, .max = 100000});
  v.field("max_length", c.max_length, "tokens of a sequence; pairs with a longer one are left out", {.min = 2, .max = 1048576});
  v.choice("unpaired", c.unpaired, {{"off", Unpaired::off}, {"kto", Unpaired::kto}, {"apo_zero", Unpaired::apo_zero}},
           "each reply on its own, chosen ones as good and the others as bad: KTO, or APO-zero's unpaired form; `losses` is then not looked at");
  v.field("desirable_weight", c.desirable_weight, "unpaired: weight of good replies", {.min = 0, .max = 1000});
  v.field("undesirable_weight", c.undesirable_weight, "unpaired: weight of bad replies", {.min = 0, .max = 1000});
  visit(v, c.train);
  visit(v, c.loss);
}
void validate(const DpoConfig& c) {
  if (c.data.empty()) throw Error(Fault::bad_input, "data: expected a JSONL file of pairs, got nothing");
  if (c.train.sequences_per_step % 2 != 0) throw Error(Fault::bad_input, "sequences_per_step: expected an even number (pairs), got " + std::to_string(c.train.sequences_per_step));
  validate(c.train, c.max_length, 2);
  validate(c.loss);
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
    const Pairs pairs = pairs_of(rows_, config_.max_length, *policy, *tools.tokenizer());
    if (pairs.known.empty()) throw Error(Fault::bad_input, config_.data + ": no pair fits max_length (" + std::to_string(config_.max_length) + ")");
    Update update;
    const AtStep pass{round_, config_.passes};
    if (config_.unpaired == Unpaired::off) {
      update.metrics = prefer(pairs, config_.train, config_.loss, pass, tools.rng("order"), *policy);
    } else {
      const auto loss = config_.unpaired == Unpaired::kto ? objective::KtoLoss::kto : objective::KtoLoss::apo_zero_unpaired;
      update.metrics = mark(replies_of(pairs, config_.max_length), config_.train, {loss, config_.loss.beta, config_.desirable_weight, config_.undesirable_weight}, pass, tools.rng("order"), *policy);
    }
    update.metrics["pairs_left_out"] = static_cast<double>(pairs.left_out);
    if (!unseen_.empty()) update.metrics["unseen/accuracy"] = preferred(pairs_of(unseen_, config_.max_length, *policy, *tools.tokenizer()), *policy);
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
