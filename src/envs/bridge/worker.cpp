#include "envs/bridge/worker.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "core/error.h"
#include "embedded/bridge_program.h"
#include "wire/child.h"

extern char** environ;

namespace hone::bridge {

namespace {

constexpr std::size_t kept_words = 8192;
constexpr int child_socket = 3, child_memory = 4;  // as worker.py has them

[[noreturn]] void no_more(const char* what) { throw Error(Fault::io, std::string("gymnasium: no ") + what + " to be had: " + std::strerror(errno)); }

// Above the numbers that the child gets, so that giving it one never covers another.
int out_of_the_way(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 16);
  if (copy < 0) no_more("file descriptor");
  return copy;
}

}  // namespace

void Fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

SharedMemory::SharedMemory(std::size_t bytes) : fd_(memfd_create("hone", MFD_CLOEXEC)), bytes_(bytes) {
  if (fd_.get() < 0 || ftruncate(fd_.get(), static_cast<off_t>(bytes)) != 0) no_more("shared memory");
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (at == MAP_FAILED) no_more("shared memory");
  data_ = static_cast<std::byte*>(at);
}

SharedMemory::~SharedMemory() { munmap(data_, bytes_); }

Worker::~Worker() { end(false); }

void Worker::start(const std::vector<std::string>& python, int memory) {
  end(true);
  words_.clear(), ended_.clear();
  int pair[2], pipe[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) no_more("socket");
  socket_.reset(pair[0]);
  const Fd theirs(pair[1]), given(out_of_the_way(pair[1]));
  if (pipe2(pipe, O_CLOEXEC) != 0) no_more("pipe");
  errors_.reset(pipe[0]);
  const Fd their_errors(pipe[1]), said(out_of_the_way(pipe[1])), memory_given(memory < 0 ? -1 : out_of_the_way(memory));
  for (const int fd : {socket_.get(), errors_.get()}) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);

  wire::SpawnSetup setup;
  posix_spawn_file_actions_addopen(&setup.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&setup.actions, said.get(), STDOUT_FILENO);  // what a world prints is kept out of ours
  posix_spawn_file_actions_adddup2(&setup.actions, said.get(), STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&setup.actions, given.get(), child_socket);
  if (memory >= 0) posix_spawn_file_actions_adddup2(&setup.actions, memory_given.get(), child_memory);
  std::vector<std::string> words = python;
  words.push_back("-c");
  words.emplace_back(bridge_program("worker.py"));
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const int failed = posix_spawnp(&pid_, argv[0], &setup.actions, &setup.attributes, argv.data(), environ);
  if (failed == 0) return;
  pid_ = -1;
  throw Error(Fault::not_found, "gymnasium: field 'python': '" + python[0] + "' can't be started: " + std::strerror(failed));
}

bool Worker::hello(const wire::Json& ask, double seconds, wire::Json& facts) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const std::string line = wire::dump(ask) + "\n";
  std::string answer;
  for (std::string_view left = line; answer.empty() || answer.back() != '\n';) {
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count() + 1;
    if (wait <= 0) return end(true, "gave no answer to 'hello' in time"), false;
    pollfd fds[2] = {{socket_.get(), static_cast<short>(left.empty() ? POLLIN : POLLIN | POLLOUT), 0}, {errors_.get(), POLLIN, 0}};
    if (poll(fds, 2, static_cast<int>(std::min<long>(wait, 60'000))) < 0 && errno != EINTR) return end(true), false;
    if (fds[1].revents != 0) listen();
    if ((fds[0].revents & POLLOUT) != 0 && !left.empty()) {
      const ssize_t n = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
      if (n > 0) left.remove_prefix(static_cast<std::size_t>(n));
      else if (errno != EAGAIN && errno != EINTR) return end(false), false;
    }
    if ((fds[0].revents & (POLLIN | POLLHUP)) == 0) continue;
    char chunk[4096];
    const ssize_t n = ::recv(socket_.get(), chunk, sizeof chunk, 0);
    if (n > 0) answer.append(chunk, static_cast<std::size_t>(n));
    else if (n == 0 || (errno != EAGAIN && errno != EINTR)) return end(false), false;
  }
  facts = wire::parse(answer, "the worker's answer");
  return true;
}

bool Worker::send(std::span<const std::int32_t> numbers) {
  const auto bytes = std::as_bytes(numbers);
  return ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size());
}

int Worker::receive(std::span<std::int32_t> numbers) {
  const ssize_t n = ::recv(socket_.get(), numbers.data(), numbers.size_bytes(), 0);
  if (n > 0) return static_cast<int>(n / static_cast<ssize_t>(sizeof(std::int32_t)));
  return n < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
}

void Worker::listen() {
  char chunk[4096];
  for (int i = 0; i < 64 && errors_.get() >= 0; ++i) {
    const ssize_t n = ::read(errors_.get(), chunk, sizeof chunk);
    if (n == 0) errors_.reset();
    if (n <= 0) return;
    words_.append(chunk, static_cast<std::size_t>(n));
    if (words_.size() > 2 * kept_words) words_.erase(0, words_.size() - kept_words);
  }
}

void Worker::hang_up() { socket_.reset(); }

void Worker::end(bool at_once, const std::string& instead) {
  socket_.reset();
  if (pid_ < 0) return;
  const int status = wire::end_group(pid_, at_once);
  pid_ = -1;
  listen();
  errors_.reset();
  ended_ = instead.empty() ? wire::ending_of(status) : instead;
}

std::string Worker::why() const { return ended_ + wire::last_words(words_); }

}  // namespace hone::bridge
