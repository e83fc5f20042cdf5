#include "envs/poke/poke.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <numbers>

#include "core/error.h"
#include "envs/poke/scene.h"
#include "envs/slots.h"

namespace hone {

namespace {

using namespace poke;

constexpr double pi = std::numbers::pi;
constexpr double moved_far = 0.001, moved_round = pi / 180.0;  // what counts as moved

struct Shared {  // what worlds and their episodes share
  PokeConfig config;
  std::vector<int> train_shapes, other_shapes;
};

bool has_goal(const Task& task) { return task.kind == "goal"; }

double turn_between(float a, float b) { return std::abs(std::remainder(static_cast<double>(a) - static_cast<double>(b), 2 * pi)); }

struct Action {
  float px, py, theta, length;
};

class PokeEpisode final : public SlotWorld {
 public:
  PokeEpisode(const Shared& world, PokeAim aim)
      : world_(world), aim_(aim), painter_(world.config.pixels), plane_(static_cast<std::size_t>(world.config.pixels) * static_cast<std::size_t>(world.config.pixels)),
        mask_(plane_), goal_picture_(3 * plane_) {}

  void reset(const Task& task, std::uint64_t episode, std::span<std::byte> obs) override {
    rng_ = episode_rng(task, episode);
    with_goal_ = has_goal(task);
    scene_ = make_scene(world_.config, with_goal_ ? world_.other_shapes : world_.train_shapes, with_goal_, rng_.split("scene"));
    steps_ = 0;
    painter_.prepare(scene_.look, scene_.camera);
    std::fill(goal_picture_.begin(), goal_picture_.end(), std::byte{0});
    if (with_goal_) {
      const Pose start = scene_.things[0].pose;
      scene_.things[0].pose = scene_.goal;
      painter_.paint(scene_.all(), rng_.split("goal picture"), goal_picture_);
      scene_.things[0].pose = start;
      start_distance_ = distance();
    }
    observe(obs);
  }

  SlotStep step(std::span<const std::byte> bytes, std::span<std::byte> obs, std::span<float> info) override {
    Action action{};
    std::memcpy(&action, bytes.data(), sizeof action);
    if (!valid(action)) {
      std::fill(info.begin(), info.end(), 0.0F);
      observe(obs);
      return {.fault = true};
    }
    const std::span<Thing> things = scene_.all();
    const Stroke stroke = retreat(aimed(action), things, scene_.physics.finger_radius);
    std::array<Pose, most_objects> before{};
    for (std::size_t i = 0; i < things.size(); ++i) before[i] = things[i].pose;
    table_.push(scene_.physics, things, stroke);
    ++steps_;
    bool moved = false;
    for (std::size_t i = 0; i < things.size(); ++i) {
      const Pose& now = things[i].pose;
      moved = moved || length_of(to_table(now, {}) - to_table(before[i], {})) > moved_far || turn_between(now.angle, before[i].angle) > moved_round;
    }
    const bool put_back = tidy(before);
    SlotStep out;
    const double relative = with_goal_ ? distance() / start_distance_ : 0.0;
    if (with_goal_) {
      out.terminated = distance() <= world_.config.threshold;
      out.truncated = !out.terminated && steps_ >= world_.config.pokes;
      if (out.terminated || out.truncated) out.reward = static_cast<float>(world_.config.score == PokeScore::way ? std::max(0.0, 1.0 - relative) : out.terminated ? 1.0 : 0.0);
    } else {
      out.truncated = steps_ >= world_.config.episode;
    }
    observe(obs);
    if (!info.empty()) tell(info, stroke, moved, put_back, relative);
    return out;
  }

  void save(Sink& sink) const override {
    put(sink, steps_);
    for (const Thing& thing : scene_.all()) put(sink, thing.pose);
  }
  void load(Source& source) override {
    get(source, steps_);
    for (Thing& thing : scene_.all()) {
      get(source, thing.pose);
      if (!(std::abs(thing.pose.x) <= 1.0F && std::abs(thing.pose.y) <= 1.0F && std::abs(thing.pose.angle) <= 4.0F))
        throw Error(Fault::corrupt, "poke: saved state has a thing that is not on the table");
    }
  }

 private:
  bool valid(const Action& a) const {  // comparisons with NaN are false
    return a.px >= 0.0F && a.px < 1.0F && a.py >= 0.0F && a.py < 1.0F && a.theta >= 0.0F && static_cast<double>(a.theta) < 2 * pi &&
           a.length >= static_cast<float>(world_.config.length_min) && a.length <= static_cast<float>(world_.config.length_max);
  }

  Stroke aimed(const Action& action) {
    const auto& c = world_.config;
    Vec picture{static_cast<double>(action.px), static_cast<double>(action.py)};
    if (aim_ == PokeAim::oracle) {
      const Vec goal = with_goal_ ? to_table(scene_.goal, {}) : Vec{};
      return straight_push(scene_.all(), goal, scene_.physics.finger_radius, c.length_min, c.length_max);
    }
    if (aim_ == PokeAim::object) {
      paint_mask(scene_.all(), scene_.camera, c.pixels, mask_);
      picture = on_a_thing(picture);
    }
    return stroke_through(scene_.camera.to_table(picture), static_cast<double>(action.theta), static_cast<double>(action.length));
  }

  // A uniform point of the mask from two uniform numbers: the first chooses the column, the second the place in it, so that halves are
  // the middle. As given where no thing is in view.
  Vec on_a_thing(Vec uniform) const {
    const auto n = static_cast<std::size_t>(world_.config.pixels);
    const auto in_column = [&](std::size_t col) {
      double covered = 0.0;
      for (std::size_t row = 0; row < n; ++row) covered += mask_[row * n + col] != 0 ? 1.0 : 0.0;
      return covered;
    };
    double left = uniform.x * static_cast<double>(std::count_if(mask_.begin(), mask_.end(), [](std::uint8_t m) { return m != 0; }));
    for (std::size_t col = 0; col < n; ++col) {
      const double covered = in_column(col);
      if (left >= covered) {
        left -= covered;
        continue;
      }
      double down = uniform.y * covered;
      for (std::size_t row = 0; row < n; ++row) {
        if (mask_[row * n + col] == 0) continue;
        if (down < 1.0) return {(static_cast<double>(col) + left / covered) / static_cast<double>(n), (static_cast<double>(row) + down) / static_cast<double>(n)};
        down -= 1.0;
      }
    }
    return uniform;
  }

  // In train a thing that left the middle comes back to it. With a goal only what was squeezed over a wall does, to where it lay.
  bool tidy(const std::array<Pose, most_objects>& before) {
    bool out = false;
    const std::span<Thing> things = scene_.all();
    const double limit = with_goal_ ? arena : world_.config.middle;
    Rng rng = rng_.split("put back").split(static_cast<std::uint64_t>(steps_));
    for (std::size_t i = 0; i < things.size(); ++i) {
      Pose& pose = things[i].pose;
      if (std::abs(static_cast<double>(pose.x)) <= limit && std::abs(static_cast<double>(pose.y)) <= limit) continue;
      pose = with_goal_ ? before[i] : free_place(things, i, 0.5 * world_.config.middle, rng);
      out = true;
    }
    return out;
  }

  double distance() const { return length_of(to_table(scene_.things[0].pose, {}) - to_table(scene_.goal, {})); }

  void observe(std::span<std::byte> obs) {
    painter_.paint(scene_.all(), rng_.split("picture").split(static_cast<std::uint64_t>(steps_)), obs.first(3 * plane_));
    std::copy(goal_picture_.begin(), goal_picture_.end(), obs.begin() + static_cast<std::ptrdiff_t>(3 * plane_));
  }

  void tell(std::span<float> info, const Stroke& stroke, bool moved, bool put_back, double relative) const {
    const Vec middle = 0.5 * (stroke.from + stroke.to), way = stroke.to - stroke.from;
    const Vec picture = scene_.camera.to_picture(middle);
    double theta = std::atan2(way.y, way.x);
    if (theta < 0.0) theta += 2 * pi;
    const Pose& now = scene_.things[0].pose;
    const Pose goal = with_goal_ ? scene_.goal : Pose{};
    const std::array<double, 15> values{picture.x, picture.y, std::min(theta, 6.283185), length_of(way), moved ? 1.0 : 0.0,
                                        static_cast<double>(now.x), static_cast<double>(now.y), static_cast<double>(now.angle),
                                        static_cast<double>(goal.x), static_cast<double>(goal.y), static_cast<double>(goal.angle),
                                        with_goal_ ? distance() : 0.0, relative, put_back ? 1.0 : 0.0, with_goal_ ? turn_between(now.angle, goal.angle) : 0.0};
    std::transform(values.begin(), values.end(), info.begin(), [](double value) { return static_cast<float>(value); });
  }

  const Shared& world_;
  PokeAim aim_;
  Painter painter_;
  std::size_t plane_;
  std::vector<std::uint8_t> mask_;
  std::vector<std::byte> goal_picture_;
  Table table_;
  Scene scene_;
  Rng rng_ = Rng(0);
  bool with_goal_ = false;
  std::int32_t steps_ = 0;
  double start_distance_ = 1.0;
};

constexpr std::array<const char*, 8> directions{"east", "southeast", "south", "southwest", "west", "northwest", "north", "northeast"};

class PokeWorld final : public BatchWorld, public Shown {
 public:
  explicit PokeWorld(const PokeConfig& config) {
    shared_.config = config;
    shared_.other_shapes = shapes_named(config.shapes);
    for (const int s : shared_.other_shapes)
      if (!shapes()[static_cast<std::size_t>(s)].held_out) shared_.train_shapes.push_back(s);
    if (shared_.train_shapes.empty()) shared_.train_shapes = shapes_named({"train"});
    std::string text;
    for (const FieldDoc& field : fields_of(shared_.config)) text += field.name + "=" + field.standard + ";";
    for (const std::string& name : config.shapes) text += name + ",";
    identity_ = hash64(text);
  }

  std::string name() const override { return "poke"; }
  int max_steps(Split split) const override { return split == Split::train ? shared_.config.episode : shared_.config.pokes; }
  std::vector<Task> tasks(Split split) const override {
    const auto& c = shared_.config;
    const std::array<int, 3> counts{c.train, c.validation, c.test};
    const std::array<const char*, 3> names{"train", "validation", "test"};
    const auto s = static_cast<std::size_t>(split);
    std::vector<Task> out;
    for (int i = 0; i < counts[s]; ++i) {
      Task t;
      t.id = std::string("poke/") + names[s] + "/" + std::to_string(i);
      t.env = "poke";
      t.kind = split == Split::train ? "free" : "goal";
      t.goal = split == Split::train ? "Poke what lies on the table." : "Push the first thing to where the second picture shows it.";
      t.seed = hash64(t.id);
      out.push_back(std::move(t));
    }
    return out;
  }
  std::unique_ptr<BatchEnv> make(const BatchOptions& options) const override {
    PokeAim aim = shared_.config.aim;
    if (aim == PokeAim::split) aim = options.split == Split::train ? PokeAim::object : PokeAim::said;
    BatchSpec spec;
    spec.observation = {SpaceKind::box, Dtype::u8, {6, shared_.config.pixels, shared_.config.pixels}, 0.0, 255.0};
    spec.action = {SpaceKind::box, Dtype::f32, {4}, 0.0, 2 * pi, {{0.0, 1.0}, {0.0, 1.0}, {0.0, 2 * pi}, {shared_.config.length_min, shared_.config.length_max}}};
    spec.infos = {"px", "py", "theta", "length", "moved", "x", "y", "angle", "goal_x", "goal_y", "goal_angle", "distance", "relative", "reset", "turn"};
    return make_slots("poke", identity_, std::move(spec), options, [this, aim] { return std::make_unique<PokeEpisode>(shared_, aim); });
  }
  double score(double episode_return, int) const override { return std::clamp(episode_return, 0.0, 1.0); }

  std::vector<std::string> action_names() const override {
    std::vector<std::string> out;
    for (const char* how : {"", " far"})
      for (const char* direction : directions) out.push_back(std::string(direction) + how);
    return out;
  }
  std::vector<std::byte> action(std::size_t number) const override {  // through the middle of what is on the table, where aim is object
    const auto& c = shared_.config;
    const Action a{0.5F, 0.5F, static_cast<float>(pi / 4) * static_cast<float>(number % directions.size()),
                   static_cast<float>(number < directions.size() ? c.length_min + 0.3 * (c.length_max - c.length_min) : c.length_max)};
    const auto bytes = std::as_bytes(std::span(&a, 1));
    return {bytes.begin(), bytes.end()};
  }
  std::string legend() const override { return "The table from above, and to its right where the first thing should be; a move pushes a thing that way."; }
  std::string picture(std::span<const std::byte> observation) const override;

 private:
  static std::vector<FieldDoc> fields_of(PokeConfig config) {
    ConfigDocs docs;
    visit(docs, config);
    return docs.docs;
  }

  Shared shared_;
  std::uint64_t identity_ = 0;
};

// Half blocks, two rows of pixels to a line, at most 32 pixels wide each. The terminal gets no colours from a world, so what stands out
// from the table by tint or brightness is drawn.
std::string PokeWorld::picture(std::span<const std::byte> observation) const {
  const int n = shared_.config.pixels, by = (n + 31) / 32, shown = n / by;
  const auto value = [&](int plane, int row, int col) { return static_cast<double>(std::to_integer<int>(observation[static_cast<std::size_t>((plane * n + row) * n + col)])); };
  using Mean = std::array<double, 3>;
  const auto mean = [&](int first, int row, int col) {
    Mean out{};
    for (int c = 0; c < 3; ++c)
      for (int k = 0; k < by * by; ++k) out[static_cast<std::size_t>(c)] += value(first + c, row * by + k / by, col * by + k % by) / (by * by);
    return out;
  };
  const auto usual = [&](int first) {  // the medians: most of the picture is table
    Mean out{};
    std::vector<double> all;
    for (int c = 0; c < 3; ++c) {
      all.clear();
      for (int i = 0; i < n * n; ++i) all.push_back(value(first + c, i / n, i % n));
      std::nth_element(all.begin(), all.begin() + n * n / 2, all.end());
      out[static_cast<std::size_t>(c)] = all[static_cast<std::size_t>(n * n / 2)];
    }
    return out;
  };
  const auto stands_out = [](const Mean& a, const Mean& table) {
    const double sum = a[0] + a[1] + a[2] + 1.0, of_table = table[0] + table[1] + table[2] + 1.0;
    double tint = 0.0;
    for (std::size_t c = 0; c < 3; ++c) tint += std::abs(a[c] / sum - table[c] / of_table);
    return tint > 0.12 || sum > 1.35 * of_table || sum < 0.45 * of_table;
  };
  const std::array<Mean, 2> tables{usual(0), usual(3)};
  std::string out;
  for (int row = 0; row + 1 < shown; row += 2) {
    for (const int first : {0, 3}) {
      const Mean& table = tables[first == 0 ? 0 : 1];
      out += "|";
      for (int col = 0; col < shown; ++col) {
        const bool upper = stands_out(mean(first, row, col), table), lower = stands_out(mean(first, row + 1, col), table);
        out += upper && lower ? "\u2588" : upper ? "\u2580" : lower ? "\u2584" : " ";
      }
      out += first == 0 ? "|  " : "|";
    }
    if (row + 3 < shown) out += "\n";
  }
  return out;
}

}  // namespace

void validate(const PokeConfig& c) {
  const auto number = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%g", value);
    return std::string(text);
  };
  if (c.length_max < c.length_min)
    throw Error(Fault::bad_input, "poke: field 'length_max': expected at least length_min (" + number(c.length_min) + "), got " + number(c.length_max));
  const double far = c.distance * c.length_max, most = 2.6 * c.middle;  // the diagonal of the middle is 2.83 times as long
  if (far > most || far <= c.threshold)
    throw Error(Fault::bad_input, "poke: field 'distance': expected distance * length_max above the threshold (" + number(c.threshold) + " m) and at most 2.6 * middle (" +
                                      number(most) + " m), got " + number(far) + " m");
}

std::unique_ptr<BatchWorld> open_poke(const Settings& settings) { return std::make_unique<PokeWorld>(read_config<PokeConfig>(settings)); }

constinit const EnvEntry env_poke{
    .name = "poke",
    .summary = "push things on a table to where a picture shows them, by single pokes (reflex tempo)",
    .fields = &describe_config<PokeConfig>,
    .open = nullptr,
    .open_batch = &open_poke,
    .needs_settings = false,
};

}  // namespace hone
