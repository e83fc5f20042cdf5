#include "envs/maze/maze.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "core/error.h"
#include "envs/slots.h"

namespace hone {

namespace {

using namespace maze;

constexpr int stack = 4, action_count = 4;
constexpr double cost = 0.0001;

enum Info { info_x, info_y, info_heading, info_area, info_rooms, info_tics };
const std::vector<std::string> info_names = {"x", "y", "heading", "area", "rooms", "tics"};

class MazeEpisode final : public SlotWorld {
 public:
  MazeEpisode(const MazeConfig& config, const Map& map, int repeat)
      : config_(config), map_(map), repeat_(repeat), view_(map, config.textures, config.render, config.noise, config.hud), frames_(stack, side * side) {}

  void reset(const Task& task, std::uint64_t episode, std::span<std::byte> obs) override {
    rng_ = episode_rng(task, episode);
    walker_ = {};
    Heading heading{0.0, 1.0};
    Spot spot = map_.sparse;
    if (config_.start == Start::dense) spot = map_.spots[rng_.below(map_.spots.size())];
    else if (config_.start == Start::sparse) heading = map_.sparse_heading;
    else spot = map_.very_sparse, heading = map_.very_sparse_heading;
    walker_.x = spot.x, walker_.y = spot.y;
    walker_.face(heading.from + (heading.to - heading.from) * rng_.uniform());
    tics_ = 0;
    arrived_ = false;
    visited_ = 0;
    note_room();
    view_.forget();
    frames_.clear();
    view_.shoot(walker_, rng_);
    view_.frame(frames_.next());
    frames_.write(obs);
  }

  SlotStep step(std::span<const std::byte> bytes, std::span<std::byte> obs, std::span<float> info) override {
    std::int32_t action = 0;
    std::memcpy(&action, bytes.data(), sizeof action);
    SlotStep out;
    if (action < 0 || action >= action_count) {
      out.fault = true;
    } else {
      for (int k = 1; k <= repeat_ && !out.terminated && !out.truncated; ++k) {
        ++tics_;
        if (config_.living_cost) out.reward -= static_cast<float>(cost);
        out.terminated = arrived_;  // the vest is paid for when it is touched, and the level ends with the tic after
        if (!arrived_) {
          arrived_ = walker_.tic(map_, static_cast<Push>(action));
          if (arrived_) out.reward += 1.0F;
          note_room();
        }
        out.truncated = !out.terminated && tics_ >= config_.limit_tics;
        if (k >= repeat_ - 1) view_.shoot(walker_, rng_);  // only the last two are looked at
        if (k == repeat_) view_.frame(frames_.next());     // an episode that ends earlier shows no new frame
      }
    }
    frames_.write(obs);
    if (!info.empty()) {
      info[info_x] = static_cast<float>(walker_.x), info[info_y] = static_cast<float>(walker_.y), info[info_heading] = static_cast<float>(walker_.heading);
      info[info_area] = static_cast<float>(map_.area_of(walker_.x, walker_.y));
      info[info_rooms] = static_cast<float>(std::popcount(visited_)), info[info_tics] = static_cast<float>(tics_);
    }
    return out;
  }

  void save(Sink& sink) const override {
    put(sink, walker_.x), put(sink, walker_.y), put(sink, walker_.heading), put(sink, walker_.vx), put(sink, walker_.vy), put(sink, walker_.turning);
    put(sink, tics_), put(sink, visited_), put(sink, static_cast<std::uint8_t>(arrived_)), put(sink, rng_.state());
    view_.save(sink), frames_.save(sink);
  }
  void load(Source& source) override {
    Rng::State rng{};
    std::uint8_t arrived = 0;
    get(source, walker_.x), get(source, walker_.y), get(source, walker_.heading), get(source, walker_.vx), get(source, walker_.vy), get(source, walker_.turning);
    get(source, tics_), get(source, visited_), get(source, arrived), get(source, rng);
    arrived_ = arrived != 0;
    rng_.restore(rng);
    view_.load(source), frames_.load(source);
    if (!std::isfinite(walker_.x) || !std::isfinite(walker_.y) || !std::isfinite(walker_.heading) || !map_.fits(walker_.x, walker_.y, body))
      throw Error(Fault::corrupt, "maze: saved state stands in a wall");
  }

 private:
  void note_room() {
    const int area = map_.area_of(walker_.x, walker_.y);
    if (area >= 0 && map_.areas[static_cast<std::size_t>(area)].room) visited_ |= std::uint32_t{1} << static_cast<unsigned>(area);
  }

  const MazeConfig& config_;
  const Map& map_;
  int repeat_;
  Walker walker_;
  int tics_ = 0;
  bool arrived_ = false;
  std::uint32_t visited_ = 0;  // a bit per area that is a room
  Rng rng_ = Rng(0);
  View view_;
  FrameStack frames_;
};

std::string_view name_of(Start start) { return start == Start::dense ? "dense" : start == Start::sparse ? "sparse" : "very_sparse"; }

class MazeWorld final : public BatchWorld, public Shown {
 public:
  explicit MazeWorld(const MazeConfig& config) : config_(config), map_(make_map(config.map)) {
    id_ = "maze/" + map_.name + "/" + std::string(name_of(config.start));
    int n = 0;
    for (const auto& [split, count] : {std::pair{Split::test, config.test}, {Split::validation, config.validation}, {Split::train, config.train}})
      for (int i = 0; i < count; ++i, ++n) {
        Task t;
        t.id = id_ + "/" + (split == Split::test ? "test" : split == Split::validation ? "validation" : "train") + "/" + std::to_string(i);
        t.env = "maze", t.kind = map_.name;
        t.goal = "Find the green vest (" + map_.name + ", " + std::string(name_of(config.start)) + ").";
        t.seed = hash64(t.id);
        tasks_[static_cast<std::size_t>(split)].push_back(std::move(t));
      }
  }

  std::string name() const override { return "maze"; }
  int max_steps(Split split) const override { return (config_.limit_tics + repeat(split) - 1) / repeat(split); }
  std::vector<Task> tasks(Split split) const override { return tasks_[static_cast<std::size_t>(split)]; }
  std::unique_ptr<BatchEnv> make(const BatchOptions& options) const override {
    BatchSpec spec;
    spec.observation = {SpaceKind::box, Dtype::u8, {stack, side, side}, 0.0, 255.0};
    spec.action = {SpaceKind::discrete, Dtype::i32, {}, 0.0, action_count - 1};
    spec.infos = info_names;
    const int held = repeat(options.split);
    const std::string state = "2/" + id_ + "/" + std::to_string(held) + "/" + std::to_string(config_.limit_tics) + (config_.noise ? "/noise" : "") + (config_.render == Render::full ? "/full" : "") +
                              (config_.textures == TextureSet::test ? "/test" : "") + (config_.hud ? "/hud" : "") + (config_.living_cost ? "/cost" : "");
    return make_slots("maze", hash64(state), std::move(spec), options, [this, held] { return std::make_unique<MazeEpisode>(config_, map_, held); });
  }
  double score(double episode_return, int) const override { return episode_return > 0.5 ? 1.0 : 0.0; }

  std::vector<std::string> action_names() const override { return {"wait", "forward", "right", "left"}; }
  std::string legend() const override { return "what you see, the brighter the denser; the vest is bright and stands on the floor"; }
  std::string picture(std::span<const std::byte> observation) const override { return in_signs(observation); }

 private:
  int repeat(Split split) const { return split == Split::train ? config_.repeat : config_.evaluation_repeat; }

  MazeConfig config_;
  Map map_;
  std::string id_;
  std::array<std::vector<Task>, 3> tasks_;
};

}  // namespace

std::unique_ptr<BatchWorld> open_maze(const Settings& settings) { return std::make_unique<MazeWorld>(read_config<MazeConfig>(settings)); }

constinit const EnvEntry env_maze{
    .name = "maze",
    .summary = "find the vest in a maze of rooms seen from inside, by pixels alone (reflex tempo)",
    .fields = &describe_config<MazeConfig>,
    .open = nullptr,
    .open_batch = &open_maze,
    .needs_settings = false,
};

}  // namespace hone
