// gymnasium: any world of the Gymnasium interface, stepped by Python workers.
#include <algorithm>
#include <utility>

#include "core/env.h"
#include "core/error.h"
#include "core/rng.h"
#include "envs/bridge/bridge.h"

namespace hone {

namespace {

struct GymnasiumConfig {
  std::string id;
  std::vector<std::string> kwargs, wrapper, infos;
  int max_steps = 0, train = 64, validation = 16, test = 32;
  double score_min = 0.0, score_max = 0.0;
  std::string render;
  bridge::HowToRun run;
};
template <class V>
void visit(V& v, GymnasiumConfig& c) {
  v.field("id", c.id, "which world, as gymnasium.make takes it; 'module:Name-v0' imports the module first");
  v.field("kwargs", c.kwargs, "further arguments of gymnasium.make, name=value each, the value as in JSON or a text");
  v.field("wrapper", c.wrapper, "functions that are applied to the world in turn, 'module:function' each");
  v.field("infos", c.infos, "numbers of a step's info to be kept, by name");
  v.field("max_steps", c.max_steps, "steps until an episode is cut off; 0 = the world's own limit", {.min = 0, .max = 1e9});
  v.field("train", c.train, "training tasks: seeds", {.min = 1, .max = 1e6});
  v.field("validation", c.validation, "validation tasks", {.min = 1, .max = 1e6});
  v.field("test", c.test, "test tasks", {.min = 1, .max = 1e6});
  v.field("score_min", c.score_min, "return of an episode that scores 0");
  v.field("score_max", c.score_max, "return that scores 1; no more than score_min = the world's reward_threshold, or 1 more than score_min");
  v.field("render", c.render, "folder that gets a picture (PPM) of every step of the first slot; empty = none");
  visit(v, c.run);
}
void validate(const GymnasiumConfig& c) {
  if (c.id.empty()) throw Error(Fault::bad_input, "gymnasium: field 'id': expected the name of a world, got nothing");
}

class GymnasiumWorld final : public BatchWorld {
 public:
  explicit GymnasiumWorld(const GymnasiumConfig& config)
      : config_(config), what_{.kind = "gymnasium", .id = config.id, .source = {}, .kwargs = config.kwargs, .wrapper = config.wrapper, .infos = config.infos,
                               .max_steps = config.max_steps, .render = config.render},
        facts_(bridge::ask_facts(what_, config.run)) {
    if (facts_.max_steps < 1) throw Error(Fault::bad_input, "gymnasium: '" + config.id + "' has no limit of steps of its own: field 'max_steps': expected at least 1, got 0");
    if (config_.score_max <= config_.score_min) config_.score_max = facts_.reward_threshold > config_.score_min ? facts_.reward_threshold : config_.score_min + 1.0;
  }

  std::string name() const override { return "gymnasium"; }
  int max_steps(Split) const override { return facts_.max_steps; }
  std::vector<Task> tasks(Split split) const override {
    const int counts[] = {config_.train, config_.validation, config_.test};
    const char* names[] = {"train", "validation", "test"};
    std::vector<Task> out;
    for (int i = 0; i < counts[static_cast<int>(split)]; ++i) {
      Task t;
      t.id = "gymnasium/" + config_.id + "/" + names[static_cast<int>(split)] + "/" + std::to_string(i);
      t.env = "gymnasium", t.kind = config_.id, t.goal = "Play " + config_.id + ".";
      t.seed = hash64(t.id);
      out.push_back(std::move(t));
    }
    return out;
  }
  std::unique_ptr<BatchEnv> make(const BatchOptions& options) const override { return bridge::make_batch(what_, config_.run, facts_, options); }
  double score(double episode_return, int) const override {
    return std::clamp((episode_return - config_.score_min) / (config_.score_max - config_.score_min), 0.0, 1.0);
  }

 private:
  GymnasiumConfig config_;
  bridge::WhatToMake what_;
  bridge::Facts facts_;
};

std::unique_ptr<BatchWorld> open_gymnasium(const Settings& given) { return std::make_unique<GymnasiumWorld>(read_config<GymnasiumConfig>(given)); }

}  // namespace

extern constinit const EnvEntry env_gymnasium;
constinit const EnvEntry env_gymnasium{
    .name = "gymnasium",
    .summary = "any world of the Gymnasium interface, in Python workers over shared memory (reflex tempo)",
    .fields = &describe_config<GymnasiumConfig>,
    .open = nullptr,
    .open_batch = &open_gymnasium,
    .needs_settings = true,
};

}  // namespace hone
