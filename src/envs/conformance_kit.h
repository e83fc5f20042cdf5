// Tests only: what the conformance tests of both tempos share.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/env.h"
#include "core/error.h"
#include "core/reflex.h"
#include "core/rng.h"

namespace hone::conformance {

inline std::string source_dir() {
  if (const char* dir = std::getenv("HONE_SOURCE_DIR")) return dir;
  const std::string here = __FILE__;
  return here.substr(0, here.rfind("/src/envs/"));
}

// A world that needs settings gets an example here; one without fails the tests, by name.
inline Settings example_settings(std::string_view name) {
  if (name == "process") return {{"command", {{"python3", source_dir() + "/examples/own_world.py"}, true, ""}}};
  if (name == "gymnasium")  // a stand-in of a few lines: no package is needed
    return {{"id", {{"Walk-v0"}, false, ""}}, {"python", {{"env", "PYTHONPATH=" + source_dir() + "/tests/fixtures/gymnasium_stub", "python3", "-S"}, true, ""}}};
  if (name == "vizdoom") {
    Settings out = settings({{"limit_tics", "120"}, {"workers", "2"}});
    out["python"] = {{"env", "PYTHONPATH=" + source_dir() + "/tests/fixtures/vizdoom_stub", "python3", "-S"}, true, ""};
    return out;
  }
  const auto fixture = [](const char* file) { return Setting{{source_dir() + "/tests/fixtures/" + file}, false, ""}; };
  const auto small = [&](const char* setting, const char* file) {
    Settings out = settings({{"train", "6"}, {"validation", "2"}, {"test", "4"}});
    out[setting] = fixture(file);
    return out;
  };
  if (name == "hotpot") return small("questions", "hotpot.jsonl");
  if (name == "gsm8k") return small("problems", "gsm8k.jsonl");
  if (name == "poke") return settings({{"pixels", "16"}, {"length_max", "0.03"}, {"episode", "20"}, {"distance", "2"}});  // quick to step and draw
  return {};
}

inline Settings settings_for(const EnvEntry& entry) {
  auto given = example_settings(entry.name);
  EXPECT_TRUE(!entry.needs_settings || !given.empty()) << entry.name << ": it needs settings and example_settings of this file has none";
  return given;
}

// The range of each number of a box action, where Space's one range for all of them says too little.
inline std::vector<std::pair<float, float>> action_ranges(std::string_view name) {
  if (name == "poke") return {{0.0F, 0.999F}, {0.0F, 0.999F}, {0.0F, 6.283F}, {0.01F, 0.03F}};
  return {};
}

// Worlds whose task begins each of its episodes with another state.
inline bool draws_anew(std::string_view name) { return name == "poke" || name == "vizdoom"; }

inline std::vector<const EnvEntry*> listed(bool batch) {
  std::vector<const EnvEntry*> out;
  for (const EnvEntry* e : env_catalog())
    if ((batch ? e->open_batch != nullptr : e->open != nullptr)) out.push_back(e);
  return out;
}

inline constexpr Split splits[] = {Split::train, Split::validation, Split::test};

inline void expect_sound_tasks(std::string_view name, const std::vector<Task>& tasks, std::set<std::string>& ids) {
  for (const auto& task : tasks) {
    EXPECT_TRUE(ids.insert(task.id).second) << name << ": " << task.id << " is there twice";
    EXPECT_EQ(task.env, name);
    EXPECT_FALSE(task.goal.empty());
  }
}

inline bool same(const std::vector<Task>& a, const std::vector<Task>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Task& x, const Task& y) {
    return x.id == y.id && x.goal == y.goal && x.kind == y.kind && x.seed == y.seed && x.params == y.params;
  });
}

// Equal to tests/golden/<name>.txt, byte for byte. With HONE_RECORD_GOLDEN set it is written first.
inline void compare_with_golden(const std::string& name, const std::string& text) {
  const std::string path = source_dir() + "/tests/golden/" + name + ".txt";
  if (std::getenv("HONE_RECORD_GOLDEN") != nullptr) std::ofstream(path, std::ios::binary) << text;
  std::ifstream in(path, std::ios::binary);
  ASSERT_TRUE(in) << path << " is missing: run this test once with HONE_RECORD_GOLDEN=1, read the file, and add it";
  std::ostringstream golden;
  golden << in.rdbuf();
  EXPECT_EQ(text, golden.str()) << path;
}

}  // namespace hone::conformance
