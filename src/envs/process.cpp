#include "envs/process.h"

#include <mutex>

#include "core/error.h"
#include "envs/process_answers.h"

namespace hone {

namespace {

using wire::Json;
using wire::LineProcess;

const char* name_of(Split split) { return split == Split::train ? "train" : split == Split::validation ? "validation" : "test"; }

WorldHello say_hello(LineProcess& program) {
  const Json answer = program.ask({{"do", "hello"}, {"protocol", 1}});
  try {
    return read_hello(answer);
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
  const WorldFacts& facts(Split) const override { return hello_.facts; }
  std::vector<Task> tasks(Split split) const override {
    return split == Split::train ? hello_.train : split == Split::validation ? hello_.validation : hello_.test;
  }
  std::unique_ptr<Env> make(Split split) const override { return std::make_unique<ProcessEnv>(pool_, split, hello_.facts.max_steps); }

 private:
  mutable Pool pool_;
  WorldHello hello_;
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
