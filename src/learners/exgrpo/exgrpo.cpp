#include "learners/exgrpo/exgrpo.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "objective/policy_loss.h"
#include "objective/presets.h"

namespace hone {

using namespace exgrpo;

namespace {

int trained(const TokenSequence& s) { return static_cast<int>(std::count(s.trained.begin(), s.trained.end(), 1)); }

template <class T>
std::vector<T> picked(const std::vector<T>& from, std::span<const std::size_t> which) {
  std::vector<T> out;
  for (const std::size_t i : which) out.push_back(from[i]);
  return out;
}

Trial trial_of(const Task& task, const std::string& group, int attempt, double temperature) {
  Trial t;
  t.task = task;
  t.group = group;
  t.attempt = attempt;
  t.with_lessons = false;
  t.sampling.temperature = static_cast<float>(temperature);
  return t;
}

std::uint64_t hash_of(const Episode& e) {
  std::string said;
  for (const auto& step : e.steps) said += step.did.action + '\n';
  return hash64(said);
}

std::unique_ptr<Learner> make_exgrpo(const Settings& settings, const LearnerContext& context) {
  ExgrpoConfig config;
  if (const auto it = settings.find("preset"); it != settings.end() && it->second.values.size() == 1 && !it->second.values[0].empty())
    config.objective = objective::preset(it->second.values[0]).config;
  config = read_config<ExgrpoConfig>(settings, config);
  return std::make_unique<Exgrpo>(std::move(config), context);
}

}  // namespace

objective::ObjectiveConfig exgrpo::standard_objective() {
  auto c = objective::preset("exgrpo_warmup").config;
  c.agg = objective::Aggregate::const_norm;
  c.agg_L_max = 0;
  return c;
}

double entropy_of(EntropyOf kind, std::span<const SequenceScores> parts) {
  double entropy = 0.0, nll = 0.0, n = 0.0;
  for (const auto& p : parts) {
    for (const float h : p.entropy) entropy += h;
    for (const float l : p.logp) nll -= l;
    n += static_cast<double>(p.logp.size());
  }
  if (n == 0.0) return 0.0;
  switch (kind) {
    case EntropyOf::mean: return entropy / n;
    case EntropyOf::sum: return entropy;
    case EntropyOf::nll: return nll / n;
    case EntropyOf::perplexity: return std::exp(nll / n);
  }
  return 0.0;
}

void validate(const ExgrpoConfig& c) {
  validate(c.objective);
  if (c.objective.kl_where != objective::KlWhere::none) throw Error(Fault::bad_input, "exgrpo: kl_where: expected none (there is no reference model), got another");
  if (c.objective.old_logp != objective::OldLogp::stored) throw Error(Fault::bad_input, "exgrpo: old_logp: expected stored (replayed tries bring their own), got another");
}

Exgrpo::Exgrpo(ExgrpoConfig config, const LearnerContext& context) : Exgrpo(config, context, ExgrpoState(config)) {}
Exgrpo::Exgrpo(ExgrpoConfig config, const LearnerContext& context, ExgrpoState state)
    : config_(std::move(config)), train_(context.train), rng_(context.rng), alarms_(config_.alarms), state_(std::move(state)) {}

// Changes only plan_, by what state_ says: asked again, or after a restart, it deals the same.
void Exgrpo::deal() {
  plan_ = {.replayed = {}, .fresh = {}, .order = state_.order, .at = state_.at, .epoch = state_.epoch};
  std::vector<std::string> again;
  if (state_.mixed) again = state_.buffer.draw(static_cast<int>(config_.replay * config_.tasks + 1e-9), rng_.split("replay").split(static_cast<std::uint64_t>(state_.round)));
  for (std::size_t i = 0; i < again.size(); ++i)
    plan_.replayed.emplace_back(again[i] + "/" + std::to_string(state_.round) + "/replay/" + std::to_string(i), again[i]);
  const auto fresh = static_cast<std::size_t>(config_.tasks) - again.size();
  const auto drawn = config_.draw == Draw::all ? static_cast<std::size_t>(config_.tasks) : fresh;
  for (std::size_t i = 0; i < drawn; ++i) {
    if (plan_.at >= plan_.order.size()) {  // the order's end: dealt anew, without what is retired
      if (plan_.epoch == 0) {
        plan_.order.resize(train_.size());
        std::iota(plan_.order.begin(), plan_.order.end(), 0U);
      } else if (plan_.order.size() > static_cast<std::size_t>(config_.tasks + config_.spare)) {
        auto left = plan_.order;
        std::erase_if(left, [&](std::uint32_t t) { return state_.buffer.is_retired(train_[t].id); });
        if (left.size() >= static_cast<std::size_t>(config_.tasks)) plan_.order = std::move(left);
      }
      std::sort(plan_.order.begin(), plan_.order.end());
      rng_.split("order").split(static_cast<std::uint64_t>(plan_.epoch++)).shuffle(plan_.order);
      plan_.at = 0;
    }
    const auto task = plan_.order[plan_.at++];
    if (i < fresh) plan_.fresh.push_back(task);
  }
}

Need Exgrpo::next(const Progress& progress) {
  Need need;
  need.done = progress.last_call || state_.round >= config_.rounds || train_.empty();
  if (need.done) return need;
  deal();
  for (const auto& [key, question] : plan_.replayed) {
    const auto task = std::find_if(train_.begin(), train_.end(), [&](const Task& t) { return t.id == question; });
    if (task == train_.end()) throw Error(Fault::corrupt, "exgrpo: the checkpoint replays task " + question + ", which is not among the training tasks");
    for (int t = 1; t < config_.group; ++t) need.trials.push_back(trial_of(*task, key, t, config_.temperature));  // 0 is the stored one
  }
  for (std::size_t i = 0; i < plan_.fresh.size(); ++i) {
    const Task& task = train_[plan_.fresh[i]];
    for (int t = 0; t < config_.group; ++t)
      need.trials.push_back(trial_of(task, task.id + "/" + std::to_string(state_.round) + "/" + std::to_string(i), t, config_.temperature));
  }
  return need;
}

std::vector<Exgrpo::Group> Exgrpo::groups(std::span<const Episode> episodes) const {
  std::vector<Group> out;
  std::map<std::string, std::size_t> place;
  for (const auto& e : episodes) {
    const auto [it, added] = place.try_emplace(e.group, out.size());
    if (added) out.push_back({e.group, e.task.id, {}});
    Try t{&e, trajectories(e), std::nullopt, e.solved && e.ending != Ending::fault};
    if (e.ending != Ending::fault) t.reward = e.score;  // a try that broke is not a bad try
    out[it->second].tries.push_back(std::move(t));
  }
  return out;
}

// Puts one stored try into each group that asked for it: of all the question has, the one the current policy is surest of.
void Exgrpo::replay_into(std::vector<Group>& groups, Tools& tools, Metrics& metrics) const {
  std::vector<TokenSequence> sequences;
  for (const auto& [key, question] : plan_.replayed)
    for (const auto& kept : state_.buffer.kept(question))
      for (const auto& part : kept.parts) sequences.push_back(part.sequence);
  std::vector<SequenceScores> scores;
  if (config_.pick != Pick::random && !sequences.empty()) scores = tools.policy()->score(sequences, 1.0F, Which::current);
  Rng rng = tools.rng("pick");
  std::size_t at = 0;
  double drift = 0.0, tokens = 0.0, age = 0.0;
  int replayed = 0;
  for (const auto& [key, question] : plan_.replayed) {
    const auto& all = state_.buffer.kept(question);
    const auto group = std::find_if(groups.begin(), groups.end(), [&, &name = key](const Group& g) { return g.key == name; });
    std::size_t best = 0, best_at = at;
    if (config_.pick == Pick::random) best = rng.below(all.size());
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < all.size() && !scores.empty(); ++i) {
      const double h = entropy_of(config_.entropy_of, std::span(scores).subspan(at, all[i].parts.size()));
      const double by = config_.pick == Pick::lowest ? h : -h;
      if (by < least) least = by, best = i, best_at = at;
      at += all[i].parts.size();
    }
    if (group == groups.end()) continue;
    const Kept& kept = all[best];
    group->tries.insert(group->tries.begin(), Try{nullptr, kept.parts, kept.reward, true});
    ++replayed;
    age += state_.round - kept.born;
    for (std::size_t p = 0; p < kept.parts.size() && !scores.empty(); ++p)
      for (std::size_t t = 0; t < kept.parts[p].logp.size(); ++t, tokens += 1.0) drift += scores[best_at + p].logp[t] - kept.parts[p].logp[t];
  }
  metrics["replayed"] = replayed;
  if (replayed > 0) metrics["replayed/age"] = age / replayed;
  if (tokens > 0.0) metrics["replayed/log_ratio"] = drift / tokens;  // at temperature 1
}

// Which questions are done with, and what is stored of the others. Log-probabilities are from before the round's steps.
void Exgrpo::remember(const std::vector<Group>& groups, Policy& policy) {
  for (const auto& g : groups) {
    if (g.tries.size() != static_cast<std::size_t>(config_.group)) continue;  // experience from elsewhere: not a group of ours
    const auto solved = static_cast<int>(std::count_if(g.tries.begin(), g.tries.end(), [](const Try& t) { return t.solved; }));
    if (solved == config_.group) state_.buffer.retire(g.question);
    if (!state_.mixed) continue;
    std::vector<Kept> kept;
    for (const auto& t : g.tries) {
      if (t.episode == nullptr || !t.solved || solved == config_.group || t.parts.empty()) continue;
      Kept k{t.episode->id, hash_of(*t.episode), *t.reward, state_.round, t.parts};
      const bool unsaid = std::any_of(k.parts.begin(), k.parts.end(), [](const Trajectory& p) { return p.logp.empty(); });
      if (config_.recorded == Recorded::scored || unsaid) {
        std::vector<TokenSequence> sequences;
        for (const auto& p : k.parts) sequences.push_back(p.sequence);
        auto scores = policy.score(sequences, static_cast<float>(config_.temperature), Which::current);
        for (std::size_t p = 0; p < k.parts.size(); ++p) k.parts[p].logp = std::move(scores[p].logp);
      }
      for (auto& p : k.parts) p.entropy.clear();
      kept.push_back(std::move(k));
    }
    state_.buffer.collect(g.question, solved, std::move(kept));
  }
}

Exgrpo::Batch Exgrpo::batch_of(const std::vector<Group>& groups, Metrics& metrics) const {
  // Advantages are between tries; a try's trajectories share them out.
  std::vector<objective::Sample> tries;
  for (const auto& g : groups)
    for (const auto& t : g.tries) {
      objective::Sample s;
      s.group = g.key;
      for (const auto& p : t.parts) s.tokens += trained(p.sequence), s.truncated = s.truncated || p.truncated;
      s.reward = t.reward;
      tries.push_back(std::move(s));
    }
  const auto advantages = objective::advantages(tries, config_.objective);
  for (const auto& [name, value] : advantages.metrics) metrics[name] = value;
  Batch out;
  std::size_t i = 0;
  for (const auto& g : groups)
    for (const auto& t : g.tries) {
      const auto& of = advantages.of[i];
      const bool dropped = !advantages.dropped.empty() && advantages.dropped[i] != 0;
      std::size_t token = 0;
      for (const auto& p : t.parts) {
        objective::Sample s;
        s.group = g.key;
        s.tokens = trained(p.sequence);
        s.truncated = p.truncated;
        s.reward = t.reward;
        s.advantages.assign(of.begin() + static_cast<std::ptrdiff_t>(token), of.begin() + static_cast<std::ptrdiff_t>(token) + s.tokens);
        token += static_cast<std::size_t>(s.tokens);
        s.logp_roll = p.logp;
        s.entropy = p.entropy;
        if (t.episode == nullptr) {
          if (config_.shaping) s.own.surrogate = objective::Surrogate::shape_f;
          if (config_.correction) s.own.old_logp = objective::OldLogp::past, s.logp_past = p.logp;
        }
        if (dropped) continue;
        out.samples.push_back(std::move(s));
        out.sequences.push_back(p.sequence);
      }
      ++i;
    }
  return out;
}

void Exgrpo::train(Batch batch, Tools& tools, Metrics& metrics) const {
  Policy* policy = tools.policy();
  const auto temperature = static_cast<float>(config_.temperature);
  std::vector<std::size_t> order(batch.samples.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t step = per_step(config_.train, order.size());
  const bool one_step = config_.train.epochs == 1 && order.size() <= step;
  if (!one_step) {
    auto old = policy->score(batch.sequences, temperature, Which::current);
    for (std::size_t i = 0; i < old.size(); ++i) batch.samples[i].logp_old = std::move(old[i].logp);
  }
  const StepOptions options = step_options(config_.train, {state_.round, config_.rounds}, temperature);
  auto objective_config = config_.objective;
  if (one_step) objective_config.old_logp = objective::OldLogp::current;
  if (state_.mixed && !config_.clip_fresh) objective_config.surrogate = objective::Surrogate::no_clip;
  int steps = 0;
  for (int epoch = 0; epoch < config_.train.epochs; ++epoch) {
    Rng rng = tools.rng("epoch").split(static_cast<std::uint64_t>(epoch));
    rng.shuffle(order);
    for (std::size_t first = 0; first < order.size(); first += step) {
      const auto which = std::span(order).subspan(first, std::min(step, order.size() - first));
      objective::PolicyObjective objective(picked(batch.samples, which), objective_config, rng.split(first));
      const auto result = policy->step(picked(batch.sequences, which), objective.loss(), options);
      for (const auto& [name, value] : objective.metrics()) metrics.insert_or_assign(name, value);
      metrics.insert_or_assign("loss", result.loss);
      metrics.insert_or_assign("gradient_norm", result.gradient_norm);
      metrics.insert_or_assign("skipped", metrics["skipped"] + (result.skipped ? 1.0 : 0.0));
      ++steps;
    }
  }
  metrics["steps"] = steps;
  metrics["lr"] = options.lr;
}

Update Exgrpo::learn(const Experience& experience, const Lessons&, Tools& tools) {
  Policy* policy = tools.policy();
  if (policy == nullptr) throw Error(Fault::unavailable, "exgrpo: needs a model whose weights can be trained");
  Update update;
  if (experience.episodes.empty()) return update;  // a cap ended the run before this round was played
  auto groups = this->groups(experience.episodes);
  replay_into(groups, tools, update.metrics);
  remember(groups, *policy);
  double solved = 0.0, tries = 0.0;
  for (const auto& g : groups)
    for (const auto& t : g.tries) solved += t.solved ? 1.0 : 0.0, tries += 1.0;
  train(batch_of(groups, update.metrics), tools, update.metrics);
  state_.buffer.purge(state_.round);
  update.metrics["pass_rate"] = solved / tries;
  update.metrics["mixed"] = state_.mixed ? 1.0 : 0.0;
  update.metrics["buffer/questions"] = static_cast<double>(state_.buffer.size());
  update.metrics["buffer/tries"] = static_cast<double>(state_.buffer.tries());
  update.metrics["buffer/retired"] = static_cast<double>(state_.buffer.retired());
  state_.mixed = config_.start_above < 0.0 || solved / tries > config_.start_above || (config_.latch && state_.mixed);
  for (const auto& alarm : alarms_.round(update.metrics)) tools.report(alarm, {});
  state_.order = plan_.order, state_.at = plan_.at, state_.epoch = plan_.epoch;
  ++state_.round;
  return update;
}

void Exgrpo::save(Sink& sink) const {
  put(sink, state_.round);
  put(sink, state_.epoch);
  put(sink, static_cast<std::uint8_t>(state_.mixed));
  put(sink, static_cast<std::uint64_t>(state_.order.size()));
  for (const auto t : state_.order) put(sink, t);
  put(sink, state_.at);
  state_.buffer.save(sink);
  alarms_.save(sink);
}

void Exgrpo::load(Source& source) {
  std::uint8_t mixed = 0;
  std::uint64_t order = 0;
  get(source, state_.round);
  get(source, state_.epoch);
  get(source, mixed);
  state_.mixed = mixed != 0;
  get(source, order);
  state_.order.clear();
  for (std::uint64_t i = 0; i < order; ++i) {
    std::uint32_t t = 0;
    get(source, t);
    if (t >= train_.size()) throw Error(Fault::corrupt, "exgrpo: checkpoint: expected a training task below " + std::to_string(train_.size()) + ", got " + std::to_string(t));
    state_.order.push_back(t);
  }
  get(source, state_.at);
  state_.buffer.load(source);
  alarms_.load(source);
}

extern constinit const LearnerEntry learner_exgrpo;
constinit const LearnerEntry learner_exgrpo{
    .name = "exgrpo",
    .summary = "weights: several tries at each task, and part of every round goes back to tasks solved before, with one stored solved try among the fresh ones",
    .citation = "Zhan et al. 2025, ExGRPO, arXiv 2510.02245",
    .trains = true,
    .fields = &describe_config<ExgrpoConfig>,
    .make = &make_exgrpo,
};

}  // namespace hone
