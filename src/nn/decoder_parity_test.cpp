// Against transformers' own models, recorded by tests/reference/decoder_logits.py.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "nn/head.h"
#include "nn/textbook_kit.h"

namespace hone::nn {
namespace {

TEST(DecoderParity, LogitsAreThoseOfTransformers) {
  const char* root = std::getenv("HONE_SOURCE_DIR");
  std::ifstream in(std::filesystem::path(root == nullptr ? "." : root) / "tests/reference/decoder_logits.json");
  const auto golden = nlohmann::json::parse(in);
  ASSERT_EQ(golden["models"].size(), 6U);
  for (const auto& model : golden["models"]) {
    Arch arch{.family = Family::llama, .vocab = 37, .width = 32, .layers = 2, .heads = 4, .kv_heads = 2, .head_dim = model["head_dim"].get<int>(), .ff = 48, .context = 256,
              .rope_theta = 1000.0F, .norm_eps = 1e-5F, .tied = model["tied"].get<bool>()};
    for (const Family family : {Family::llama, Family::qwen2, Family::qwen3})
      if (to_string(family) == model["family"].get<std::string>()) arch.family = family;
    Parameters p(arch, Compute::f32);
    nn_test::from_names(p);
    std::vector<std::string> names;
    for (const auto& n : p.layout().named) names.push_back(n.name);
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, model["parameters"].get<std::vector<std::string>>());
    Flat flat;
    flat.append(golden["ids"].get<std::vector<int>>());
    Decoder decoder(p);
    const auto rows = golden["rows"].get<std::vector<int>>();
    const at::Tensor logits = Head(p).logits(decoder.forward(flat), rows);
    double largest = 0.0;
    for (std::size_t r = 0; r < rows.size(); ++r)
      for (int v = 0; v < arch.vocab; ++v) {
        const double expected = model["logits"][r][v].get<double>();
        largest = std::max(largest, std::abs(expected));
        ASSERT_NEAR(data<float>(logits)[r * arch.vocab + v], expected, 2e-5) << model["family"] << " tied " << arch.tied << " row " << rows[r] << " token " << v;
      }
    EXPECT_GT(largest, 1.0);  // not all about zero
  }
}

}  // namespace
}  // namespace hone::nn
