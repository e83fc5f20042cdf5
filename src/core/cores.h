// How many processors this process may keep busy.
#pragma once

#include <filesystem>

namespace hone {

// Those it may run on, or fewer where its control group (a container with --cpus) is given the time of fewer; at least 1. More
// threads than that would wait for each other while the group is held back. Read once.
int usable_cores();

// What the control groups of /proc/self/cgroup allow, whole processors, at least 1; 0 = no limit. Version 2 (cpu.max) and 1
// (cpu.cfs_quota_us), the group's own limit and those of the groups around it. `root` has proc/ and sys/ below it.
int core_quota(const std::filesystem::path& root = "/");

}  // namespace hone
