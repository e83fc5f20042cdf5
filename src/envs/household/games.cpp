#include "envs/household/games.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/error.h"
#include "wire/json.h"

namespace hone::household {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view goal_cue = "Your task is to: ";

// ALFWorld's task types are in the path; a file that was moved is judged by its goal's words, in the order ExpeL's release asks.
std::string family_of(const std::string& path, const std::string& goal) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> types{{{"pick_and_place_simple", "put"},
                                                                                 {"look_at_obj_in_light", "look"},
                                                                                 {"pick_clean_then_place", "clean"},
                                                                                 {"pick_heat_then_place", "heat"},
                                                                                 {"pick_cool_then_place", "cool"},
                                                                                 {"pick_two_obj", "puttwo"}}};
  for (const auto& [type, family] : types)
    if (path.find(type) != std::string::npos) return std::string(family);
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> cues{
      {{"clean", "clean"}, {"hot", "heat"}, {"heat", "heat"}, {"cool", "cool"}, {"look", "look"}, {"examine", "look"}, {"two", "puttwo"}, {"put", "put"}}};
  for (const auto& [cue, family] : cues)
    if (goal.find(cue) != std::string::npos) return std::string(family);
  return "put";
}

GameFile read_game(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(Fault::bad_input, path.string() + ": can't be read");
  std::ostringstream text;
  text << in.rdbuf();
  const auto json = wire::Json::parse(text.str(), nullptr, false);
  if (!json.is_object()) throw Error(Fault::bad_input, path.string() + ": expected a JSON object (game.tw-pddl of ALFWorld), got something else");
  const auto field = [&](const char* name) {
    const auto it = json.find(name);
    if (it == json.end() || !it->is_string()) throw Error(Fault::bad_input, path.string() + ": " + name + ": expected a text, got " + (it == json.end() ? "nothing" : it->type_name()));
    return it->get<std::string>();
  };
  GameFile out;
  out.path = path.string();
  out.domain = field("pddl_domain");
  out.problem = field("pddl_problem");
  const std::string grammar = field("grammar");
  const auto at = grammar.find(goal_cue);
  const auto end = at == std::string::npos ? at : grammar.find('"', at);
  if (end == std::string::npos) throw Error(Fault::bad_input, path.string() + ": grammar: expected \"" + std::string(goal_cue) + "...\", got none");
  out.goal = grammar.substr(at + goal_cue.size(), end - at - goal_cue.size());
  while (!out.goal.empty() && (out.goal.back() == '.' || out.goal.back() == ' ')) out.goal.pop_back();
  const fs::path folder = fs::absolute(path).parent_path();
  out.name = folder.parent_path().filename().string() + "/" + folder.filename().string();
  out.family = family_of(fs::absolute(path).string(), out.goal);
  return out;
}

}  // namespace

std::vector<GameFile> read_games(const std::vector<std::string>& paths) {
  std::vector<GameFile> out;
  for (const auto& p : paths) {
    std::error_code error;
    if (!fs::is_directory(p, error)) {
      out.push_back(read_game(p));
      continue;
    }
    std::vector<fs::path> found;
    for (const auto& entry : fs::recursive_directory_iterator(p))
      if (entry.path().extension() == ".tw-pddl") found.push_back(entry.path());
    if (found.empty()) throw Error(Fault::bad_input, p + ": expected *.tw-pddl files in this folder, got none");
    std::sort(found.begin(), found.end());
    for (const auto& f : found) out.push_back(read_game(f));
  }
  return out;
}

}  // namespace hone::household
