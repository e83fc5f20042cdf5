#include "engine/learn.h"

#include <chrono>
#include <numeric>
#include <set>

#include "core/error.h"
#include "engine/tools.h"

namespace hone {

namespace {

std::string two_part(const char* kind, int round) { return std::string(kind) + "/" + std::to_string(round); }

std::string cap_reached(const Budget& budget, const LearnState& state, const Usage& beside, std::int64_t asks) {
  Usage used = state.usage;
  used += beside;
  const auto tokens = used.prompt_tokens + used.generated_tokens;
  // A round without experience plays no episode.
  if (budget.episodes > 0 && asks > 0 && state.episodes + asks > budget.episodes) return "episodes";
  if (budget.tokens > 0 && tokens >= budget.tokens) return "tokens";
  if (budget.money > 0 && used.money >= budget.money) return "money";
  if (budget.seconds > 0 && used.seconds >= budget.seconds) return "seconds";
  return {};
}

void save_state(const LearnState& s, Sink& sink) {
  put(sink, s.rounds);
  put(sink, static_cast<std::uint8_t>(s.done));
  put(sink, s.episodes);
  put(sink, s.usage);
  put(sink, static_cast<std::uint64_t>(s.tasks_seen.size()));
  for (auto n : s.tasks_seen) put(sink, n);
  put_text(sink, s.ended_by);
}

LearnState load_state(Source& source) {
  LearnState s;
  get(source, s.rounds);
  std::uint8_t done = 0;
  get(source, done);
  s.done = done != 0;
  get(source, s.episodes);
  get(source, s.usage);
  std::uint64_t n = 0;
  get(source, n);
  for (std::uint64_t i = 0; i < n; ++i) {
    std::int64_t seen = 0;
    get(source, seen);
    s.tasks_seen.push_back(seen);
  }
  s.ended_by = get_text(source);
  return s;
}

// One learning run in progress.
class Loop {
 public:
  explicit Loop(const LearnPlan& plan) : plan_(plan), budget_(plan.recipe->budget) {}

  LearnState run() {
    resume();
    if (plan_.after_round && state_.rounds > 0) plan_.after_round(state_);
    while (!state_.done) {
      if (plan_.trainable != nullptr) plan_.trainable->play(Plays::training);  // an evaluation may have left others playing
      round();
    }
    return state_;
  }

 private:
  void resume() {
    const auto checkpoint = plan_.store->checkpoint(plan_.run);
    if (!checkpoint) return;
    MemorySource source(checkpoint->bytes);
    state_ = load_state(source);
    std::uint64_t tasks = 0;
    get(source, tasks);
    for (std::uint64_t i = 0; i < tasks; ++i) seen_.insert(get_text(source));
    plan_.learner->load(source);
    if (plan_.rollouts != nullptr) plan_.rollouts->load(source);
    if (plan_.trainable != nullptr) plan_.trainable->load(weights_file(), get_text(source));
  }

  std::filesystem::path weights_file(int back = 0) const { return plan_.weights / ("round-" + std::to_string(state_.rounds - back) + ".policy"); }

  // The round's own file and the one before it stay: a kill may come before the commit that names the new one.
  void forget_old_weights() const {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(plan_.weights, ignored))  // what kills left behind, too
      if (entry.path() != weights_file() && entry.path() != weights_file(1)) std::filesystem::remove(entry.path(), ignored);
  }

  Checkpoint checkpoint() const {
    MemorySink sink;
    save_state(state_, sink);
    put(sink, static_cast<std::uint64_t>(seen_.size()));
    for (const auto& id : seen_) put_text(sink, id);
    plan_.learner->save(sink);
    if (plan_.rollouts != nullptr) plan_.rollouts->save(sink);
    if (plan_.trainable != nullptr) put_text(sink, plan_.trainable->save(weights_file()));
    return {state_.rounds, std::move(sink.data), {}};
  }

  void round() {
    if (plan_.stage.stop.stop_requested()) throw Error(Fault::interrupted, "stopped");
    const auto started = std::chrono::steady_clock::now();
    Progress progress{.round = state_.rounds, .last_call = false, .episodes_left = -1};
    if (budget_.episodes > 0) progress.episodes_left = std::max<std::int64_t>(0, budget_.episodes - state_.episodes);
    Need need = plan_.learner->next(progress);
    // How many episodes a rollout holds is known only afterwards: it needs room for one.
    const auto asks = need.trials.empty() && need.rollout_steps > 0 ? 1 : static_cast<std::int64_t>(need.trials.size());
    const std::string cap = need.done ? std::string() : cap_reached(budget_, state_, plan_.beside ? plan_.beside() : Usage{}, asks);
    if (!cap.empty()) {
      state_.ended_by = cap;
      progress.last_call = true;
      need.trials.clear();
      need.rollout_steps = 0;
      if (plan_.listener) plan_.listener({"warning", {{"text", "the cap on " + cap + " is reached: learning ends here, with what was learned so far"}}});
      plan_.learner->next(progress);
    }
    if (need.done) {
      finish();
      return;
    }
    const auto known = plan_.store->snapshot(scope_of(plan_.run), std::nullopt, plan_.embedder);
    Experience experience;
    std::vector<Episode> episodes;
    if (state_.rounds == 0 && !plan_.stored.empty()) episodes = plan_.stored;
    else episodes = collect(need, *known);
    experience.episodes = episodes;
    RolloutStats stats;

    const std::string key = two_part("learn", state_.rounds);
    const Stage stage = stage_now();
    EngineTools tools({plan_.store, plan_.run, state_.rounds, &stage, plan_.recipe, plan_.rng, plan_.listener, known.get(), plan_.trainable == nullptr ? nullptr : &plan_.trainable->policy(),
                       plan_.trainable == nullptr ? nullptr : &plan_.trainable->tokenizer()});
    Update update;
    try {
      for (int i = 0; i < (need.rollout_steps > 0 ? need.rollouts : 1); ++i) {
        if (need.rollout_steps > 0) experience.rollout = roll(need.rollout_steps, stats);
        if (plan_.stage.stop.stop_requested()) throw Error(Fault::interrupted, "stopped");
        update = plan_.learner->learn(experience, *known, tools);
      }
    } catch (const Error& e) {
      const Error here = e.within("method '" + plan_.recipe->method.name + "', round " + std::to_string(state_.rounds));
      if (plan_.trainable == nullptr || state_.rounds == 0) throw here;
      throw Error(here.fault(), here.what() + ("; the weights of the round before are in " + weights_file().string()));
    }
    for (auto& lesson : update.lessons.add) prepare(lesson);
    state_.usage += tools.usage();
    state_.episodes += tools.played();
    state_.usage.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count() - tools.usage().seconds;
    state_.tasks_seen.push_back(static_cast<std::int64_t>(seen_.size()));
    ++state_.rounds;
    state_.done = progress.last_call;
    if (need.rollout_steps > 0) tell(stats, update.metrics);
    // Before the commit, once: a kill between the two must neither lose nor double them.
    bool written = false;
    for (const auto& m : plan_.store->metrics(plan_.run)) written = written || m.round == state_.rounds;
    if (!written) plan_.store->append_metrics(plan_.run, state_.rounds, update.metrics);
    plan_.store->commit({plan_.run, key, update.lessons, checkpoint()}, plan_.embedder);
    if (plan_.trainable != nullptr) forget_old_weights();
    if (plan_.listener)
      plan_.listener({"round", {{"round", state_.rounds}, {"episodes", state_.episodes}, {"tasks_seen", seen_.size()},
                                {"lessons_added", update.lessons.add.size()}, {"lessons_retired", update.lessons.retire.size()},
                                {"metrics", wire::to_json(update.metrics)}}});
    if (plan_.after_round) plan_.after_round(state_);
  }

  // Says with every try which weights played.
  Stage stage_now() const {
    Stage stage = plan_.stage;
    if (plan_.trainable != nullptr && state_.rounds > 0) stage.weights = plan_.run + "@" + std::to_string(state_.rounds);
    return stage;
  }

  // The learner has nothing more to ask: remembered, so that a later call doesn't ask again.
  void finish() {
    state_.done = true;
    Checkpoint last = checkpoint();
    ++last.round;  // it follows the last round's own
    plan_.store->commit({plan_.run, "learn/done", {}, std::move(last)}, plan_.embedder);
  }

  std::vector<Episode> collect(const Need& need, const Lessons& known) {
    Batch batch;
    for (std::size_t i = 0; i < need.trials.size(); ++i) {
      const Trial& trial = need.trials[i];
      Play how;
      how.run = plan_.run;
      how.key = two_part("learn", state_.rounds) + "/" + std::to_string(i);
      if (trial.with_lessons) how.view = {.lessons = &known, .withheld = {}, .withhold_rate = plan_.recipe->withhold};
      how.rng = plan_.rng.split("trial").split(how.key);
      batch.how.push_back(std::move(how));
    }
    batch.trials = need.trials;
    auto done = [&](std::size_t, const Episode& episode, bool replayed) {
      if (!replayed) plan_.store->append(episode);
      ++state_.episodes;
      seen_.insert(episode.task.id);
      Usage used = episode.usage;
      used.seconds = 0.0;  // the round's wall clock counts them once, not once per episode in flight
      state_.usage += used;
      if (plan_.listener)
        plan_.listener({"episode", {{"n", state_.episodes}, {"task", episode.task.id}, {"solved", episode.solved}, {"score", episode.score},
                                    {"moves", episode.steps.size()}, {"attempt", episode.attempt}, {"fault", episode.fault},
                                    {"tasks_seen", seen_.size()}, {"tokens", state_.usage.prompt_tokens + state_.usage.generated_tokens},
                                    {"replayed", replayed}}});
    };
    auto found = [&](const std::string& key) { return plan_.store->find_episode(plan_.run, key); };
    auto episodes = play_all(stage_now(), batch, plan_.recipe->in_flight, found, done);
    // Ids are given by the store; learners name them as evidence.
    for (auto& e : episodes)
      if (e.id.empty())
        if (auto stored = plan_.store->find_episode(plan_.run, e.key)) e.id = stored->id;
    return episodes;
  }

  const Rollout* roll(int steps, RolloutStats& stats) {
    if (plan_.rollouts == nullptr) throw Error(Fault::bad_input, "method '" + plan_.recipe->method.name + "' needs a world of the reflex tempo");
    auto* acting = dynamic_cast<ActingLearner*>(plan_.learner);
    if (acting == nullptr) throw Error(Fault::internal, "a learner that asks for rollouts must act");
    const std::size_t before = stats.returns.size();
    const Rollout& rollout = plan_.rollouts->collect(acting->actor(), steps, stats);
    state_.episodes += static_cast<std::int64_t>(stats.returns.size() - before);
    return &rollout;
  }

  // What the world says of the round's episodes.
  static void tell(const RolloutStats& stats, Metrics& metrics) {
    const auto mean = [](const std::vector<double>& of) { return std::accumulate(of.begin(), of.end(), 0.0) / static_cast<double>(of.size()); };
    metrics["rollout/episodes"] = static_cast<double>(stats.returns.size());
    metrics["rollout/faults"] = stats.faults;
    if (stats.returns.empty()) return;
    metrics["rollout/return"] = mean(stats.returns);
    metrics["rollout/length"] = std::accumulate(stats.lengths.begin(), stats.lengths.end(), 0.0) / static_cast<double>(stats.lengths.size());
    for (const auto& [name, values] : stats.infos) metrics["rollout/" + name] = mean(values);
  }

  void prepare(Lesson& lesson) const {
    lesson.scope = scope_of(plan_.run, lesson.scope);
    lesson.learner = plan_.recipe->method.name;
    if (lesson.env.empty()) lesson.env = plan_.recipe->env.name;
    if (lesson.created_ms == 0)
      lesson.created_ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  }

  const LearnPlan& plan_;
  Budget budget_;
  LearnState state_;
  std::set<std::string> seen_;
};

}  // namespace

std::string scope_of(const std::string& run, const std::string& part) { return part.empty() ? run : run + "/" + part; }

LearnState learn(const LearnPlan& plan) { return Loop(plan).run(); }

}  // namespace hone
