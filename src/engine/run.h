// The main job: a recipe from start to result. Opens, evaluates the agent as it is, learns, evaluates again, explains, reports.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>

#include "engine/event.h"
#include "engine/recipe.h"
#include "store/values.h"

namespace hone {

struct RunOptions {
  std::filesystem::path home;  // see default_home()
  Listener listener;
  std::stop_token stop;
  bool fresh = false;          // start anew even if this recipe's run is finished or can be resumed
  std::optional<EpisodeQuery> from_store;  // learn from these episodes instead of playing
};

struct RunResult {
  std::string run;             // id
  bool reused = false;         // it was finished already: nothing was played
  wire::Json result;           // baseline, learned, difference, seconds, tokens, report (docs/formats/events.md)
  wire::Json report;           // what the report page shows
  std::filesystem::path report_path;  // the HTML file
};

// A run of the same recipe, data, models and version that was interrupted goes on where it was; a finished one is shown again.
RunResult run_recipe(const Recipe& recipe, const RunOptions& options);

struct Estimate {
  std::int64_t train_tasks = 0, evaluation_tasks = 0, episodes = 0, tokens = 0;
  double seconds = 0.0, money = 0.0;
  std::string basis;  // what was measured for it
};
// Plays one evaluation task to measure, writes nothing.
Estimate estimate_run(const Recipe& recipe, std::stop_token stop);

}  // namespace hone
