#include "models/weights/config.h"

#include <gtest/gtest.h>

#include "models/weights/weights_test_kit.h"

namespace hone {
namespace {

using weights_kit::complaint;

// The facts of SmolLM2-135M as published, in the older form, and as newer releases write the same.
constexpr const char* older = R"({"architectures":["LlamaForCausalLM"],"attention_bias":false,"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":576,
  "intermediate_size":1536,"max_position_embeddings":8192,"mlp_bias":false,"model_type":"llama","num_attention_heads":9,"num_hidden_layers":30,"num_key_value_heads":3,
  "pretraining_tp":1,"rms_norm_eps":1e-05,"rope_interleaved":false,"rope_scaling":null,"rope_theta":100000,"tie_word_embeddings":true,"vocab_size":49152})";

Arch smollm2() {
  Arch a;
  a.vocab = 49152, a.width = 576, a.layers = 30, a.heads = 9, a.kv_heads = 3, a.head_dim = 64, a.ff = 1536, a.context = 8192, a.rope_theta = 100000.0F;
  return a;
}

std::string with(std::string json, const std::string& field) { return json.insert(1, field + ","); }

TEST(Config, ReadsBothFormsOfRotaryPositions) {
  EXPECT_EQ(arch_from_config(older, "c"), smollm2());
  std::string newer = older;
  newer.replace(newer.find("\"rope_scaling\":null,\"rope_theta\":100000"), 39, R"("rope_parameters":{"rope_theta":100000.0,"rope_type":"default"})");
  EXPECT_EQ(arch_from_config(newer, "c"), smollm2());
}

TEST(Config, ComesBackAsItWas) {
  for (const Family family : {Family::llama, Family::qwen2, Family::qwen3})
    for (const bool tied : {false, true}) {
      const Arch arch = weights_kit::tiny(family, tied);
      EXPECT_EQ(arch_from_config(config_from_arch(arch, 1, 2, -1, "float32"), "c"), arch);
    }
}

TEST(Config, RefusesByNameWhatIsNotSupported) {
  const auto said = [](const std::string& field) { return complaint([&] { arch_from_config(with(older, field), "c"); }); };
  std::string kind = older;
  kind.replace(kind.find("\"llama\""), 7, "\"gemma2\"");
  EXPECT_EQ(complaint([&] { arch_from_config(kind, "c"); }), "c: model_type: expected llama, qwen2 or qwen3, got 'gemma2'");
  EXPECT_NE(complaint([&] { arch_from_config(R"({"model_type":"llama"})", "c"); }).find("vocab_size is missing"), std::string::npos);
  std::string scaled = older;
  scaled.replace(scaled.find("\"rope_scaling\":null"), 19, R"("rope_scaling":{"rope_type":"llama3","factor":8.0})");
  EXPECT_EQ(complaint([&] { arch_from_config(scaled, "c"); }), "c.rope_scaling: scaled rotary positions (\"llama3\") are not supported");
  EXPECT_NE(said(R"("use_sliding_window":true)").find("use_sliding_window: only false is supported, got true"), std::string::npos);
  EXPECT_NE(said(R"("quantization_config":{"bits":4})").find("quantization_config: only null is supported"), std::string::npos);
  std::string huge = older;
  huge.replace(huge.find("49152"), 5, "4915200000000");
  EXPECT_NE(complaint([&] { arch_from_config(huge, "c"); }).find("vocab_size"), std::string::npos);
  EXPECT_NE(complaint([&] { arch_from_config("[]", "c"); }), "(no error)");
}

}  // namespace
}  // namespace hone
