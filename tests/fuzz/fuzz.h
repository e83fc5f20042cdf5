// What the targets share. A target is a door that strangers' bytes come through; whatever comes, it must answer with a value or
// with one Error that is not Fault::internal. Anything else (another exception, a sanitizer's report, an abort, ten seconds of
// silence) is a finding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/error.h"
#include "wire/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace hone::fuzz {

inline std::string text_of(const std::uint8_t* data, std::size_t size) { return {reinterpret_cast<const char*>(data), size}; }

inline void check(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", what);
  std::abort();
}

// Longer messages than this are no longer one clear error.
inline constexpr std::size_t longest_message = 2'000;

// Runs what may refuse its input.
template <class Run>
void refusing(Run run) {
  try {
    run();
  } catch (const Error& e) {
    const std::string_view said = e.what();
    if (e.fault() == Fault::internal || said.empty() || said.size() > longest_message)
      std::fprintf(stderr, "fuzz: said (%s, %zu bytes): %.2000s\n", std::string(to_string(e.fault())).c_str(), said.size(), said.data());
    check(e.fault() != Fault::internal, "bad input is no bug of ours");
    check(!said.empty() && said.size() <= longest_message, "the message is short and says something");
  }
}

// Runs what may not fail any more.
template <class Run>
void must(const char* what, Run run) {
  try {
    run();
  } catch (const Error& e) {
    std::fprintf(stderr, "fuzz: said: %.2000s\n", e.what());
    check(false, what);
  }
}

}  // namespace hone::fuzz
