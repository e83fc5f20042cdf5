// Child processes: how one is started in a process group of its own, ended with its children, and spoken of in an error.
#pragma once

#include <signal.h>
#include <spawn.h>
#include <sys/types.h>

#include <string>
#include <string_view>

namespace hone::wire {

// A group of its own (ctrl-C in the terminal does not reach it), signals as they are by default.
struct SpawnSetup {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  SpawnSetup();
  ~SpawnSetup();
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
};

// Waits a moment for it to end by itself unless `at_once`, kills its whole group, reaps it. The status of waitpid().
int end_group(pid_t pid, bool at_once);

std::string ending_of(int status);  // "ended with status 3", "was killed by signal 9"

// What a program said last, at most ten lines: "; its last words: ...", or nothing.
std::string last_words(std::string_view said);

}  // namespace hone::wire
