#include "wire/child.h"

#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "wire/json.h"

namespace hone::wire {

SpawnSetup::SpawnSetup() {
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
}

SpawnSetup::~SpawnSetup() {
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
}

// The leader is reaped last: until then nobody else can get its number, which is the group's.
int end_group(pid_t pid, bool at_once) {
  using Clock = std::chrono::steady_clock;
  if (!at_once) {
    const auto until = Clock::now() + std::chrono::milliseconds(300);
    siginfo_t info{};
    while (waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0 && Clock::now() < until)
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

std::string ending_of(int status) {
  if (WIFSIGNALED(status)) return "was killed by signal " + std::to_string(WTERMSIG(status));
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

std::string last_words(std::string_view said) {
  while (!said.empty() && (said.back() == '\n' || said.back() == '\r')) said.remove_suffix(1);
  if (said.empty()) return {};
  std::size_t start = said.size();
  for (int lines = 0; lines < 10 && start != std::string_view::npos && start > 0; ++lines) start = said.rfind('\n', start - 1);
  return "; its last words: " + valid_utf8(start == std::string_view::npos || start == 0 ? said : said.substr(start + 1));
}

}  // namespace hone::wire
