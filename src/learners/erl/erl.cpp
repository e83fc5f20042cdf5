#include "learners/erl/erl.h"

#include <algorithm>
#include <map>

#include "learners/erl/reflect.h"
#include "learners/erl/samples.h"
#include "learners/erl/update.h"
#include "objective/presets.h"

namespace hone {

namespace {

using erl::Tried;

struct Mean {
  double sum = 0.0, n = 0.0;
  void add(double value) { sum += value, n += 1.0; }
  double value() const { return n > 0.0 ? sum / n : 0.0; }
};

// What the agent reads first must be what the method takes for it, or second tries would be distilled into a prompt nobody uses.
void check_initial(const Episode& first, const std::string& initial, const Tokenizer* tokenizer) {
  if (tokenizer == nullptr || first.steps.empty() || !first.steps[0].did.trace) return;
  const std::vector<Message> message{{"system", initial}};
  const auto expected = tokenizer->chat(message, false);
  const auto& ids = first.steps[0].did.trace->prompt_ids;
  if (ids.size() < expected.size() || !std::equal(expected.begin(), expected.end(), ids.begin()))
    throw Error(Fault::bad_input, "system: expected the agent's own first message (give method and agent the same `system`), got '" + excerpt(initial) + "'; the agent reads '" +
                                      excerpt(tokenizer->decode(ids, true)) + "'");
}

// One round: first tries are there, the rest is played and written now.
class Round {
 public:
  Round(const ErlConfig& config, const WorldFacts& world, Tools& tools) : config_(config), world_(world), tools_(tools), initial_(erl::initial_prompt(config, world)) {}

  void firsts(std::span<const Episode> episodes, erl::Memory& memory) {
    Mean score, solved;
    for (const auto& e : episodes) {
      tried_.push_back({e, std::nullopt, std::nullopt});
      slots_.push_back(memory.take());
      if (e.ending == Ending::fault) continue;
      check_initial(e, initial_, tools_.tokenizer());
      score.add(e.score), solved.add(e.solved ? 1.0 : 0.0);
    }
    batch_ = {score.value(), solved.value(), episodes.size()};
    metrics["first/score"] = batch_.score;
    metrics["first/solved"] = batch_.solved;
    for (std::size_t i = 0; i < tried_.size(); ++i)
      if (tried_[i].first.ending != Ending::fault && (!config_.gate || tried_[i].first.score < config_.tau)) gated_.push_back(i);
  }

  void reflect(const erl::Memory& memory) {
    reflections_.resize(tried_.size());
    if (!config_.reflect) return;
    std::vector<Request> requests;
    std::vector<std::size_t> kept;
    for (const std::size_t i : gated_) {
      const std::string base = memory.at(slots_[i]).value_or(initial_);
      Request r{.key = "reflect/" + std::to_string(i), .role = "reflection", .prompt = erl::reflection_prompt(base, batch_, tried_[i].first, world_, config_.prompts), .sampling = {}};
      if (config_.reflect_prompt_max > 0 && tokens_of(r.prompt) > config_.reflect_prompt_max) continue;
      r.sampling.temperature = static_cast<float>(config_.reflect_temperature);
      r.sampling.top_p = static_cast<float>(config_.reflect_top_p);
      r.sampling.max_tokens = config_.reflect_tokens;
      r.sampling.logprobs = true;
      reflections_[i] = base;
      requests.push_back(std::move(r));
      kept.push_back(i);
    }
    metrics["reflect/dropped"] = static_cast<double>(gated_.size() - kept.size());
    gated_ = std::move(kept);
    auto written = tools_.generate(requests);
    Mean parsed;
    for (std::size_t g = 0; g < gated_.size(); ++g) {
      const auto text = erl::parse_reflection(written.at(g).text);
      parsed.add(text ? 1.0 : 0.0);
      if (text) reflections_[gated_[g]] = *text;  // else it stays what the reflection was shown
      tried_[gated_[g]].reflection = std::move(written[g]);
    }
    metrics["reflect/parsed"] = parsed.value();
  }

  void seconds() {
    std::vector<Trial> trials;
    for (const std::size_t i : gated_) {
      const Episode& first = tried_[i].first;
      Trial& t = trials.emplace_back();
      t.task = first.task, t.group = first.group, t.parent = first.id, t.attempt = first.attempt;
      t.with_lessons = false;
      t.notes = config_.reflect ? erl::told(config_, world_, initial_, reflections_[i]) : erl::told_record(initial_, batch_, first, world_, config_.prompts);
      t.sampling.temperature = static_cast<float>(config_.temperature);
    }
    auto played = tools_.play(trials);
    Mean score, solved;
    for (std::size_t g = 0; g < gated_.size(); ++g) {
      Episode& second = played.at(g);
      if (second.ending != Ending::fault) score.add(second.score), solved.add(second.solved ? 1.0 : 0.0);
      tried_[gated_[g]].second = std::move(second);
    }
    metrics["second/tries"] = static_cast<double>(gated_.size());
    metrics["second/score"] = score.value();
    metrics["second/solved"] = solved.value();
  }

  void remember(erl::Memory& memory) {
    if (!config_.reflect || memory.size() == 0) return;
    std::map<std::string, Mean> groups;
    for (const std::size_t i : gated_) groups[tried_[i].first.group].add(tried_[i].second->score);
    std::vector<erl::Success> successes;
    for (const std::size_t i : gated_) {
      const auto& t = tried_[i];
      if (t.second->ending == Ending::fault || !erl::worth_keeping(config_.store, t.first.score, t.second->score, config_.tau)) continue;
      successes.push_back({slots_[i], t.first.group, groups[t.first.group].value(), reflections_[i]});
    }
    memory.keep(successes, config_.memory_from, tools_.rng("memory"));
    metrics["memory/successes"] = static_cast<double>(successes.size());
    metrics["memory/filled"] = static_cast<double>(memory.filled());
  }

  const std::vector<Tried>& tried() const { return tried_; }
  Metrics metrics;

 private:
  int tokens_of(const std::vector<Message>& prompt) const {
    if (const auto* t = tools_.tokenizer()) return static_cast<int>(t->chat(prompt, true).size());
    int n = 0;
    for (const auto& m : prompt) n += tools_.count_tokens(m.content);
    return n;
  }

  const ErlConfig& config_;
  const WorldFacts& world_;
  Tools& tools_;
  std::string initial_;
  erl::Batch batch_;
  std::vector<Tried> tried_;
  std::vector<std::size_t> slots_, gated_;   // [tried] slot of memory; places that go on
  std::vector<std::string> reflections_;     // [tried]
};

std::unique_ptr<Learner> make_erl(const Settings& settings, const LearnerContext& context) {
  ErlConfig config;
  if (const auto it = settings.find("preset"); it != settings.end() && it->second.values.size() == 1) config.preset = it->second.values[0];
  config.objective = objective::preset(config.preset).config;
  return std::make_unique<Erl>(read_config<ErlConfig>(settings, config), context);
}

}  // namespace

void validate(const ErlConfig& config) {
  validate(config.objective);
  if (!config.reflect && config.store != erl::StoreWhen::success)
    throw Error(Fault::bad_input, "store: expected no such setting with reflect: false, which keeps nothing");
}

Erl::Erl(ErlConfig config, const LearnerContext& context)
    : config_(std::move(config)), train_(context.train), world_(context.world), rng_(context.rng), alarms_(config_.alarms), memory_(config_.reflect ? config_.memory : 0) {}

Need Erl::next(const Progress& progress) {
  Need need;
  need.done = progress.last_call || round_ >= config_.rounds || train_.empty();
  if (!need.done) need.trials = round_of_trials(train_, round_, config_.tasks, config_.group, config_.temperature, rng_);
  return need;
}

Update Erl::learn(const Experience& experience, const Lessons&, Tools& tools) {
  Policy* policy = tools.policy();
  if (policy == nullptr) throw Error(Fault::unavailable, "erl: needs a model whose weights can be trained");
  if (round_ == 0 && config_.objective.kl_where != objective::KlWhere::none) policy->keep_reference();
  Round round(config_, world_, tools);
  round.firsts(experience.episodes, memory_);
  round.reflect(memory_);
  round.seconds();
  round.remember(memory_);
  auto samples = erl::samples_of(round.tried(), config_, tools.tokenizer());
  Update update;
  update.metrics = erl::step_weights(samples, config_, {round_, config_.rounds}, *policy, tools);
  update.metrics.merge(round.metrics);
  for (const auto role : {erl::Role::first, erl::Role::reflect, erl::Role::second, erl::Role::distill})
    update.metrics[std::string("samples/") + erl::name_of(role)] = static_cast<double>(std::count(samples.roles.begin(), samples.roles.end(), role));
  for (const auto& alarm : alarms_.round(update.metrics)) tools.report(alarm, {});
  ++round_;
  return update;
}

void Erl::save(Sink& sink) const {
  put(sink, round_);
  memory_.save(sink);
  alarms_.save(sink);
}

void Erl::load(Source& source) {
  get(source, round_);
  memory_.load(source);
  alarms_.load(source);
}

extern constinit const LearnerEntry learner_erl;
constinit const LearnerEntry learner_erl{
    .name = "erl",
    .summary = "weights: try, reflect on what the world says of a failure, try again with the reflection; learn from all three, and to do without it",
    .citation = "Shi et al. 2026, Experiential Reinforcement Learning, arXiv 2602.13949",
    .trains = true,
    .fields = &describe_config<ErlConfig>,
    .make = &make_erl,
};

}  // namespace hone
