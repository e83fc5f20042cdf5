// Supervised fine-tuning on data of one's own (sft_dpo_reference, section 3). The recipe's world only judges.
#include "core/error.h"
#include "learners/passes.h"

namespace hone {

namespace {

struct SftMethodConfig {
  std::string data;
  int passes = 3, max_length = 1024;
  bool completion_only = true;
  PassConfig train{TrainConfig{.lr = 2e-5, .sequences_per_step = 8}};
  objective::SftConfig loss;
};
template <class V>
void visit(V& v, SftMethodConfig& c) {
  v.field("data", c.data, "JSONL file in one of TRL's shapes: messages, prompt and completion, or text");
  v.field("passes", c.passes, "times that the data are gone through, a round each", {.min = 1, .max = 100000});
  v.field("max_length", c.max_length, "tokens of a sequence; more are cut off at its end", {.min = 2, .max = 1048576});
  v.field("completion_only", c.completion_only, "train replies only (of messages: the assistant's turns); off: every token");
  visit(v, c.train);
  visit(v, c.loss);
}
void validate(const SftMethodConfig& c) {
  if (c.data.empty()) throw Error(Fault::bad_input, "data: expected a JSONL file, got nothing");
  validate(c.train, c.max_length, 1);
}

class Sft final : public Learner {
 public:
  explicit Sft(const SftMethodConfig& config) : config_(config), rows_(read_training_rows(config.data)) {}

  Need next(const Progress& progress) override {
    Need need;
    need.done = progress.last_call || round_ >= config_.passes;
    return need;
  }

  Update learn(const Experience&, const Lessons&, Tools& tools) override {
    if (tools.policy() == nullptr || tools.tokenizer() == nullptr) throw Error(Fault::unavailable, "sft: needs a model whose weights can be trained");
    std::vector<TokenSequence> sequences;
    for (const auto& row : rows_)
      if (auto s = sequence_of(row, *tools.tokenizer(), {config_.max_length, config_.completion_only})) sequences.push_back(std::move(*s));
    if (sequences.empty()) throw Error(Fault::bad_input, config_.data + ": no row has a trained token within max_length (" + std::to_string(config_.max_length) + ")");
    Update update;
    const auto left_out = static_cast<double>(rows_.size() - sequences.size());
    update.metrics = imitate(std::move(sequences), config_.train, config_.loss, {round_, config_.passes}, tools.rng("order"), *tools.policy());
    update.metrics["rows_left_out"] = left_out;
    ++round_;
    return update;
  }

  void save(Sink& sink) const override { put(sink, round_); }
  void load(Source& source) override { get(source, round_); }

 private:
  SftMethodConfig config_;
  std::vector<TrainingRow> rows_;
  int round_ = 0;
};

std::unique_ptr<Learner> make_sft(const Settings& settings, const LearnerContext&) { return std::make_unique<Sft>(read_config<SftMethodConfig>(settings)); }

}  // namespace

extern constinit const LearnerEntry learner_sft;
constinit const LearnerEntry learner_sft{
    .name = "sft",
    .summary = "weights: supervised fine-tuning on a file of chats or texts",
    .citation = "Ouyang et al. 2022, InstructGPT, arXiv 2203.02155 (its first stage)",
    .trains = true,
    .fields = &describe_config<SftMethodConfig>,
    .make = &make_sft,
};

}  // namespace hone
