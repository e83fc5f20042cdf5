#include "cli/play_face.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/terminal.h"

namespace hone::cli {

namespace {

constexpr std::size_t longest_text = 20'000;  // columns of an observation that are shown

std::string steps_left(const Place& place) {
  return place.limit > 0 ? fmt::format("step {}; at most {} left", place.steps + 1, counted(std::max(0, place.limit - place.steps), "step")) : "no step limit known";
}

class TextFace final : public Face {
 public:
  void opening(const WorldFacts& facts, bool can_undo) override {
    print(printable_lines(facts.role));
    print(dim(can_undo ? "? for help" : "? for help; this world can't undo"));
  }

  void task(const Task& task, std::string_view word, int number, int of, const Place& place) override {
    print(fmt::format("\n{} {}", bold(fmt::format("task {} of {}", number, of)), dim(printable(task.id, 100))));
    print((word.empty() ? "" : printable(word) + ": ") + printable_lines(task.goal));
    show(*place.seen);
  }

  void prompt(const Place& place) override {
    fmt::print("{}> ", dim(std::to_string(place.steps + 1)));
    std::fflush(stdout);
  }
  void heard(std::string_view line) override { print(printable(line)); }

  void stepped(const std::string&, const Outcome& outcome, const Place& place) override {
    if (outcome.reward != 0.0F) print(outcome.reward > 0.0F ? green(fmt::format("reward +{:g}", outcome.reward)) : red(fmt::format("reward {:g}", outcome.reward)));
    show(*place.seen);
    if (!outcome.ending) return;
    const std::string how = *outcome.ending == Ending::cut_off ? "no steps left" : *outcome.ending == Ending::fault ? "the world failed" : "over";
    const std::string score = fmt::format("score {:g} after {}", outcome.score, counted(place.steps, "step"));
    print(outcome.solved ? green("solved") + ", " + score : red("not solved") + " (" + how + "), " + score);
  }

  void undone(const Place& place) override {
    print(dim("undone"));
    show(*place.seen);
  }
  void skipped() override { print(dim("skipped")); }

  void help(const WorldFacts& facts, const Place& place) override {
    const auto& choices = place.seen->choices;
    if (!facts.action_help.empty()) print(printable_lines(facts.action_help));
    print(choices.empty() ? "  any text      is the action" : "  a number, a name or its beginning picks an action");
    const auto line = [&](Typed::Kind kind, const char* what) { print(fmt::format("  {:<13} {}", command_names(kind, choices), what)); };
    line(Typed::undo, place.can_undo ? "take the last step back" : "take the last step back: this world can't");
    line(Typed::skip, "go on to the next task");
    line(Typed::quit, "end the game (so does the end of input, ctrl-D)");
    print("  =text         is the action 'text', whatever it says");
    print(steps_left(place));
  }
  void refused(const std::string& why) override { print(why); }

  void closing(const Tally& t) override {
    std::string line = fmt::format("you solved {} of {}", t.solved, t.played);
    if (t.played > 0) line += fmt::format(", mean score {:.2f}, {}", t.score / t.played, counted(t.steps, "step"));
    print("\n" + bold(line + (t.skipped > 0 ? fmt::format(", {} skipped", t.skipped) : "")));
  }

 private:
  static void show(const Observation& seen) {
    if (!seen.text.empty()) print(printable_lines(seen.text.size() > longest_text ? wire::valid_utf8(seen.text.substr(0, longest_text)) + " ..." : seen.text));
    for (const auto& line : in_columns(seen.choices, terminal_width())) print(line);
  }
};

class JsonFace final : public Face {
 public:
  void opening(const WorldFacts& facts, bool can_undo) override {
    print_json({{"event", "world"}, {"name", facts.name}, {"role", facts.role}, {"action_help", facts.action_help}, {"max_steps", facts.max_steps}, {"undo", can_undo}});
  }
  void task(const Task& task, std::string_view, int number, int of, const Place& place) override {
    print_json({{"event", "task"}, {"number", number}, {"of", of}, {"task", wire::to_json(task)}, {"observation", wire::to_json(*place.seen)}});
  }
  void prompt(const Place&) override {}
  void heard(std::string_view) override {}
  void stepped(const std::string& action, const Outcome& outcome, const Place& place) override {
    wire::Json line{{"event", "step"}, {"step", place.steps}, {"action", wire::valid_utf8(action)}, {"reward", outcome.reward}, {"observation", wire::to_json(*place.seen)}};
    if (outcome.ending) line.update({{"ending", wire::to_string(*outcome.ending)}, {"score", outcome.score}, {"solved", outcome.solved}});
    print_json(line);
  }
  void undone(const Place& place) override { print_json({{"event", "undone"}, {"step", place.steps}, {"observation", wire::to_json(*place.seen)}}); }
  void skipped() override { print_json({{"event", "skipped"}}); }
  void help(const WorldFacts& facts, const Place& place) override {
    print_json({{"event", "help"}, {"action_help", facts.action_help}, {"step", place.steps}, {"max_steps", place.limit}, {"undo", place.can_undo}});
  }
  void refused(const std::string& why) override { print_json({{"event", "refused"}, {"error", why}}); }
  void closing(const Tally& t) override {
    print_json({{"event", "end"}, {"played", t.played}, {"solved", t.solved}, {"skipped", t.skipped}, {"steps", t.steps}, {"score", t.played > 0 ? t.score / t.played : 0.0}});
  }
};

}  // namespace

std::unique_ptr<Face> face_for_people() { return std::make_unique<TextFace>(); }
std::unique_ptr<Face> face_for_programs() { return std::make_unique<JsonFace>(); }

}  // namespace hone::cli
