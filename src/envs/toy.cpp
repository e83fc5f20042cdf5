#include "envs/toy.h"

#include <algorithm>
#include <array>

#include "core/error.h"
#include "core/rng.h"

namespace hone {

namespace {

constexpr std::array<const char*, 8> all_rooms{"attic", "cellar", "garden", "hall", "kitchen", "library", "porch", "study"};
constexpr std::array<const char*, 8> all_colours{"red", "blue", "green", "black", "white", "gold", "pink", "grey"};
constexpr std::array<const char*, 12> all_people{"Ann", "Bob", "Cat", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida", "Jon", "Kim", "Leo"};

class ToyEnv final : public Env {
 public:
  explicit ToyEnv(const ToyConfig& config) : config_(config) {
    for (int i = 0; i < config.rooms; ++i) choices_.push_back(std::string("go ") + all_rooms[static_cast<std::size_t>(i)]);
  }
  Observation reset(const Task& task) override {
    if (task.env != "toy") throw Error(Fault::bad_input, "toy: expected one of its own tasks, got '" + task.id + "'");
    right_ = "go " + toy_answer(task);
    steps_ = 0;
    return seen("You are on the stairs.");
  }
  Outcome step(std::string_view action) override {
    ++steps_;
    Outcome out;
    const bool legal = std::find(choices_.begin(), choices_.end(), action) != choices_.end();
    if (action == right_) {
      out.next.text = "The key is here.";
      out.reward = 1.0F;
      out.score = 1.0;
      out.solved = true;
      out.ending = Ending::terminal;
      return out;
    }
    out.next = seen(legal ? "You " + std::string(action) + ". There is no such key here." : "Nothing happens.");
    if (steps_ >= config_.max_steps) out.ending = Ending::cut_off;
    return out;
  }

 private:
  Observation seen(std::string text) const { return {std::move(text), config_.choices ? choices_ : std::vector<std::string>{}, {}}; }
  ToyConfig config_;
  std::vector<std::string> choices_;
  std::string right_;
  int steps_ = 0;
};

class ToyWorld final : public World {
 public:
  explicit ToyWorld(const ToyConfig& config) : config_(config) {
    facts_.name = "toy";
    facts_.role = "You fetch keys.";
    facts_.action_help = "Say go and a room:";
    for (int i = 0; i < config.rooms; ++i) facts_.action_help += std::string(i == 0 ? " " : ", ") + all_rooms[static_cast<std::size_t>(i)];
    facts_.action_help += ".";
    facts_.task_word = "Task";
    facts_.action_word = "Action";
    facts_.max_steps = config.max_steps;
    facts_.failure_reasons = {"the steps were used up in the wrong rooms"};
  }
  const WorldFacts& facts(Split) const override { return facts_; }
  std::vector<Task> tasks(Split split) const override {
    std::vector<Task> out;
    const auto rooms = static_cast<std::size_t>(config_.rooms), people = static_cast<std::size_t>(config_.people);
    const std::size_t first = people * static_cast<std::size_t>(split);
    for (std::size_t p = first; p < first + people; ++p)
      for (std::size_t c = 0; c < rooms; ++c) {
        Task t;
        t.id = std::string("toy/") + all_people[p] + "/" + all_colours[c];
        t.env = "toy";
        t.kind = "fetch";
        t.goal = std::string(all_people[p]) + " wants the " + all_colours[c] + " key.";
        t.seed = hash64(t.id);
        t.params = {{"rooms", std::to_string(rooms)}, {"colour", std::to_string(c)}};
        out.push_back(std::move(t));
      }
    return out;
  }
  std::unique_ptr<Env> make(Split) const override { return std::make_unique<ToyEnv>(config_); }

 private:
  ToyConfig config_;
  WorldFacts facts_;
};

}  // namespace

std::unique_ptr<World> make_toy_world(const ToyConfig& config) {
  if (config.rooms < 2 || config.rooms > 8 || config.people < 1 || config.people > 4)
    throw Error(Fault::bad_input, "toy: expected 2 to 8 rooms and 1 to 4 people");
  return std::make_unique<ToyWorld>(config);
}

std::string toy_answer(const Task& task) {
  return all_rooms[std::stoul(task.params.at("rooms")) - 1 - std::stoul(task.params.at("colour"))];
}

}  // namespace hone
