// vizdoom: ViZDoom's my_way_home seen as the native maze shows its own (icm.md 2.5, 4.5): the engine's pictures come over the bridge,
// frames are made of them here by the maze's code, so that a policy of the one plays the other.
#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "embedded/bridge_program.h"
#include "envs/bridge/bridge.h"
#include "envs/maze/maze.h"
#include "envs/slots.h"
#include "wire/json.h"

namespace hone {

namespace {

using maze::Start;

constexpr int stack = 4;
constexpr std::size_t picture_bytes = 3 * maze::screen_width * maze::screen_height;
enum Sent : std::uint8_t { no_frame, one_picture, two_pictures, first };  // as vizdoom.py has them

struct VizdoomConfig {
  Start start = Start::sparse;
  int repeat = 4, evaluation_repeat = 1, limit_tics = 2100;
  bool noise = false, hud = false, living_cost = false;
  int train = 1000, validation = 20, test = 50;
  bridge::HowToRun run;
};
template <class V>
void visit(V& v, VizdoomConfig& c) {
  v.choice("start", c.start, {{"dense", Start::dense}, {"sparse", Start::sparse}, {"very_sparse", Start::very_sparse}}, "where an episode begins: anywhere, far from the vest, or farther and facing a wall");
  v.field("repeat", c.repeat, "tics an action is held while learning", {.min = 1, .max = 100});
  v.field("evaluation_repeat", c.evaluation_repeat, "the same in validation and test", {.min = 1, .max = 100});
  v.field("limit_tics", c.limit_tics, "an episode is cut off after this many (35 a second)", {.min = 1, .max = 1000000});
  v.field("noise", c.noise, "white noise on 43 % of the picture, drawn afresh each frame");
  v.field("hud", c.hud, "Doom's own status bar over the lowest rows");
  v.field("living_cost", c.living_cost, "0.0001 is taken off the reward each tic; without it only the vest counts (1)");
  v.field("train", c.train, "training tasks (seeds of start and heading)", {.min = 1, .max = 1000000});
  v.field("validation", c.validation, "validation tasks", {.min = 0, .max = 1000000});
  v.field("test", c.test, "test tasks", {.min = 1, .max = 1000000});
  visit(v, c.run);
}

// Makes frames of what the engine showed; all else is the bridge's.
class VizdoomEnv final : public BatchEnv {
 public:
  VizdoomEnv(std::unique_ptr<BatchEnv> engine, BatchSpec spec, bool noise) : engine_(std::move(engine)), spec_(std::move(spec)), raw_(engine_->spec().observation.bytes()) {
    const auto n = static_cast<std::size_t>(spec_.slots);
    for (std::size_t i = 0; i < n; ++i) eyes_.emplace_back(noise);
    obs_.resize(n * raw_), final_obs_.resize(n * raw_), played_.resize(n);
  }

  const BatchSpec& spec() const override { return spec_; }

  void reset(std::span<const int> slots, std::span<const Task> tasks, Buffers out) override {
    engine_->reset(slots, tasks, raw(out));
    for (std::size_t i = 0; i < slots.size(); ++i) {
      played_[static_cast<std::size_t>(slots[i])] = {tasks[i], 0};
      see(slots[i], obs_, out.obs);
    }
  }
  void send(std::span<const int> slots, std::span<const std::byte> actions) override { engine_->send(slots, actions); }
  std::span<const int> recv(Buffers out, int at_least) override {
    const auto done = engine_->recv(raw(out), at_least);
    for (const int s : done) {
      const auto i = static_cast<std::size_t>(s);
      const bool ended = out.terminated[i] != 0 || out.truncated[i] != 0 || out.fault[i] != 0;
      if (ended && spec_.autoreset == Autoreset::same_step) {
        if (out.fault[i] != 0) eyes_[i].frames.write(row(out.final_obs, s));  // what came last was seen before
        else see(s, final_obs_, out.final_obs);
      }
      if (out.fault[i] != 0 && spec_.autoreset != Autoreset::same_step) eyes_[i].frames.write(row(out.obs, s));
      else see(s, obs_, out.obs);
    }
    return done;
  }

 private:
  struct Eyes {
    explicit Eyes(bool noise) : screens(maze::Render::full, noise), frames(stack, maze::side * maze::side) {}
    maze::Screens screens;
    FrameStack frames;
    Rng rng = Rng(0);
  };
  struct Played {
    Task task;
    std::uint64_t episodes = 0;
  };

  Buffers raw(const Buffers& out) { return {obs_, final_obs_, out.reward, out.terminated, out.truncated, out.fault, out.info}; }
  std::span<std::byte> row(std::span<std::byte> all, int s) const { return all.subspan(static_cast<std::size_t>(s) * spec_.observation.bytes(), spec_.observation.bytes()); }

  void see(int s, std::span<const std::byte> all, std::span<std::byte> out) {
    const auto i = static_cast<std::size_t>(s);
    const std::span<const std::byte> from = all.subspan(i * raw_, raw_);
    Eyes& eyes = eyes_[i];
    const int sent = std::to_integer<int>(from[0]);
    if (sent == first) {
      eyes.rng = episode_rng(played_[i].task, played_[i].episodes++);
      eyes.screens.forget(), eyes.frames.clear();
    }
    for (int p = 0; p < (sent == two_pictures ? 2 : sent == no_frame ? 0 : 1); ++p) {
      const std::byte* picture = from.data() + 1 + static_cast<std::size_t>(p) * picture_bytes;
      const auto rows = eyes.screens.grid().rows.size() * maze::screen_width;  // with noise the lowest are left out
      std::uint8_t* to = eyes.screens.next().data();
      for (std::size_t plane = 0; plane < 3; ++plane) std::memcpy(to + plane * rows, picture + plane * picture_bytes / 3, rows);
      eyes.screens.keep(eyes.rng);
    }
    if (sent != no_frame) eyes.screens.frame(eyes.frames.next());
    eyes.frames.write(row(out, s));
  }

  std::unique_ptr<BatchEnv> engine_;
  BatchSpec spec_;
  std::size_t raw_;  // bytes of what the engine shows of one slot
  std::vector<Eyes> eyes_;
  std::vector<std::byte> obs_, final_obs_;
  std::vector<Played> played_;
};

class VizdoomWorld final : public BatchWorld, public Shown {
 public:
  explicit VizdoomWorld(const VizdoomConfig& config) : config_(config), map_(maze::make_map(maze::Plan::full)), facts_(bridge::ask_facts(what(Split::train), config.run)) {
    if (facts_.observation.bytes() != 1 + 2 * picture_bytes) throw Error(Fault::internal, "vizdoom: the worker shows pictures of another size");
  }

  std::string name() const override { return "vizdoom"; }
  int max_steps(Split split) const override { return (config_.limit_tics + repeat(split) - 1) / repeat(split); }
  std::vector<Task> tasks(Split split) const override {
    const int counts[] = {config_.train, config_.validation, config_.test};
    const char* names[] = {"train", "validation", "test"};
    const std::string start = start_name();
    std::vector<Task> out;
    for (int i = 0; i < counts[static_cast<int>(split)]; ++i) {
      Task t;
      t.id = "vizdoom/" + start + "/" + names[static_cast<int>(split)] + "/" + std::to_string(i);
      t.env = "vizdoom", t.kind = map_.name, t.goal = "Find the green vest (" + start + ").";
      t.seed = hash64(t.id);
      out.push_back(std::move(t));
    }
    return out;
  }
  std::unique_ptr<BatchEnv> make(const BatchOptions& options) const override {
    auto engine = bridge::make_batch(what(options.split), config_.run, facts_, options);
    BatchSpec spec = engine->spec();
    spec.observation = {SpaceKind::box, Dtype::u8, {stack, maze::side, maze::side}, 0.0, 255.0};
    return std::make_unique<VizdoomEnv>(std::move(engine), std::move(spec), config_.noise);
  }
  double score(double episode_return, int) const override { return episode_return > 0.5 ? 1.0 : 0.0; }

  std::vector<std::string> action_names() const override { return {"wait", "forward", "right", "left"}; }
  std::string legend() const override { return "what you see, the brighter the denser"; }
  std::string picture(std::span<const std::byte> observation) const override { return maze::in_signs(observation); }

 private:
  int repeat(Split split) const { return split == Split::train ? config_.repeat : config_.evaluation_repeat; }
  std::string start_name() const { return config_.start == Start::dense ? "dense" : config_.start == Start::sparse ? "sparse" : "very_sparse"; }

  bridge::WhatToMake what(Split split) const {
    using wire::Json;
    const bool sparse = config_.start == Start::sparse, anywhere = config_.start == Start::dense;
    const maze::Spot& spot = sparse ? map_.sparse : map_.very_sparse;
    const maze::Heading& heading = sparse ? map_.sparse_heading : map_.very_sparse_heading;
    Json areas = Json::array();
    for (const maze::Area& a : map_.areas) areas.push_back({a.x0, a.x1, a.y0, a.y1, a.room});
    bridge::WhatToMake out;
    out.kind = "vizdoom", out.id = "my_way_home", out.source = bridge_program("vizdoom.py");
    out.infos = {"x", "y", "heading", "area", "rooms", "tics"};
    const std::pair<const char*, Json> arguments[] = {{"repeat", repeat(split)}, {"limit_tics", config_.limit_tics}, {"living_cost", config_.living_cost}, {"hud", config_.hud && !config_.noise},
                                                      {"spot", anywhere ? Json() : Json{spot.x, spot.y}}, {"heading", Json{heading.from, heading.to}}, {"vest", Json{map_.vest.x, map_.vest.y}},
                                                      {"areas", areas}};
    for (const auto& [name, value] : arguments) out.kwargs.push_back(std::string(name) + "=" + value.dump());
    return out;
  }

  VizdoomConfig config_;
  maze::Map map_;
  bridge::Facts facts_;
};

std::unique_ptr<BatchWorld> open_vizdoom(const Settings& given) { return std::make_unique<VizdoomWorld>(read_config<VizdoomConfig>(given)); }

}  // namespace

extern constinit const EnvEntry env_vizdoom;
constinit const EnvEntry env_vizdoom{
    .name = "vizdoom",
    .summary = "the maze of my_way_home in ViZDoom itself, in Python workers (reflex tempo)",
    .fields = &describe_config<VizdoomConfig>,
    .open = nullptr,
    .open_batch = &open_vizdoom,
    .needs_settings = false,
};

}  // namespace hone
