#include "learners/grpo/grpo.h"

#include <algorithm>

#include "learners/trajectory.h"
#include "objective/policy_loss.h"
#include "objective/presets.h"

namespace hone {

// What a round is trained on: a sequence and what the objective must know of it, side by side.
struct Grpo::Round {
  std::vector<TokenSequence> sequences;
  std::vector<objective::Sample> samples;
  std::int64_t resampled = 0;  // groups played in place of others
};

namespace {

template <class T>
std::vector<T> picked(const std::vector<T>& from, std::span<const std::size_t> which) {
  std::vector<T> out;
  for (const std::size_t i : which) out.push_back(from[i]);
  return out;
}

std::unique_ptr<Learner> make_grpo(const Settings& settings, const LearnerContext& context) {
  GrpoConfig config;
  if (const auto it = settings.find("preset"); it != settings.end() && it->second.values.size() == 1) config.preset = it->second.values[0];
  config.objective = objective::preset(config.preset).config;
  config = read_config<GrpoConfig>(settings, config);
  validate(config.objective);
  return std::make_unique<Grpo>(std::move(config), context);
}

}  // namespace

Grpo::Grpo(GrpoConfig config, const LearnerContext& context)
    : config_(std::move(config)), train_(context.train), rng_(context.rng), alarms_(config_.alarms) {}

Need Grpo::next(const Progress& progress) {
  Need need;
  need.done = progress.last_call || round_ >= config_.rounds || train_.empty();
  if (need.done) return need;
  need.trials = round_of_trials(train_, round_, config_.tasks, config_.group, config_.temperature, rng_);
  tries_left_ = progress.episodes_left < 0 ? -1 : std::max<std::int64_t>(0, progress.episodes_left - static_cast<std::int64_t>(need.trials.size()));
  return need;
}

void Grpo::add(Round& round, std::span<const Episode> episodes) const {
  for (const auto& e : episodes)
    for (auto& t : trajectories(e)) {
      objective::Sample s;
      s.group = e.group;
      s.tokens = static_cast<int>(std::count(t.sequence.trained.begin(), t.sequence.trained.end(), 1));
      s.truncated = t.truncated;
      if (e.ending != Ending::fault) s.reward = e.score;  // a try that broke is not a bad try
      s.logp_roll = std::move(t.logp);
      s.entropy = std::move(t.entropy);
      round.samples.push_back(std::move(s));
      round.sequences.push_back(std::move(t.sequence));
    }
}

// Advantages of the round; with zero_var: resample after new groups, of tasks drawn anew, were played in place of those that say nothing
// (DAPO's dynamic sampling, but with a limit).
objective::Advantages Grpo::weighed(Round& round, Tools& tools) const {
  auto advantages = objective::advantages(round.samples, config_.objective);
  std::size_t known = 0;  // groups without variance that were replaced already
  std::int64_t left = tries_left_;
  for (int again = 0; again < config_.resamples; ++again) {
    auto missing = static_cast<std::int64_t>(advantages.resample.size() - known);
    if (left >= 0) missing = std::min(missing, left / config_.group);
    if (missing <= 0) break;
    known = advantages.resample.size();
    auto trials = round_of_trials(train_, round_, static_cast<int>(missing), config_.group, config_.temperature, rng_.split("again").split(static_cast<std::uint64_t>(again)));
    for (auto& trial : trials) trial.group += "/again" + std::to_string(again);
    if (left >= 0) left -= static_cast<std::int64_t>(trials.size());
    add(round, tools.play(trials));
    round.resampled += missing;
    advantages = objective::advantages(round.samples, config_.objective);
  }
  return advantages;
}

Update Grpo::learn(const Experience& experience, const Lessons&, Tools& tools) {
  Policy* policy = tools.policy();
  if (policy == nullptr) throw Error(Fault::unavailable, "grpo: needs a model whose weights can be trained");
  const bool reference = config_.objective.kl_where != objective::KlWhere::none;
  if (round_ == 0 && reference) policy->keep_reference();
  Round round;
  add(round, experience.episodes);
  const auto temperature = static_cast<float>(config_.temperature);
  auto advantages = weighed(round, tools);
  Update update;
  update.metrics = advantages.metrics;
  if (config_.objective.zero_var == objective::ZeroVariance::resample) update.metrics["groups_resampled"] = static_cast<double>(round.resampled);

  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < round.samples.size(); ++i)
    if (advantages.dropped.empty() || advantages.dropped[i] == 0) order.push_back(i);
  const std::size_t step = per_step(config_.train, order.size());
  const bool one_step = config_.train.epochs == 1 && order.size() <= step;
  if (!one_step || reference) {
    std::vector<SequenceScores> old, ref;
    if (!one_step) old = policy->score(round.sequences, temperature, Which::current);
    if (reference) ref = policy->score(round.sequences, temperature, Which::reference);
    for (std::size_t i = 0; i < round.samples.size(); ++i) {
      if (!one_step) round.samples[i].logp_old = std::move(old[i].logp);
      if (reference) round.samples[i].logp_ref = std::move(ref[i].logp);
    }
  }
  for (std::size_t i = 0; i < round.samples.size(); ++i) round.samples[i].advantages = advantages.of[i];

  StepOptions options = step_options(config_.train, {round_, config_.rounds}, temperature);
  auto objective_config = config_.objective;
  if (one_step && objective_config.old_logp == objective::OldLogp::stored) objective_config.old_logp = objective::OldLogp::current;
  const bool said = std::all_of(round.samples.begin(), round.samples.end(), [](const auto& s) { return s.tokens == 0 || !s.logp_roll.empty(); });
  const bool correcting = said && objective_config.mismatch == objective::Mismatch::none &&
                          (config_.correct_mismatch == Correction::on || (config_.correct_mismatch == Correction::automatic && correcting_));
  if (correcting) objective_config.mismatch = objective::Mismatch::tis_token;
  update.metrics["mismatch_corrected"] = objective_config.mismatch == objective::Mismatch::none ? 0.0 : 1.0;
  double apart = 0.0;
  int steps = 0;
  for (int epoch = 0; epoch < config_.train.epochs; ++epoch) {
    Rng rng = tools.rng("epoch").split(static_cast<std::uint64_t>(epoch));
    rng.shuffle(order);
    for (std::size_t first = 0; first < order.size(); first += step) {
      const auto which = std::span(order).subspan(first, std::min(step, order.size() - first));
      objective::PolicyObjective objective(picked(round.samples, which), objective_config, rng.split(first));
      const auto result = policy->step(picked(round.sequences, which), objective.loss(), options);
      for (const auto& [name, value] : objective.metrics()) update.metrics.insert_or_assign(name, value);
      if (const auto it = update.metrics.find("mismatch_mean"); it != update.metrics.end()) apart = std::max(apart, it->second);
      update.metrics.insert_or_assign("loss", result.loss);
      update.metrics.insert_or_assign("gradient_norm", result.gradient_norm);
      update.metrics.insert_or_assign("skipped", update.metrics["skipped"] + (result.skipped ? 1.0 : 0.0));
      ++steps;
    }
  }
  update.metrics["steps"] = steps;
  update.metrics["lr"] = options.lr;
  if (!correcting_ && apart > config_.mismatch_limit) {
    correcting_ = true;
    if (config_.correct_mismatch == Correction::automatic && config_.objective.mismatch == objective::Mismatch::none)
      tools.report("sampler and trainer are " + std::to_string(apart) + " nats apart on average (mismatch_limit " + std::to_string(config_.mismatch_limit) +
                       "): truncated importance sampling from now on", {});
  }
  for (const auto& alarm : alarms_.round(update.metrics)) tools.report(alarm, {});
  ++round_;
  return update;
}

void Grpo::save(Sink& sink) const {
  put(sink, round_);
  put(sink, static_cast<std::uint8_t>(correcting_));
  alarms_.save(sink);
}

void Grpo::load(Source& source) {
  get(source, round_);
  std::uint8_t correcting = 0;
  get(source, correcting);
  correcting_ = correcting != 0;
  alarms_.load(source);
}

extern constinit const LearnerEntry learner_grpo;
constinit const LearnerEntry learner_grpo{
    .name = "grpo",
    .summary = "weights: several tries at each task, each weighed by how it did beside the others (GRPO, Dr. GRPO, DAPO, GSPO, CISPO, RLOO, REINFORCE++)",
    .citation = "Shao et al. 2024, DeepSeekMath, arXiv 2402.03300",
    .trains = true,
    .fields = &describe_config<GrpoConfig>,
    .make = &make_grpo,
};

}  // namespace hone
