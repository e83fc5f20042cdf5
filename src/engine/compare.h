// `hone eval`: what runs have learned, played again on the same tasks. Nothing is learned and the store is only read; the hash of
// its content before and after is part of the answer.
#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/event.h"
#include "engine/recipe.h"
#include "engine/report.h"
#include "engine/stats.h"

namespace hone {

struct CompareOptions {
  std::filesystem::path home;
  std::vector<Recipe> recipes;
  int seeds = 1;                          // runs with seed, seed + 1, ...; every recipe needs a finished run for each
  std::string run;                        // play the lessons of this run instead: a setting of the agent looked at without learning again
  std::optional<std::uint64_t> version;   // lessons as they were at that version, instead of the latest
  int tasks = 0;                          // only the first so many test tasks, 0 = all
  Listener listener;
  std::stop_token stop;
};

struct CompareRow {
  std::string recipe, arm;
  bool baseline = false;
  Interval score;
  int seeds = 0, tasks = 0;
  Usage usage;
  Faults faults;
  Comparison against_first;  // the first row: baseline of the first recipe; empty unless it played the same tasks and seeds
  std::vector<std::string> task_ids;
  std::vector<double> scores;  // [task_ids] mean over the seeds: a task played again is no new task
};

struct CompareResult {
  std::vector<CompareRow> rows;
  std::string store_hash_before, store_hash_after;
  std::vector<std::string> warnings;      // what servers said that makes scores the poorer, and rows with tries that ended by faults
  std::string failed;                     // why the table says nothing: no try got through of any row that asks a model
  std::vector<std::string> model_hashes;  // SHA-256 of the model files, the same before and after the evaluation
  double seconds = 0.0;
};

CompareResult compare_recipes(const CompareOptions& options);
wire::Json compare_json(const CompareResult& result);

}  // namespace hone
