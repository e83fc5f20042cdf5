#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <optional>

#include "cli/app.h"
#include "cli/play_batch.h"
#include "cli/play_face.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "core/reflex.h"
#include "engine/play.h"
#include "engine/recipe.h"
#include "wire/id.h"

namespace hone::cli {

namespace {

struct PlayFlags {
  std::string env, task, split = "train", save;
  std::vector<std::string> set;
  int tasks = 5;
};

std::int64_t now_ms() { return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

// Lines of standard input. Of one that is too long only the start is kept; a stop request is heard while waiting.
class Lines {
 public:
  explicit Lines(std::stop_token stop) : stop_(std::move(stop)) {}

  std::optional<std::string> next() {  // nothing at the end of input, or when stopped
    std::string line;
    for (;;) {
      const std::size_t end = buffer_.find('\n');
      const bool whole = end != std::string::npos;
      if (line.size() <= longest_line) line.append(buffer_, 0, std::min(whole ? end : buffer_.size(), longest_line + 1 - line.size()));
      buffer_.erase(0, whole ? end + 1 : buffer_.size());
      if (whole) return line;
      if (!more()) return line.empty() || stop_.stop_requested() ? std::nullopt : std::optional(line);
    }
  }

 private:
  bool more() {
    for (;;) {
      if (stop_.stop_requested()) return false;
      pollfd in{STDIN_FILENO, POLLIN, 0};
      const int ready = poll(&in, 1, 100);
      if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
      char chunk[4096];
      const ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n <= 0) return false;
      buffer_.assign(chunk, static_cast<std::size_t>(n));
      return true;
    }
  }
  std::stop_token stop_;
  std::string buffer_;
};

// What was played, for `hone store import`. The file is made at once, so that a place that can't be written to shows before the
// game; one that is there is left alone.
class Transcript {
 public:
  explicit Transcript(const std::string& path) : path_(path) {
    if (path.empty()) return;
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) throw Error(Fault::usage, path + ": is there already; name a new file");
    if (fd < 0) throw Error(Fault::io, path + ": can't be written: " + std::strerror(errno));
    close(fd);
  }
  void add(const Episode& episode) { lines_.push_back(wire::dump({{"type", "episode"}, {"episode", wire::to_json(episode)}})); }
  void write() const {
    if (path_.empty()) return;
    std::ofstream out(path_, std::ios::binary);
    out << wire::dump({{"type", "hone-store"}, {"format", 2}}) << '\n';
    for (const auto& line : lines_) out << line << '\n';
    out << wire::dump({{"type", "end"}, {"lines", lines_.size() + 1}}) << '\n';
    out.close();
    if (!out) throw Error(Fault::io, path_ + ": can't be written (no space?)");
  }

 private:
  std::string path_;
  std::vector<std::string> lines_;
};

class Game {
 public:
  Game(const World& world, Split split, Face& face, Lines& lines, Transcript& transcript)
      : facts_(world.facts(split)), env_(world.make(split)), savable_(dynamic_cast<Savable*>(env_.get())), face_(face), lines_(lines), transcript_(transcript) {}

  void play(const std::vector<Task>& tasks) {
    face_.opening(facts_, savable_ != nullptr);
    for (std::size_t i = 0; i < tasks.size() && !over_; ++i) {
      begin(tasks[i]);
      face_.task(tasks[i], facts_.task_word, static_cast<int>(i) + 1, static_cast<int>(tasks.size()), place());
      one_try();
    }
    face_.closing(tally_);
  }

 private:
  struct Before {  // a step
    std::vector<std::byte> state;
    Observation seen;
  };
  Place place() const { return {&seen_, static_cast<int>(episode_.steps.size()), facts_.max_steps, savable_ != nullptr}; }

  void begin(const Task& task) {
    episode_ = {};
    episode_.id = new_id();
    episode_.group = task.id;
    episode_.task = task;
    episode_.started_ms = now_ms();
    before_.clear();
    undos_ = 0;
    seen_ = env_->reset(task);
  }

  void one_try() {
    for (bool open = true; open && !over_;) {
      face_.prompt(place());
      const auto line = std::ferror(stdout) != 0 ? std::nullopt : lines_.next();  // nobody looks any more
      if (line && isatty(STDIN_FILENO) == 0) face_.heard(*line);
      const Typed typed = line ? read_typed(*line, seen_.choices) : Typed{Typed::quit, {}};
      switch (typed.kind) {
        case Typed::action: open = step(typed.text); break;
        case Typed::undo: undo(); break;
        case Typed::help: face_.help(facts_, place()); break;
        case Typed::refused: face_.refused(typed.text); break;
        case Typed::skip:
          ++tally_.skipped;
          face_.skipped();
          open = false;
          break;
        case Typed::quit: over_ = true; break;
      }
    }
  }

  bool step(const std::string& action) {
    MemorySink state;
    if (savable_ != nullptr) savable_->save(state);
    const Outcome outcome = env_->step(action);
    before_.push_back({std::move(state.data), seen_});
    Step done;
    done.did.action = action;
    for (std::size_t i = 0; i < seen_.choices.size(); ++i)
      if (seen_.choices[i] == action) done.did.choice = static_cast<int>(i);
    done.seen = std::exchange(seen_, outcome.next);
    done.reward = outcome.reward;
    done.comment = outcome.comment;
    episode_.steps.push_back(std::move(done));
    face_.stepped(action, outcome, place());
    if (outcome.ending) finish(outcome);
    return !outcome.ending;
  }

  void finish(const Outcome& outcome) {
    ++tally_.played;
    tally_.solved += outcome.solved;
    tally_.score += outcome.score;
    tally_.steps += static_cast<int>(episode_.steps.size());
    episode_.by.agent = undos_ == 0 ? "human" : fmt::format("human undos={}", undos_);
    episode_.last = seen_;
    episode_.ending = *outcome.ending;
    episode_.score = outcome.score;
    episode_.solved = outcome.solved;
    episode_.feedback = outcome.feedback;
    episode_.ended_ms = now_ms();
    transcript_.add(episode_);
  }

  void undo() {
    if (savable_ == nullptr) return face_.refused("this world can't undo: it has no way to save where it is");
    if (before_.empty()) return face_.refused("there is no step to take back");
    MemorySource state(before_.back().state);
    savable_->load(state);
    seen_ = std::move(before_.back().seen);
    before_.pop_back();
    episode_.steps.pop_back();
    ++undos_;
    face_.undone(place());
  }

  const WorldFacts& facts_;
  std::unique_ptr<Env> env_;
  Savable* savable_;
  Face& face_;
  Lines& lines_;
  Transcript& transcript_;
  Episode episode_;
  Observation seen_;
  std::vector<Before> before_;
  Tally tally_;
  int undos_ = 0;
  bool over_ = false;
};

std::unique_ptr<World> open_for_a_person(const PlayFlags& flags) {
  std::vector<std::string> set;
  for (const auto& s : flags.set) set.push_back("env." + s);
  const EnvEntry& entry = find_env(flags.env);
  const Recipe recipe = parse_recipe("env: {name: " + flags.env + "}\nmethod: expel\n", "hone play", set);
  if (entry.open != nullptr) return entry.open(recipe.env.settings);
  return for_a_person(entry.open_batch(recipe.env.settings), entry.summary);
}

std::vector<Task> chosen_tasks(const World& world, Split split, const PlayFlags& flags) {
  auto tasks = world.tasks(split);
  if (flags.task.empty()) {
    if (tasks.empty()) throw Error(Fault::usage, "world '" + flags.env + "' has no " + flags.split + " tasks with these settings");
    if (tasks.size() > static_cast<std::size_t>(flags.tasks)) tasks.resize(static_cast<std::size_t>(flags.tasks));
    return tasks;
  }
  std::vector<std::string> ids;
  for (const auto& task : tasks) {
    if (task.id == flags.task) return {task};
    ids.push_back(task.id);
  }
  std::string why = "no " + flags.split + " task of world '" + flags.env + "' has the id '" + flags.task + "'";
  for (const auto& [name, other] : {std::pair{"train", Split::train}, {"validation", Split::validation}, {"test", Split::test}})
    for (const auto& task : world.tasks(other))
      if (task.id == flags.task) throw Error(Fault::usage, why + "; it is one of --split " + name);
  const std::string near = nearest_name(flags.task, ids);
  throw Error(Fault::usage, why + (near.empty() ? "; ids stand beside 'task 1 of ...' in a game" : "; did you mean '" + near + "'?"));
}

int play(const Context& context, const PlayFlags& flags) {
  const auto world = open_for_a_person(flags);
  const Split split = flags.split == "train" ? Split::train : flags.split == "validation" ? Split::validation : Split::test;
  const auto tasks = chosen_tasks(*world, split, flags);
  Transcript transcript(flags.save);
  const auto face = context.json ? face_for_programs() : face_for_people();
  Lines lines(context.stop);
  Game game(*world, split, *face, lines, transcript);
  try {
    game.play(tasks);
  } catch (...) {  // the world failed: what was played before is kept
    transcript.write();
    throw;
  }
  transcript.write();
  return context.stop.stop_requested() ? 130 : 0;
}

}  // namespace

void add_play(CLI::App& app, Context& context) {
  auto flags = std::make_shared<PlayFlags>();
  auto* command = app.add_subcommand("play", "be the agent yourself");
  command->add_option("env", flags->env, "a world (hone env list)")->required();
  command->add_option("--set", flags->set, "a setting of the world: --set train_tries=3")->take_all()->allow_extra_args(false);
  command->add_option("--tasks", flags->tasks, "how many tasks")->capture_default_str()->check(CLI::Range(1, 100000));
  command->add_option("--task", flags->task, "one task, by its id");
  command->add_option("--split", flags->split, "which tasks: train, validation or test")->capture_default_str()->check(CLI::IsMember({"train", "validation", "test"}));
  command->add_option("--save", flags->save, "keep the tries that were finished in a new file, for `hone store import`");
  command->callback([flags, &context] { context.action = [flags, &context] { return play(context, *flags); }; });
}

}  // namespace hone::cli
