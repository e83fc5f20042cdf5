#include "envs/household/household.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <sstream>

#include "core/error.h"
#include "core/reflex.h"
#include "embedded/household_data.h"
#include "envs/household/games.h"
#include "envs/household/house.h"

namespace hone {

namespace {

using household::Family;
using household::Game;

constexpr std::size_t games_kept = 256;  // grounded games in memory; one takes some 200 KB

std::string label(Split split) { return split == Split::train ? "train" : split == Split::validation ? "validation" : "test"; }

std::vector<Family> wanted_families(const std::vector<std::string>& names) {
  std::vector<Family> out;
  std::vector<std::string> known;
  for (const Family f : household::families) known.emplace_back(name_of(f));
  for (const auto& n : names) {
    const auto at = std::find(known.begin(), known.end(), n);
    if (at == known.end()) throw unknown_name("family", n, known, "household.families");
    out.push_back(household::families[static_cast<std::size_t>(at - known.begin())]);
  }
  return out;
}

// The room with this number: kinds take turns, so any run of four numbers has one of each.
household::Room room_of(const HouseholdConfig& config, bool unseen, int number) {
  const auto& kinds = household::tables().rooms;
  const auto& kind = kinds[static_cast<std::size_t>(number) % kinds.size()];
  return draw_room(kind, config.max_places, Rng(config.split_seed).split(unseen ? "unseen room" : "room").split(static_cast<std::uint64_t>(number)));
}

household::House house_of(const HouseholdConfig& config, const Task& task) {
  const auto param = [&](const char* name) {
    const auto it = task.params.find(name);
    if (it == task.params.end()) throw Error(Fault::bad_input, "household: task " + task.id + " has no parameter " + name);
    return it->second;
  };
  const std::string room = param("room");
  const bool unseen = room.starts_with("unseen-");
  const auto family = wanted_families({task.kind}).at(0);
  return furnish(room_of(config, unseen, std::stoi(room.substr(room.find('-') + 1))), family, Rng(task.seed));
}

std::vector<Task> generate(const HouseholdConfig& config, Split split) {
  const int n = split == Split::train ? config.train : split == Split::validation ? config.validation : config.test;
  const bool unseen = split == Split::test && config.test_in == UnseenRooms::unseen;
  const int rooms = unseen ? config.test_rooms : config.train_rooms;
  const auto wanted = wanted_families(config.families);
  std::vector<Family> families;
  if (wanted.empty()) families = household::deal_families(n);
  for (int i = 0; !wanted.empty() && i < n; ++i) families.push_back(wanted[static_cast<std::size_t>(i) % wanted.size()]);
  Rng rng = Rng(config.split_seed).split(label(split)).split(unseen ? "unseen" : "seen");
  std::vector<Task> out;
  for (int i = 0; i < n; ++i) {
    const Family family = families[static_cast<std::size_t>(i)];
    for (int attempt = 0;; ++attempt) {
      if (attempt == 10000) throw Error(Fault::bad_input, "household: no room offers a task of family " + std::string(name_of(family)) + "; give more rooms");
      const int room = static_cast<int>(rng.below(static_cast<std::uint64_t>(rooms)));
      const std::uint64_t seed = rng.next() >> 1;
      if (!offers(household::tables().rooms[static_cast<std::size_t>(room) % household::tables().rooms.size()], family)) continue;
      Task task{.id = "household/" + label(split) + "/" + std::to_string(i), .env = "household", .kind = std::string(name_of(family)), .goal = {}, .seed = seed,
                .params = {{"room", (unseen ? "unseen-" : "seen-") + std::to_string(room)}}};
      task.goal = house_of(config, task).goal;
      if (task.goal.empty()) continue;
      if (unseen) task.id = "household/unseen/" + std::to_string(i);
      out.push_back(std::move(task));
      break;
    }
  }
  return out;
}

// Games by task, made when first played. Many episodes may ask at once.
class Shelf {
 public:
  std::shared_ptr<const Game> get(const std::string& id, const std::function<std::shared_ptr<const Game>()>& make) {
    {
      const std::lock_guard lock(mutex_);
      if (const auto it = games_.find(id); it != games_.end()) return it->second;
    }
    auto game = make();
    const std::lock_guard lock(mutex_);
    if (games_.size() >= games_kept) games_.clear();
    return games_.emplace(id, std::move(game)).first->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Game>> games_;
};

struct Shared {
  HouseholdConfig config;
  std::map<std::string, household::GameFile> files;  // by task id
  mutable Shelf shelf;

  std::shared_ptr<const Game> game(const Task& task) const {
    return shelf.get(task.id, [&]() -> std::shared_ptr<const Game> {
      if (const auto it = files.find(task.id); it != files.end())
        return std::make_shared<const Game>(it->second.domain, it->second.path + " (pddl_domain)", it->second.problem, it->second.path + " (pddl_problem)", config.wording, config.offer);
      return household_game(config, task);
    });
  }
};

class HouseholdEnv final : public Env, public Savable {
 public:
  HouseholdEnv(std::shared_ptr<const Shared> shared, int max_steps) : shared_(std::move(shared)), max_steps_(max_steps) {}

  Observation reset(const Task& task) override {
    task_ = task;
    game_ = shared_->game(task);
    state_ = game_->start();
    steps_ = 0;
    last_action_.clear();
    return see(game_->intro());
  }

  Outcome step(std::string_view action) override {
    if (game_ == nullptr) throw Error(Fault::internal, "household: step before reset");
    const auto answer = game_->act(action, state_);
    const bool repeated = shared_->config.stop_on_repeat && action == last_action_;
    last_action_ = action;
    ++steps_;
    Outcome out;
    out.next = see(answer.text);
    out.next.changed = answer.changed;
    if (answer.legal && game_->won(state_)) {
      out.ending = Ending::terminal;
      out.reward = 1.0F;
      out.score = 1.0;
      out.solved = true;
    } else if (repeated) {
      out.ending = Ending::terminal;
    } else if (steps_ >= max_steps_) {
      out.ending = Ending::cut_off;
    }
    return out;
  }

  // The task too: a state can be loaded into an Env that plays another one.
  void save(Sink& sink) const override {
    put_text(sink, task_.id);
    put_text(sink, task_.kind);
    put(sink, task_.seed);
    const auto room = task_.params.find("room");
    put_text(sink, room == task_.params.end() ? "" : room->second);
    for (const auto word : state_) put(sink, word);
    put(sink, steps_);
    put_text(sink, last_action_);
  }
  void load(Source& source) override {
    Task task;
    task.id = get_text(source);
    task.kind = get_text(source);
    get(source, task.seed);
    if (const auto room = get_text(source); !room.empty()) task.params["room"] = room;
    const auto game = shared_->game(task);
    pddl::State state = game->start();
    for (auto& word : state) get(source, word);
    int steps = 0;
    get(source, steps);
    last_action_ = get_text(source);
    task_ = std::move(task);
    game_ = game;
    state_ = std::move(state);
    steps_ = steps;
  }

 private:
  Observation see(std::string text) {
    Observation out;
    out.text = std::move(text);
    game_->choices(state_, out.choices, scratch_);
    return out;
  }

  std::shared_ptr<const Shared> shared_;
  int max_steps_;
  Task task_;
  std::shared_ptr<const Game> game_;
  pddl::State state_;
  int steps_ = 0;
  std::string last_action_;
  std::vector<int> scratch_;
};

class HouseholdWorld final : public World {
 public:
  explicit HouseholdWorld(const HouseholdConfig& config) {
    auto shared = std::make_shared<Shared>();
    shared->config = config;
    tasks_ = {take_games(*shared, config.train_games, "train"), {}, take_games(*shared, config.test_games, "test")};
    for (const Split split : {Split::train, Split::validation, Split::test}) {
      auto& tasks = tasks_[static_cast<std::size_t>(split)];
      if (tasks.empty()) tasks = generate(config, split);
    }
    shared_ = std::move(shared);
    facts_ = {.name = "household",
              .role = "You do a household task in one room, by text.",
              .action_help = std::string("Actions: go to PLACE, open PLACE, close PLACE, take THING from PLACE, ") +
                             (config.wording == household::Wording::move ? "move THING to PLACE" : "put THING in/on PLACE") +
                             ", clean THING with PLACE, heat THING with PLACE, cool THING with PLACE, use THING, examine THING, look, inventory.",
              .task_word = "Your task is to",
              .action_word = "Action",
              .max_steps = config.max_steps,
              .failure_reasons = {"the steps ran out"}};
    if (config.stop_on_repeat) facts_.failure_reasons.emplace_back("the same action was taken twice in a row");
    train_facts_ = facts_;
    if (config.train_steps > 0) train_facts_.max_steps = config.train_steps;
  }

  const WorldFacts& facts(Split split) const override { return split == Split::train ? train_facts_ : facts_; }
  std::vector<Task> tasks(Split split) const override { return tasks_[static_cast<std::size_t>(split)]; }
  std::unique_ptr<Env> make(Split split) const override { return std::make_unique<HouseholdEnv>(shared_, facts(split).max_steps); }

 private:
  static std::vector<Task> take_games(Shared& shared, const std::vector<std::string>& paths, const std::string& split) {
    std::vector<Task> out;
    for (auto& file : household::read_games(paths)) {
      Task task{.id = "household/" + split + "/" + file.name, .env = "household", .kind = file.family, .goal = file.goal, .seed = 0, .params = {}};
      if (shared.files.emplace(task.id, std::move(file)).second) out.push_back(std::move(task));
    }
    return out;
  }

  std::shared_ptr<const Shared> shared_;
  std::vector<std::vector<Task>> tasks_;
  WorldFacts facts_, train_facts_;
};

}  // namespace

std::shared_ptr<const Game> household_game(const HouseholdConfig& config, const Task& task) {
  return std::make_shared<const Game>(household_data("household.pddl"), "household.pddl", problem_text(house_of(config, task)), task.id, config.wording, config.offer);
}

std::unique_ptr<World> open_household(const Settings& settings) { return std::make_unique<HouseholdWorld>(read_config<HouseholdConfig>(settings)); }

constinit const EnvEntry env_household{.name = "household", .summary = "tidy a room by text, in ALFWorld's six task families", .fields = &describe_config<HouseholdConfig>,
                                       .open = &open_household, .open_batch = nullptr, .needs_settings = false};

}  // namespace hone
