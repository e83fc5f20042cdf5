#include "envs/process.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <set>

#include "core/error.h"
#include "wire/read.h"

namespace hone {

namespace {

using wire::Fields;
using wire::Json;
using wire::LineProcess;

struct Hello {
  WorldFacts facts;
  std::vector<Task> train, validation, test;
};

const char* name_of(Split split) { return split == Split::train ? "train" : split == Split::validation ? "validation" : "test"; }

std::vector<Task> read_tasks(const Json* tasks, const std::string& at, std::set<std::string>& seen) {
  std::vector<Task> out;
  if (tasks == nullptr) return out;
  out = Fields::elements<Task>(*tasks, at, [](const Json& json, const std::string& where) {
    const Fields f(json, where);
    Task task;
    f.need("id", task.id);
    f.need("goal", task.goal);
    f.get("kind", task.kind);
    f.get("seed", task.seed);
    task.env = "process";
    return task;
  });
  for (const auto& task : out)
    if (!seen.insert(task.id).second) throw Error(Fault::bad_input, at + ": task '" + task.id + "' is there twice, or in two splits");
  return out;
}

Hello say_hello(LineProcess& program) {
  const Json answer = program.ask({{"do", "hello"}, {"protocol", 1}});
  try {
    const Fields f(answer, "hello");
    Hello out;
    f.need("name", out.facts.name);
    f.get("role", out.facts.role);
    f.get("action_help", out.facts.action_help);
    f.get("task_word", out.facts.task_word);
    f.get("action_word", out.facts.action_word);
    f.get("max_steps", out.facts.max_steps);
    f.get("failure_reasons", out.facts.failure_reasons);
    if (out.facts.max_steps < 0) throw Error(Fault::bad_input, "hello.max_steps: expected at least 0");
    const Fields tasks(f.required("tasks"), f.at("tasks"));
    std::set<std::string> seen;
    out.train = read_tasks(tasks.find("train"), tasks.at("train"), seen);
    out.validation = read_tasks(tasks.find("validation"), tasks.at("validation"), seen);
    out.test = read_tasks(tasks.find("test"), tasks.at("test"), seen);
    if (seen.empty()) throw Error(Fault::bad_input, "hello.tasks: expected at least one task");
    return out;
  } catch (const Error& e) {
    throw e.within("program '" + program.shown() + "'");
  }
}

// Programs between two episodes.
class Pool {
 public:
  explicit Pool(ProcessWorldConfig config) : config_(std::move(config)) {}

  // One that has played before, or null.
  std::unique_ptr<LineProcess> take_used() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    auto program = std::move(idle_.back());
    idle_.pop_back();
    return program;
  }
  std::unique_ptr<LineProcess> start() {
    auto program = std::make_unique<LineProcess>(config_.process);
    say_hello(*program);
    return program;
  }
  void give_back(std::unique_ptr<LineProcess> program) {
    if (program == nullptr || !program->alive()) return;
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(program));
  }

 private:
  ProcessWorldConfig config_;
  std::mutex mutex_;  // the world is shared by the engine's workers
  std::vector<std::unique_ptr<LineProcess>> idle_;
};

Observation read_observation(const Json& answer, const std::string& at) {
  const Fields f(answer, at);
  Observation seen;
  f.get("text", seen.text);
  f.get("choices", seen.choices);
  std::set<std::string> different;
  for (const auto& choice : seen.choices)
    if (choice.empty() || !different.insert(choice).second)
      throw Error(Fault::bad_input, at + ".choices: expected different texts that are not empty, got '" + choice + "' " +
                                        (choice.empty() ? "" : "twice"));
  return seen;
}

Outcome read_outcome(const Json& answer) {
  const Fields f(answer, "step");
  Outcome out;
  out.next = read_observation(answer, "step");
  f.get("reward", out.reward);
  if (!std::isfinite(out.reward)) throw Error(Fault::bad_input, "step.reward: expected a finite number");
  std::string ending;
  f.get("ending", ending);
  if (ending.empty()) return out;
  if (ending != "terminal" && ending != "cut_off")
    throw Error(Fault::bad_input, "step.ending: expected terminal or cut_off (or none while it goes on), got '" + ending + "'");
  out.ending = ending == "terminal" ? Ending::terminal : Ending::cut_off;
  f.get("solved", out.solved);
  out.score = out.solved ? 1.0 : 0.0;
  f.get("score", out.score);
  if (!(out.score >= 0.0 && out.score <= 1.0)) throw Error(Fault::bad_input, "step.score: expected 0 to 1, got " + wire::number(out.score).dump());
  if (f.find("solved") == nullptr) out.solved = out.score >= 1.0;
  return out;
}

class ProcessEnv final : public Env {
 public:
  ProcessEnv(Pool& pool, Split split, int max_steps) : pool_(pool), split_(split), max_steps_(max_steps) {}
  ~ProcessEnv() override { pool_.give_back(std::move(program_)); }

  Observation reset(const Task& task) override {
    steps_ = 0;
    if (program_ == nullptr || !program_->alive()) program_ = pool_.take_used();
    const Json question{{"do", "reset"}, {"split", name_of(split_)}, {"task", wire::to_json(task)}};
    Json answer;
    if (program_ != nullptr) {
      try {
        answer = program_->ask(question);
      } catch (const Error&) {
        // It may have ended after its last answer, which shows only now and is no fault of this episode.
        if (program_->alive()) throw;
        program_ = nullptr;
      }
    }
    if (program_ == nullptr) {
      program_ = pool_.start();
      answer = program_->ask(question);
    }
    return with_name([&] { return read_observation(answer, "reset"); });
  }

  Outcome step(std::string_view action) override {
    if (program_ == nullptr) throw Error(Fault::internal, "process: step before reset");
    const Json answer = program_->ask({{"do", "step"}, {"action", wire::valid_utf8(action)}});
    Outcome out = with_name([&] { return read_outcome(answer); });
    ++steps_;
    if (!out.ending && max_steps_ > 0 && steps_ >= max_steps_) out.ending = Ending::cut_off;
    return out;
  }

 private:
  template <class Read>
  auto with_name(Read read) -> decltype(read()) {
    try {
      return read();
    } catch (const Error& e) {
      throw e.within("program '" + program_->shown() + "'");
    }
  }

  Pool& pool_;
  Split split_;
  int max_steps_, steps_ = 0;
  std::unique_ptr<LineProcess> program_;
};

class ProcessWorld final : public World {
 public:
  explicit ProcessWorld(const ProcessWorldConfig& config) : pool_(config) {
    auto program = std::make_unique<LineProcess>(config.process);
    hello_ = say_hello(*program);
    pool_.give_back(std::move(program));
    if (config.max_steps > 0) hello_.facts.max_steps = config.max_steps;
  }
  const WorldFacts& facts() const override { return hello_.facts; }
  std::vector<Task> tasks(Split split) const override {
    return split == Split::train ? hello_.train : split == Split::validation ? hello_.validation : hello_.test;
  }
  std::unique_ptr<Env> make(Split split) const override { return std::make_unique<ProcessEnv>(pool_, split, hello_.facts.max_steps); }

 private:
  mutable Pool pool_;
  Hello hello_;
};

}  // namespace

std::unique_ptr<World> open_process_world(const Settings& settings) {
  return std::make_unique<ProcessWorld>(read_config<ProcessWorldConfig>(settings));
}

constinit const EnvEntry env_process{
    .name = "process",
    .summary = "a world of your own: any program that answers JSON lines",
    .fields = &describe_config<ProcessWorldConfig>,
    .open = &open_process_world,
    .open_batch = nullptr,
    .needs_settings = true,
};

}  // namespace hone
