#include "engine/made_of.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "wire/read.h"
#include "wire/sha256.h"

namespace hone {

namespace {

namespace fs = std::filesystem;

// Names and contents of all files below a folder, in the order of their paths.
std::string sha256_folder(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  Sha256 all;
  for (const auto& file : files) all.update(file.lexically_relative(folder).generic_string() + "\n" + sha256_file(file) + "\n");
  return all.hex();
}

void note(std::map<std::string, std::string>& out, const Settings& settings) {
  for (const auto& [name, setting] : settings) {
    if (name == "command" || name == "cwd") continue;
    for (const auto& value : setting.values) {
      std::error_code none;
      if (fs::is_regular_file(value, none)) out[wire::valid_utf8(value)] = sha256_file(value);
      else if (setting.list && fs::is_directory(value, none)) out[wire::valid_utf8(value)] = sha256_folder(value);
    }
  }
}

// What is different now from what the run was made of, empty when nothing is.
std::string changed(const wire::Fields& then, const std::map<std::string, std::string>& now) {
  const wire::Json* files = then.find("files");
  if (files == nullptr || !files->is_object()) return {};
  for (const auto& [path, json] : files->items()) {
    const auto before = wire::read_string(json, then.at("files") + "." + path);
    const auto it = now.find(path);
    if (it == now.end()) return path + " is not there any more";
    if (it->second != before) return path + " changed: its SHA-256 was " + before + ", now it is " + it->second;
  }
  return {};
}

}  // namespace

std::map<std::string, std::string> named_files(const Recipe& recipe) {
  std::map<std::string, std::string> out;
  for (const Settings* some : {&recipe.env.settings, &recipe.agent.settings, &recipe.method.settings, &recipe.learn_agent}) note(out, *some);
  for (const auto& arm : recipe.arms) note(out, arm.agent.settings);
  note(out, settings({{"transfer_examples", recipe.transfer_examples}}));
  return out;
}

std::string meta_of(const MadeOf& made_of) { return wire::dump({{"recipe_hash", made_of.recipe}, {"files", made_of.files}}); }

std::optional<RunInfo> run_made_of(const Store& store, const MadeOf& made_of, Wanted wanted) {
  std::optional<RunInfo> found;
  std::string stale;
  for (auto& run : store.runs()) {
    const bool over = run.status == RunStatus::finished;
    if (run.status == RunStatus::imported || (wanted == Wanted::finished && !over)) continue;
    const std::string at = "meta of run " + run.id;
    const wire::Json meta = wire::parse(run.meta, at);
    const wire::Fields then(meta, at);
    std::string recipe;
    then.get("recipe_hash", recipe);
    const bool same = run.config_hash == made_of.hash;
    if (!same && recipe != made_of.recipe) continue;
    const std::string why = changed(then, made_of.files);
    if (same && why.empty()) found = std::move(run);
    else if (!why.empty() && over == (wanted == Wanted::finished))
      stale = "run " + run.id + (over ? " was made of other files: " : " can't go on: ") + why + "; put back what was there, or give `hone learn` --fresh for a new run";
  }
  if (!found && !stale.empty()) throw Error(Fault::bad_input, stale);
  return found;
}

}  // namespace hone
