#include "models/llama/handle.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace hone::llama {
namespace {

std::string refused(std::string_view built_for, std::vector<CpuFeature> features) {
  try {
    check_cpu(built_for, features);
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::unavailable);
    return e.what();
  }
  return "";
}

TEST(CheckCpu, NamesWhatThisCpuLacks) {
  const std::vector<CpuFeature> old{{"avx2", false, false}, {"fma", false, false}, {"avx512f", true, false}};
  const std::vector<CpuFeature> middle{{"avx2", false, true}, {"fma", false, true}, {"avx512f", true, true}, {"avx512_bf16", true, false}};
  EXPECT_EQ(refused("baseline", old), "");
  EXPECT_EQ(refused("avx2", middle), "");
  EXPECT_NE(refused("avx2", old).find("lacks avx2, fma;"), std::string::npos) << refused("avx2", old);
  const std::string why = refused("avx512", middle);
  for (const char* word : {"avx512", "lacks avx512_bf16;", "HONE_CPU", "scripts/setup"}) EXPECT_NE(why.find(word), std::string::npos) << why;
  EXPECT_EQ(refused("avx512", {}), "") << "another architecture";
}

TEST(CheckCpu, ThisBuildRunsHere) { EXPECT_NO_THROW(start()); }

}  // namespace
}  // namespace hone::llama
