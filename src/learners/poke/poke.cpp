#include "learners/poke/poke.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "core/error.h"
#include "learners/poke/blob.h"
#include "learners/start_from.h"

namespace hone {

namespace {

const BatchSpec& fitting(const BatchSpec& spec) {
  const Space &o = spec.observation, &a = spec.action;
  if (o.kind != SpaceKind::box || o.dtype != Dtype::u8 || o.shape.size() != 3 || o.shape[0] != 6 || o.shape[1] != o.shape[2] || a.kind != SpaceKind::box || a.dtype != Dtype::f32 || a.ranges.size() != 4)
    throw Error(Fault::unavailable, "poke: expected a world with a picture now and one of the goal (bytes, 6 by side by side) and pokes of four numbers, as the world poke has");
  return spec;
}

PokeBins bins_of(const PokeLearnerConfig& c, const Space& action) {
  return {.grid = c.grid, .angles = c.angles, .lengths = c.lengths, .no_contact = c.no_contact, .length_min = action.ranges[3][0], .length_max = action.ranges[3][1]};
}

void write(std::span<std::byte> actions, int slot, const Poke& poke) {
  static_assert(sizeof poke == 16);
  std::memcpy(actions.data() + static_cast<std::size_t>(slot) * sizeof poke, &poke, sizeof poke);
}

// Below 1 also as a float.
float part(Rng& rng) { return static_cast<float>(rng.below(1U << 23U)) * 0x1p-23F; }

Poke random_poke(const PokeBins& bins, Rng& rng) {
  const float px = part(rng), py = part(rng), theta = part(rng) * 6.283185F, u = part(rng);
  const auto low = static_cast<float>(bins.length_min), high = static_cast<float>(bins.length_max);
  return {px, py, theta, std::min(low + (high - low) * u, high)};
}

// The two pictures of a slot's observation.
struct Pictures {
  std::span<const std::byte> now, goal;
  Pictures(const Sight& sight, int slot) {
    const std::size_t size = sight.obs.size() / static_cast<std::size_t>(sight.slots), half = size / 2, from = static_cast<std::size_t>(slot) * size;
    now = sight.obs.subspan(from, half), goal = sight.obs.subspan(from + half, half);
  }
};

// Greedy: which single poke would lead from now to the goal, though the goal may be many away (poke.md 2.8).
class Player final : public BatchActor {
 public:
  Player(Poker& nets, const PokeBins& bins) : nets_(nets), bins_(bins) {}
  void act(const Sight& sight, bool, Rng&, std::span<std::byte> actions, std::span<float>, std::span<float>) override {
    now_.clear(), goal_.clear();
    for (int i = 0; i < sight.slots; ++i) {
      const Pictures p(sight, i);
      now_.insert(now_.end(), p.now.begin(), p.now.end());
      goal_.insert(goal_.end(), p.goal.begin(), p.goal.end());
    }
    chosen_.resize(static_cast<std::size_t>(sight.slots));
    nets_.answer(now_, goal_, bins_.lengths, chosen_);
    for (int i = 0; i < sight.slots; ++i) write(actions, i, bins_.centre(chosen_[static_cast<std::size_t>(i)]));
  }

 private:
  Poker& nets_;
  PokeBins bins_;
  std::vector<std::byte> now_, goal_;
  std::vector<PokeClasses> chosen_;
};

class BlobActor final : public BatchActor {
 public:
  BlobActor(const BlobPusher& pusher, int side) : pusher_(pusher), side_(side) {}
  void act(const Sight& sight, bool, Rng& rng, std::span<std::byte> actions, std::span<float>, std::span<float>) override {
    for (int i = 0; i < sight.slots; ++i) {
      const Pictures p(sight, i);
      write(actions, i, pusher_.push(p.now, p.goal, side_).value_or(random_poke(pusher_.bins, rng)));
    }
  }

 private:
  BlobPusher pusher_;
  int side_;
};

// A random poke through a random point of what stands out: the strongest play that knows nothing of the goal.
class RandomOnThing final : public BatchActor {
 public:
  RandomOnThing(const PokeBins& bins, int side) : bins_(bins), side_(side) {}
  void act(const Sight& sight, bool, Rng& rng, std::span<std::byte> actions, std::span<float>, std::span<float>) override {
    for (int i = 0; i < sight.slots; ++i) {
      Poke poke = random_poke(bins_, rng);
      if (const auto thing = find_blob(Pictures(sight, i).now, side_)) {
        const auto& point = thing->points[rng.below(thing->points.size())];
        poke.px = point[0], poke.py = point[1];
      }
      write(actions, i, poke);
    }
  }

 private:
  PokeBins bins_;
  int side_;
};

std::unique_ptr<Learner> make_poke(const Settings& settings, const LearnerContext& context) {
  const auto config = read_config<PokeLearnerConfig>(settings);
  if (context.batch == nullptr || context.nets == nullptr) throw Error(Fault::unavailable, "poke: needs a world of the reflex tempo (poke)");
  return std::make_unique<PokeLearner>(config, *context.batch, *context.nets, Rng(context.rng).split("networks").next());
}

}  // namespace

void PokeLearner::Random::act(const Sight& sight, bool, Rng& rng, std::span<std::byte> actions, std::span<float>, std::span<float>) {
  for (int i = 0; i < sight.slots; ++i) write(actions, i, random_poke(bins_, rng));
}

PokeLearner::PokeLearner(const PokeLearnerConfig& config, const BatchSpec& spec, const Nets& nets, std::uint64_t seed)
    : config_(config), slots_(fitting(spec).slots), side_(static_cast<int>(spec.observation.shape[1])), bins_(bins_of(config, spec.action)),
      nets_(nets.poker({.side = side_, .layout = config.layout, .features = config.features, .hidden = config.hidden, .classes = bins_.counts(), .order = config.order, .norm = config.norm,
                        .detach_target = config.detach_target, .seed = seed})),
      pairs_(spec), collecting_(bins_) {
  if (config.inverse == 0.0 && config.lambda == 0.0) throw Error(Fault::bad_input, "poke: field 'lambda': expected above 0 where 'inverse' is 0, got 0: nothing would be learned");
  if (!config.start_from.empty()) start_from(config.start_from, *nets_);
}

std::unique_ptr<BatchActor> PokeLearner::player() { return std::make_unique<Player>(*nets_, bins_); }

std::vector<Rival> PokeLearner::rivals() {
  std::vector<Rival> out;
  out.push_back({"random on the thing", std::make_unique<RandomOnThing>(bins_, side_)});
  out.push_back({"blob", std::make_unique<BlobActor>(BlobPusher{bins_, config_.view, config_.finger_radius}, side_)});
  return out;
}

Need PokeLearner::next(const Progress& progress) {
  Need need;
  finishing_ = progress.last_call;
  need.done = progress.last_call || updated_ >= config_.updates;
  if (!need.done && poked_ < config_.pokes) {
    const std::int64_t each = static_cast<std::int64_t>(config_.rollout) * slots_;
    need.rollout_steps = config_.rollout;
    need.rollouts = static_cast<int>(std::min<std::int64_t>((config_.pokes - poked_ + each - 1) / each, std::max<std::int64_t>(1, config_.collect / each)));
  }
  return need;
}

double PokeLearner::lr_now() const {
  const double way = static_cast<double>(updated_) / static_cast<double>(config_.updates);
  return config_.lr * (config_.final_lr + (1.0 - config_.final_lr) * 0.5 * (1.0 + std::cos(std::numbers::pi * way)));
}

void PokeLearner::train(Metrics& metrics, Tools& tools) {
  const auto& all = pairs_.training();
  if (all.empty()) throw Error(Fault::bad_input, "poke: no pair was left to learn from; expected more pokes than " + std::to_string(poked_));
  const Rng rng = tools.rng("poke");
  const PokeObjective objective{.inverse = config_.inverse, .forward = config_.lambda};
  PokeSelection chosen;
  std::vector<std::size_t> which(static_cast<std::size_t>(config_.batch));
  PokeLoss sum;
  int steps = 0;
  for (; steps < config_.round && updated_ < config_.updates; ++steps, ++updated_) {
    Rng draw = rng.split(static_cast<std::uint64_t>(updated_));
    for (auto& w : which) w = all[draw.below(all.size())];
    chosen.gather_shifted(pairs_, which, bins_, side_, config_.shift, draw);
    if (config_.shuffle_labels)
      for (std::size_t i = 0; i < which.size(); ++i) {
        const auto& other = pairs_[all[draw.below(all.size())]];
        chosen.set_classes(i, bins_.of(other.poke, other.met != 0));
      }
    const PokeLoss loss = nets_->learn(chosen.batch(), objective, {.lr = lr_now(), .scale = 1.0, .clip = config_.clip});
    for (std::size_t h = 0; h < poke_heads; ++h) sum.inverse[h] += loss.inverse[h];
    sum.forward += loss.forward, sum.spread += loss.spread, sum.norm += loss.norm;
  }
  metrics["location_loss"] = sum.inverse[head_location] / steps;
  metrics["angle_loss"] = sum.inverse[head_angle] / steps;
  metrics["length_loss"] = sum.inverse[head_length] / steps;
  metrics["forward_loss"] = sum.forward / steps, metrics["spread"] = sum.spread / steps, metrics["norm"] = sum.norm / steps;
  metrics["updates"] = static_cast<double>(updated_);
}

// On pairs that nothing was learned from, each head told what the ones before it chose.
void PokeLearner::measure(Metrics& metrics) {
  const auto& all = pairs_.held_out();
  const std::size_t most = std::min(all.size(), static_cast<std::size_t>(config_.held_out));
  if (most == 0) return;
  constexpr std::size_t piece = 128;
  std::array<double, poke_heads> right{}, near{}, asked{};
  double forward = 0.0, spread = 0.0;
  PokeSelection chosen;
  std::vector<PokeClasses> answers;
  for (std::size_t first = 0; first < most; first += piece) {
    const auto which = std::span(all).subspan(first, std::min(piece, most - first));
    chosen.gather(pairs_, which, bins_);
    const PokeBatch batch = chosen.batch();
    answers.resize(which.size());
    nets_->answer(batch.before, batch.after, bins_.counts()[head_length], answers);
    for (std::size_t i = 0; i < which.size(); ++i)
      for (const PokeHead h : {head_location, head_angle, head_length}) {
        const std::int32_t truth = batch.classes[i][h];
        if (truth < 0) continue;
        ++asked[h];
        right[h] += answers[i][h] == truth;
        near[h] += bins_.within_one(h, answers[i][h], truth);
      }
    const PokeLoss loss = nets_->judge(batch);
    forward += loss.forward * static_cast<double>(which.size()), spread += loss.spread * static_cast<double>(which.size());
  }
  constexpr const char* names[poke_heads]{"location", "angle", "length"};
  for (std::size_t h = 0; h < poke_heads; ++h) {
    if (asked[h] == 0.0) continue;
    metrics[std::string("held_out/") + names[h]] = right[h] / asked[h];
    metrics[std::string("held_out/") + names[h] + "_within_one"] = near[h] / asked[h];
  }
  metrics["held_out/forward"] = forward / static_cast<double>(most);
  metrics["held_out/spread"] = spread / static_cast<double>(most);
}

Update PokeLearner::learn(const Experience& experience, const Lessons&, Tools& tools) {
  Update update;
  std::size_t pairs = pairs_.size();
  if (experience.rollout != nullptr) {
    pairs_.take(*experience.rollout);
    poked_ += static_cast<std::int64_t>(experience.rollout->steps) * experience.rollout->slots;
    pairs = pairs_.size();
  } else if (updated_ < config_.updates && (poked_ >= config_.pokes || (finishing_ && !pairs_.training().empty()))) {
    train(update.metrics, tools);
    measure(update.metrics);
    if (updated_ >= config_.updates || finishing_) pairs_.clear();  // nothing is left to learn from them; neither checkpoint nor published bytes need them
  }
  update.metrics["pokes"] = static_cast<double>(poked_);
  update.metrics["pairs"] = static_cast<double>(pairs);
  return update;
}

void PokeLearner::save(Sink& sink) const {
  nets_->save(sink);
  put(sink, poked_), put(sink, updated_);
  pairs_.save(sink);
}

void PokeLearner::load(Source& source) {
  nets_->load(source);
  get(source, poked_), get(source, updated_);
  pairs_.load(source);
}

constinit const LearnerEntry learner_poke{
    .name = "poke",
    .summary = "pokes at random and learns from pictures before and after which poke leads from one to the other",
    .citation = "Agrawal et al. 2016, Learning to Poke by Poking: Experiential Learning of Intuitive Physics, arXiv 1606.07419",
    .tempo = Tempo::reflex,
    .nets = true,
    .fields = &describe_config<PokeLearnerConfig>,
    .make = &make_poke,
};

}  // namespace hone
