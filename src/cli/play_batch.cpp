#include "cli/play_batch.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"

namespace hone::cli {

namespace {

const Shown& shown_by(const BatchWorld& world) {
  const auto* shown = dynamic_cast<const Shown*>(&world);
  if (shown == nullptr) throw Error(Fault::usage, "world '" + world.name() + "' is of the reflex tempo and shows no picture of itself: there is nothing a person could play by");
  return *shown;
}

class OneSlot : public Env {
 public:
  explicit OneSlot(const BatchWorld& world)
      : world_(world), shown_(shown_by(world)), env_(world.make({})), names_(shown_.action_names()), obs_(env_->spec().observation.bytes()), last_(obs_.size()) {
    const Space& action = env_->spec().action;
    const bool listed = action.kind == SpaceKind::discrete && action.dtype == Dtype::i32 && names_.size() == static_cast<std::size_t>(action.high - action.low) + 1;
    if (!listed && shown_.action(0).size() != action.bytes())
      throw Error(Fault::usage, "world '" + world.name() + "' takes actions that are no list of names: a person can't play it");
  }

  Observation reset(const Task& task) override {
    env_->reset(std::span(&slot_, 1), std::span(&task, 1), buffers());
    total_ = 0.0;
    steps_ = 0;
    return {shown_.picture(obs_), names_, {}};
  }

  Outcome step(std::string_view action) override {
    const auto name = std::find(names_.begin(), names_.end(), action);
    if (name == names_.end()) return {.next = {"'" + std::string(action.substr(0, 100)) + "' is no move here.", names_, {}}};
    const auto place = name - names_.begin();
    const auto number = static_cast<std::int32_t>(env_->spec().action.low) + static_cast<std::int32_t>(place);
    const auto own = shown_.action(static_cast<std::size_t>(place));
    env_->send(std::span(&slot_, 1), own.empty() ? std::as_bytes(std::span(&number, 1)) : std::span<const std::byte>(own));
    env_->recv(buffers(), 1);
    total_ += static_cast<double>(reward_);
    ++steps_;
    Outcome out;
    out.reward = reward_;
    const bool over = terminated_ != 0 || truncated_ != 0 || fault_ != 0;
    out.next = {shown_.picture(over ? last_ : obs_), over ? std::vector<std::string>{} : names_, {}};
    if (!over) return out;
    out.ending = fault_ != 0 ? Ending::fault : terminated_ != 0 ? Ending::terminal : Ending::cut_off;
    out.score = fault_ != 0 ? 0.0 : world_.score(total_, steps_);
    out.solved = out.score >= 1.0;
    return out;
  }

 protected:
  void save_to(Sink& sink, const Savable& env) const {
    put(sink, total_), put(sink, static_cast<std::int32_t>(steps_));
    env.save(sink);
  }
  void load_from(Source& source, Savable& env) {
    std::int32_t steps = 0;
    get(source, total_), get(source, steps);
    steps_ = steps;
    env.load(source);
  }
  Savable* savable() const { return dynamic_cast<Savable*>(env_.get()); }

 private:
  Buffers buffers() { return {obs_, last_, std::span(&reward_, 1), std::span(&terminated_, 1), std::span(&truncated_, 1), std::span(&fault_, 1)}; }

  const BatchWorld& world_;
  const Shown& shown_;
  std::unique_ptr<BatchEnv> env_;
  std::vector<std::string> names_;
  std::vector<std::byte> obs_, last_;
  float reward_ = 0.0F;
  std::uint8_t terminated_ = 0, truncated_ = 0, fault_ = 0;
  int slot_ = 0, steps_ = 0;
  double total_ = 0.0;
};

class SavableSlot final : public OneSlot, public Savable {
 public:
  using OneSlot::OneSlot;
  void save(Sink& sink) const override { save_to(sink, *savable()); }
  void load(Source& source) override { load_from(source, *savable()); }
};

class ShownWorld final : public World {
 public:
  ShownWorld(std::unique_ptr<BatchWorld> world, std::string_view summary) : world_(std::move(world)) {
    const Shown& shown = shown_by(*world_);
    facts_.name = world_->name();
    facts_.role = std::string(summary) + "\n" + shown.legend();
    for (const auto& name : shown.action_names()) facts_.action_help += (facts_.action_help.empty() ? "" : ", ") + name;
    facts_.max_steps = world_->max_steps(Split::train);
    savable_ = dynamic_cast<Savable*>(world_->make({}).get()) != nullptr;
  }
  const WorldFacts& facts(Split) const override { return facts_; }
  std::vector<Task> tasks(Split split) const override { return world_->tasks(split); }
  std::unique_ptr<Env> make(Split) const override {
    if (savable_) return std::make_unique<SavableSlot>(*world_);
    return std::make_unique<OneSlot>(*world_);
  }

 private:
  std::unique_ptr<BatchWorld> world_;
  WorldFacts facts_;
  bool savable_ = false;
};

}  // namespace

std::unique_ptr<World> for_a_person(std::unique_ptr<BatchWorld> world, std::string_view summary) {
  return std::make_unique<ShownWorld>(std::move(world), summary);
}

}  // namespace hone::cli
