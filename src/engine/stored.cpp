#include "engine/stored.h"

#include <algorithm>
#include <set>

#include "core/error.h"

namespace hone {

namespace {

struct WorldTasks {
  std::set<std::string> kinds, held_out;  // held_out: ids and texts of the evaluation tasks
};

WorldTasks tasks_of(const World& world) {
  WorldTasks out;
  for (const Split split : {Split::train, Split::validation, Split::test})
    for (const Task& task : world.tasks(split)) {
      out.kinds.insert(task.kind);
      if (split != Split::train) out.held_out.insert({task.id, task.goal});
    }
  return out;
}

bool in_catalog(const std::string& env) {
  const auto catalog = env_catalog();
  return std::any_of(catalog.begin(), catalog.end(), [&](const EnvEntry* entry) { return entry->name == env; });
}

}  // namespace

Stored experience_from(std::vector<Episode> episodes, const World& world) {
  const std::string& env = world.facts(Split::train).name;
  const WorldTasks known = tasks_of(world);
  const std::size_t given = episodes.size();
  std::size_t other_world = 0, held_out = 0, adopted = 0, no_kind = 0;
  Stored out;
  for (Episode& e : episodes) {
    if (e.task.env != env && in_catalog(e.task.env)) {
      ++other_world;
      continue;
    }
    if (known.held_out.contains(e.task.id) || known.held_out.contains(e.task.goal)) {
      ++held_out;
      continue;
    }
    if (e.task.env != env) ++adopted;
    e.task.env = env;
    if (known.kinds.size() == 1) e.task.kind = *known.kinds.begin();
    else if (!known.kinds.contains(e.task.kind)) ++no_kind;
    out.episodes.push_back(std::move(e));
  }
  const auto say = [&](std::size_t n, const std::string& what) {
    if (n > 0) out.warnings.push_back(std::to_string(n) + " of " + std::to_string(given) + " stored episodes " + what);
  };
  say(adopted, "come from outside and are taken as episodes of '" + env + "'");
  say(other_world, "belong to another world and were left out");
  say(held_out, "are tries at tasks that this run is evaluated on and were left out");
  say(no_kind, "have a kind that '" + env + "' does not know: they are not recalled (give each its \"kind\")");
  if (out.episodes.empty())
    throw Error(Fault::bad_input, "--from-store: no stored episode is left to learn from in world '" + env + "' (" + std::to_string(given) + " found, " +
                                      std::to_string(other_world) + " of another world, " + std::to_string(held_out) + " at evaluation tasks)");
  return out;
}

}  // namespace hone
