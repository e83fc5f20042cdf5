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
  v.field("data", c.data, "JSONL file of pairs: prompt, chosen, rejected; with `unpaired` also of single replies: prompt, completion, label");
  v.field("unseen", c.unseen, "pairs that are never trained: accuracy on them is measured after every pass");
  v.field("passes", c.passes, "times that the data are gone through, a round each", {.min = 1, .max = 100000});
  v.field("max_length", c.max_length, "tokens of a sequence; pairs (single replies) with a longer one are left out", {.min = 2, .max = 1048576});
  v.choice("unpaired", c.unpaired, {{"off", Unpaired::off}, {"kto", Unpaired::kto}, {"apo_zero", Unpaired::apo_zero}},
           "each reply on its own, good (chosen, label true) or bad: KTO, or APO-zero's unpaired form; `losses` is then not looked at");
  v.field("desirable_weight", c.desirable_weight, "unpaired: weight of good replies", {.min = 0, .max = 1000});
  v.field("undesirable_weight", c.undesirable_weight, "unpaired: weight of bad replies", {.min = 0, .max = 1000});
  visit(v, c.train);
  visit(v, c.loss);
}
void validate(const DpoConfig& c) {
  if (c.data.empty()) throw Error(Fault::bad_input, "data: expected a JSONL file of pairs, got nothing");
  validate(c.train, c.max_length, c.unpaired == Unpaired::off ? 2 : 1);
  validate(c.loss);
}

class Dpo final : public Learner {
 public:
  explicit Dpo(const DpoConfig& config) : config_(config) {
    const bool single = starts_with_label(config.data);
    if (single && config.unpaired == Unpaired::off)
      throw Error(Fault::bad_input, config.data + ": replies with a label: expected pairs of chosen and rejected, or `unpaired: kto` (or apo_zero), got `unpaired: off`");
    if (single) marked_ = read_marked_rows(config.data);
    else pairs_ = read_preference_rows(config.data);
    if (!single && config.train.sequences_per_step % 2 != 0)
      throw Error(Fault::bad_input, "sequences_per_step: expected an even number (pairs), got " + std::to_string(config.train.sequences_per_step));
    if (!single) validate(config.train, config.max_length, 2);
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
    Update update;
    const AtStep pass{round_, config_.passes};
    const Rng rng = tools.rng("order");
    const auto some = [&](std::size_t n, const char* what) {
      if (n == 0) throw Error(Fault::bad_input, config_.data + ": no " + what + " fits max_length (" + std::to_string(config_.max_length) + ")");
    };
    if (!marked_.empty()) {
      const auto replies = replies_of(marked_, config_.max_length, *policy, *tools.tokenizer());
      some(replies.known.size(), "reply");
      update.metrics = mark(replies, config_.train, marks(), pass, rng, *policy);
      update.metrics["rows_left_out"] = static_cast<double>(replies.left_out);
    } else {
      const Pairs pairs = pairs_of(pairs_, config_.max_length, *policy, *tools.tokenizer());
      some(pairs.known.size(), "pair");
      update.metrics = config_.unpaired == Unpaired::off ? prefer(pairs, config_.train, config_.loss, pass, rng, *policy)
                                                         : mark(replies_of(pairs, config_.max_length), config_.train, marks(), pass, rng, *policy);
      update.metrics["pairs_left_out"] = static_cast<double>(pairs.left_out);
    }
    if (!unseen_.empty()) update.metrics["unseen/accuracy"] = preferred(pairs_of(unseen_, config_.max_length, *policy, *tools.tokenizer()), *policy);
    ++round_;
    return update;
  }

  void save(Sink& sink) const override { put(sink, round_); }
  void load(Source& source) override { get(source, round_); }

 private:
  objective::KtoConfig marks() const {
    return {config_.unpaired == Unpaired::kto ? objective::KtoLoss::kto : objective::KtoLoss::apo_zero_unpaired, config_.loss.beta, config_.desirable_weight, config_.undesirable_weight};
  }

  DpoConfig config_;
  std::vector<PreferenceRow> pairs_, unseen_;
  std::vector<MarkedRow> marked_;
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
