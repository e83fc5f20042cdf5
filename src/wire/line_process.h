// A program of the user's that answers one JSON line on its standard output for every JSON line on its standard input. It runs in
// a process group of its own (ctrl-C in the terminal does not reach it) and is killed with its children at the end.
// Whatever it does, a call returns in bounded time and memory: time-out, crash, garbage, a line over the limit, more lines
// than asked for and invalid UTF-8 are an Error that names the program, what was asked and its last words on standard error.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "core/config.h"
#include "wire/json.h"

namespace hone::wire {

struct LineProcessConfig {
  std::vector<std::string> command;  // program (looked up in PATH) and arguments; a single text is split at blanks
  std::string cwd;                   // empty = ours
  double timeout_seconds = 30.0;     // for each answer
  double start_seconds = 30.0;       // for the first one
  std::uint64_t max_line_bytes = 1 << 20;
};

template <class V>
void visit(V& v, LineProcessConfig& c) {
  v.field("command", c.command, "the program and its arguments");
  v.field("cwd", c.cwd, "folder to run it in; empty = the current one");
  v.field("timeout_seconds", c.timeout_seconds, "longest wait for one answer", {.min = 0.01, .max = 86400});
  v.field("start_seconds", c.start_seconds, "longest wait for the first answer", {.min = 0.01, .max = 86400});
  v.field("max_line_bytes", c.max_line_bytes, "longest line it may write", {.min = 64, .max = 1e9});
}

// The two steps between what a program wrote and an answer, without a program. Both throw Error{io} with the end of a sentence
// that begins with the program's name: "wrote more than one line: ...".
//
// The one line that was asked for, taken from the front of `buffer`, or nothing while there is no whole line; bytes before
// `searched` are known to hold no line end. `heard`: the program has read the whole question.
std::optional<std::string> take_answer(std::string& buffer, std::size_t& searched, bool heard, std::uint64_t max_line_bytes);
// A JSON object.
Json read_answer(std::string_view line);

// One owner, one thread at a time.
class LineProcess {
 public:
  // Throws Error{not_found} when the program or folder can't be had, Error{bad_input} for an empty command.
  explicit LineProcess(const LineProcessConfig& config);
  // Closes its input, waits a moment for it to end by itself, then kills its whole group.
  ~LineProcess();
  LineProcess(const LineProcess&) = delete;
  LineProcess& operator=(const LineProcess&) = delete;

  // Sends one line, waits for one line: a JSON object. An answer {"error": "text"} becomes Error{bad_input} with that text and the
  // process goes on; after any other error it is killed and every later call says so.
  Json ask(const Json& request);

  bool alive() const { return broken_.empty(); }
  std::string shown() const;  // "python3 world.py", for messages

 private:
  using Clock = std::chrono::steady_clock;

  // Owns a file descriptor.
  struct Fd {
    int fd = -1;
    Fd() = default;
    Fd(const Fd&) = delete;
    Fd& operator=(const Fd&) = delete;
    ~Fd() { close(); }
    void close();
  };
  void start();
  std::string exchange(const std::string& line, Clock::time_point deadline, const std::string& asked);
  bool read_into(Fd& from, std::string& to);  // false at its end
  void write_some(std::string_view& left);
  [[noreturn]] void fail(const std::string& asked, const std::string& what);
  std::string ending();     // "ended with status 3", "was killed by signal 9"
  std::string last_words();
  void stop(bool at_once);

  LineProcessConfig config_;
  pid_t pid_ = -1;
  int status_ = 0;
  Fd in_, out_, err_;  // our ends of its standard input, output and error
  std::string buffer_, words_, broken_;
  bool first_ = true;
};

}  // namespace hone::wire
