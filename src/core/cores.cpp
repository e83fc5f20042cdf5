#include "core/cores.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>

namespace hone {

namespace {

// Microseconds of time in each period, as one file says it ("200000 100000") or two do; 0 = no limit.
double share(const std::filesystem::path& group) {
  double quota = 0.0, period = 0.0;
  if (std::ifstream both(group / "cpu.max"); both >> quota >> period && quota > 0.0 && period > 0.0) return quota / period;  // "max" is no number
  std::ifstream first(group / "cpu.cfs_quota_us"), second(group / "cpu.cfs_period_us");
  return first >> quota && second >> period && quota > 0.0 && period > 0.0 ? quota / period : 0.0;  // -1: none
}

bool lists(const std::string& controllers, const std::string& name) { return ("," + controllers + ",").find("," + name + ",") != std::string::npos; }

}  // namespace

int core_quota(const std::filesystem::path& root) {
  double least = 0.0;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // ID:CONTROLLERS:/PATH, no controllers in version 2
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (!controllers.empty() && !lists(controllers, "cpu")) continue;
    const auto mount = root / "sys/fs/cgroup" / (controllers.empty() ? "" : "cpu");
    // In a container the path may be that of the host, and nothing there; its own group is then the mount itself.
    for (auto path = std::filesystem::path(line.substr(second + 1)).relative_path();; path = path.parent_path()) {
      if (const double here = share(path.empty() ? mount : mount / path); here > 0.0 && (least == 0.0 || here < least)) least = here;
      if (path.empty()) break;
    }
  }
  return least > 0.0 ? static_cast<int>(std::clamp(least, 1.0, 1e6)) : 0;
}

int usable_cores() {
  static const int cores = [] {
    const int here = static_cast<int>(std::max(1U, std::thread::hardware_concurrency())), quota = core_quota();
    return quota > 0 ? std::min(here, quota) : here;
  }();
  return cores;
}

}  // namespace hone
