#include "wire/line_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>

#include "core/error.h"
#include "wire/child.h"

extern char** environ;

namespace hone::wire {

namespace {

constexpr std::size_t kept_words = 4096;  // bytes of standard error kept

// SIGPIPE is blocked in this thread while a pipe is written to, and taken back if it came: a library leaves
// the process's own handling of signals alone.
class NoSigpipe {
 public:
  NoSigpipe() {
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_, &before_);
  }
  ~NoSigpipe() {
    const timespec now{0, 0};
    if (!was_pending_)
      while (sigtimedwait(&pipe_, nullptr, &now) == -1 && errno == EINTR) {
      }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoSigpipe(const NoSigpipe&) = delete;
  NoSigpipe& operator=(const NoSigpipe&) = delete;

 private:
  sigset_t pipe_{}, before_{};
  bool was_pending_ = false;
};

// Both ends closed on exec, so that no other child inherits them and hides an end of file.
void open_pipe(int& read_end, int& write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    throw Error(Fault::io, std::string("no pipe to be had: ") + std::strerror(errno));
  read_end = ends[0];
  write_end = ends[1];
}

void set_nonblocking(int fd) { fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK); }

std::vector<std::string> words_of(const std::vector<std::string>& command) {
  if (command.size() != 1) return command;
  std::istringstream in(command[0]);
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

std::string seconds(double s) {
  std::ostringstream out;
  out << s << " s";
  return out.str();
}

std::string excerpt(std::string_view line) {
  constexpr std::size_t most = 120;
  return "'" + valid_utf8(line.substr(0, most)) + (line.size() > most ? "...'" : "'");
}

[[noreturn]] void too_long(std::uint64_t max_line_bytes) {
  throw Error(Fault::io, "wrote a line of more than " + std::to_string(max_line_bytes) + " bytes");
}

}  // namespace

std::optional<std::string> take_answer(std::string& buffer, std::size_t& searched, bool heard, std::uint64_t max_line_bytes) {
  const std::size_t end = buffer.find('\n', searched);
  searched = buffer.size();
  if (end == std::string::npos) {
    if (buffer.size() > max_line_bytes) too_long(max_line_bytes);
    return std::nullopt;
  }
  if (!heard) throw Error(Fault::io, "wrote a line before it had read what was asked: " + excerpt(buffer));
  std::string answer = buffer.substr(0, end);
  buffer.erase(0, end + 1);
  searched = 0;
  if (!buffer.empty()) throw Error(Fault::io, "wrote more than one line: " + excerpt(answer) + " and then " + excerpt(buffer));
  if (answer.size() > max_line_bytes) too_long(max_line_bytes);
  return answer;
}

Json read_answer(std::string_view line) {
  Json answer;
  try {
    answer = parse(line, "its answer");
  } catch (const Error& e) {
    throw Error(Fault::io, std::string("answered with what is no JSON: ") + excerpt(line) + " (" + e.what() + ")");
  }
  if (!answer.is_object()) throw Error(Fault::io, "answered " + excerpt(line) + " where a JSON object was expected");
  return answer;
}

void LineProcess::Fd::close() {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

LineProcess::LineProcess(const LineProcessConfig& config) : config_(config) {
  config_.command = words_of(config.command);
  if (config_.command.empty() || config_.command[0].empty())
    throw Error(Fault::bad_input, "field 'command': expected a program and its arguments, got nothing");
  start();
}

LineProcess::~LineProcess() { stop(!alive()); }

std::string LineProcess::shown() const {
  std::string out;
  for (const auto& word : config_.command) out += (out.empty() ? "" : " ") + word;
  return valid_utf8(out.substr(0, 200));
}

void LineProcess::start() {
  Fd child_in, child_out, child_err;
  open_pipe(child_in.fd, in_.fd);
  open_pipe(out_.fd, child_out.fd);
  open_pipe(err_.fd, child_err.fd);
  SpawnSetup setup;
  posix_spawn_file_actions_adddup2(&setup.actions, child_in.fd, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&setup.actions, child_out.fd, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&setup.actions, child_err.fd, STDERR_FILENO);
  if (!config_.cwd.empty()) posix_spawn_file_actions_addchdir_np(&setup.actions, config_.cwd.c_str());
  std::vector<char*> argv;
  for (auto& word : config_.command) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int failed = posix_spawnp(&pid_, argv[0], &setup.actions, &setup.attributes, argv.data(), environ);
  if (failed != 0) {
    pid_ = -1;
    throw Error(failed == ENOENT || failed == EACCES || failed == ENOTDIR ? Fault::not_found : Fault::io,
                "program '" + shown() + "'" + (config_.cwd.empty() ? "" : " in '" + config_.cwd + "'") +
                    " can't be started: " + std::strerror(failed));
  }
  for (const int fd : {in_.fd, out_.fd, err_.fd}) set_nonblocking(fd);
}

Json LineProcess::ask(const Json& request) {
  const auto it = request.find("do");
  const std::string asked = it != request.end() && it->is_string() ? it->get<std::string>() : "a request";
  if (!alive()) throw Error(Fault::io, "program '" + shown() + "' is no longer there: " + broken_);
  const double wait = first_ ? config_.start_seconds : config_.timeout_seconds;
  first_ = false;
  const auto deadline =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(wait));
  const std::string line = exchange(dump(request) + "\n", deadline, asked);
  Json answer;
  try {
    answer = read_answer(line);
  } catch (const Error& e) {
    fail(asked, e.what());
  }
  if (const auto error = answer.find("error"); error != answer.end())
    throw Error(Fault::bad_input,
                "program '" + shown() + "' says at '" + asked + "': " +
                    (error->is_string() ? valid_utf8(error->get<std::string>().substr(0, 2000))
                                        : dump(*error).substr(0, 2000)));
  return answer;
}

// Writes `line` and reads one, whichever the program is ready for, so that neither side waits for the other
// with full pipes.
std::string LineProcess::exchange(const std::string& line, Clock::time_point deadline,
                                  const std::string& asked) {
  read_into(out_, buffer_);
  if (!buffer_.empty()) fail(asked, "had written a line that nobody asked for: " + excerpt(buffer_));
  std::string_view left = line;
  bool more_words = true;
  for (std::size_t searched = 0;;) {
    try {
      if (auto answer = take_answer(buffer_, searched, left.empty(), config_.max_line_bytes)) return std::move(*answer);
    } catch (const Error& e) {
      fail(asked, e.what());
    }
    const auto now = Clock::now();
    if (now >= deadline)
      fail(asked, "gave no answer within " +
                      seconds(asked == "hello" ? config_.start_seconds : config_.timeout_seconds));
    pollfd fds[3] = {{out_.fd, POLLIN, 0},
                     {more_words ? err_.fd : -1, POLLIN, 0},
                     {left.empty() ? -1 : in_.fd, POLLOUT, 0}};
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - now).count() + 1;
    if (poll(fds, 3, static_cast<int>(std::min<std::int64_t>(wait, 60'000))) < 0 && errno != EINTR)
      fail(asked, std::string("can't be waited for: ") + std::strerror(errno));
    if (fds[1].revents != 0) {
      more_words = read_into(err_, words_);
      if (words_.size() > 2 * kept_words) words_.erase(0, words_.size() - kept_words);
    }
    if (fds[0].revents != 0 && !read_into(out_, buffer_)) fail(asked, ending() + " without an answer");
    if (fds[2].revents != 0) write_some(left);
  }
}

bool LineProcess::read_into(Fd& from, std::string& to) {
  char chunk[65536];
  const ssize_t n = ::read(from.fd, chunk, sizeof chunk);
  if (n > 0) to.append(chunk, static_cast<std::size_t>(n));
  return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

void LineProcess::write_some(std::string_view& left) {
  const NoSigpipe guard;
  const ssize_t n = ::write(in_.fd, left.data(), left.size());
  if (n > 0)
    left.remove_prefix(static_cast<std::size_t>(n));
  else if (n < 0 && errno != EAGAIN && errno != EINTR)
    left = {};  // it closed its input: what it still says decides
}

std::string LineProcess::ending() {
  stop(false);
  return ending_of(status_);
}

std::string LineProcess::last_words() {
  while (err_.fd >= 0 && words_.size() < 64 * kept_words) {
    const std::size_t before = words_.size();
    if (!read_into(err_, words_) || words_.size() == before) break;
  }
  if (words_.size() > kept_words) words_.erase(0, words_.size() - kept_words);
  return wire::last_words(words_);
}

void LineProcess::fail(const std::string& asked, const std::string& what) {
  broken_ = what;
  stop(true);
  throw Error(Fault::io, "program '" + shown() + "', asked '" + asked + "', " + what + last_words());
}

void LineProcess::stop(bool at_once) {
  in_.close();
  if (pid_ < 0) return;
  status_ = end_group(pid_, at_once);
  pid_ = -1;
}

}  // namespace hone::wire
