// Tiny models of each family, with weights that name their place.
#pragma once

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/folder_test_kit.h"
#include "models/weights/train_bpe.h"
#include "models/weights/writing.h"

namespace hone::weights_kit {

using test::Folder;

inline Arch tiny(Family family, bool tied) {
  Arch a;
  a.family = family;
  a.vocab = 259;  // that of byte_vocabulary
  a.width = 64;
  a.layers = 2;
  a.heads = 4;
  a.kv_heads = 2;
  a.head_dim = family == Family::qwen3 ? 32 : 16;
  a.ff = 96;
  a.context = 128;
  a.rope_theta = 20000.0F;
  a.norm_eps = 2e-6F;
  a.tied = tied;
  return a;
}

// A smooth, reproducible, different value for every element; `step` of BF16 so that all types but Q8_0 hold it exactly.
inline float value_of(std::size_t tensor, std::size_t element) {
  const auto x = static_cast<int>((tensor * 7919 + element * 104729) % 255) - 127;
  return static_cast<float>(x) / 1024.0F;
}

inline TensorSource counted(const Arch& arch) {
  return [names = published_tensors(arch)](const PublishedTensor& tensor, std::span<float> out) {
    std::size_t which = 0;
    while (names[which].name != tensor.name) ++which;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = value_of(which, i);
  };
}

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

inline void put_bytes(const std::filesystem::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

template <class Run>
std::string complaint(Run run, Fault expected = Fault::bad_input) {
  try {
    run();
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), expected) << e.what();
    return e.what();
  }
  return "(no error)";
}

}  // namespace hone::weights_kit
