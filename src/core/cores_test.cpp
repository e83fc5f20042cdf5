#include "core/cores.h"

#include <gtest/gtest.h>

#include <map>

#include "core/folder_test_kit.h"

namespace hone {
namespace {

int quota_of(const std::map<std::string, std::string>& files) {
  const test::Folder root;
  for (const auto& [name, text] : files) root.write(name, text);
  return core_quota(root.path());
}

TEST(Cores, AreAtLeastOne) { EXPECT_GE(usable_cores(), 1); }

TEST(Cores, NoLimitWhereNoneIsSaid) {
  EXPECT_EQ(quota_of({}), 0);
  EXPECT_EQ(quota_of({{"proc/self/cgroup", "0::/\n"}}), 0);
  EXPECT_EQ(quota_of({{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "max 100000\n"}}), 0);
  EXPECT_EQ(quota_of({{"proc/self/cgroup", "1:cpu:/\n0::/\n"}, {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"}, {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}}), 0);
  EXPECT_EQ(quota_of({{"proc/self/cgroup", "nonsense\n\n:\n"}, {"sys/fs/cgroup/cpu.max", "much of it"}}), 0);
}

TEST(Cores, WhatTheGroupMaySpendInWholeProcessors) {
  EXPECT_EQ(quota_of({{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "200000 100000\n"}}), 2);
  EXPECT_EQ(quota_of({{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "50000 100000\n"}}), 1);
  EXPECT_EQ(quota_of({{"proc/self/cgroup", "0::/\n"}, {"sys/fs/cgroup/cpu.max", "250000 100000\n"}}), 2);
  EXPECT_EQ(quota_of({{"proc/self/cgroup", "4:cpu,cpuacct:/\n2:cpuset:/a\n"}, {"sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000\n"}, {"sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"}}), 3);
}

TEST(Cores, TheTightestOfTheGroupsAround) {
  EXPECT_EQ(quota_of({{"proc/self/cgroup", "0::/all/job\n"}, {"sys/fs/cgroup/all/cpu.max", "200000 100000"}, {"sys/fs/cgroup/all/job/cpu.max", "400000 100000"}}), 2);
  EXPECT_EQ(quota_of({{"proc/self/cgroup", "0::/of/the/host\n"}, {"sys/fs/cgroup/cpu.max", "200000 100000"}}), 2);  // a path that is not seen from here
}

}  // namespace
}  // namespace hone
