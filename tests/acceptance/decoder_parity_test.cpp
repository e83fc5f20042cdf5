// SmolLM2-135M through room nn and through llama.cpp, on the same weights and tokens. Links libtorch, unlike its neighbours.
#include <gtest/gtest.h>
#include <llama.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

#include "core/folder_test_kit.h"
#include "models/catalogue.h"
#include "models/llama/handle.h"
#include "models/weights/tokenizer.h"
#include "models/weights/writing.h"
#include "nn/decoder.h"
#include "nn/head.h"
#include "nn/tensors.h"

namespace hone {
namespace {

namespace fs = std::filesystem;
constexpr const char* model_name = "smollm2-135m";

#define NEEDS_MODEL() \
  if (!model_status(model_name).present) GTEST_SKIP() << model_name << " is not pulled (hone model pull " << model_name << ")"

using hone::test::Folder;

constexpr const char* texts[] = {
    "The lighthouse keeper climbed the stairs every evening at six, lit the lamp, and wrote one line about the weather into a book that nobody had ever asked to read. In the winter of "
    "1911 the line said only: fog, fog, fog. When the relief boat came in March, the new man found the lamp burning and the book open on a page that was not yet due.",
    "To find the area of a triangle with sides of 13, 14 and 15, first compute half of the perimeter, which is 21. Then multiply 21 by (21 - 13), (21 - 14) and (21 - 15); the square root of "
    "the product, 7056, is 84. The same answer follows from the base of 14 and a height of 12.",
    "def merge(left, right):\n    out = []\n    while left and right:\n        out.append(left.pop(0) if left[0] <= right[0] else right.pop(0))\n    return out + left + right\n\nprint(merge([1, 4, 9], [2, 3, 10]))\n",
    "Photosynthesis is the process by which green plants, algae and some bacteria turn light into chemical energy. Water is split in the chloroplasts, oxygen is released, and carbon dioxide is "
    "built into sugars, which store the energy until the cell needs it.",
};

// All logits of every position, text by text.
using Logits = std::vector<std::vector<float>>;

Logits by_llama(const fs::path& file, const std::vector<std::vector<int>>& ids) {
  llama::start();
  const auto model = llama::load_model(file.string());
  auto params = llama_context_default_params();
  params.n_ctx = params.n_batch = params.n_ubatch = 512;
  params.n_threads = params.n_threads_batch = 2;
  params.type_k = params.type_v = GGML_TYPE_F32;
  params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
  const auto context = llama::make_context(*model, params, file.string());
  const int vocab = llama_vocab_n_tokens(llama_model_get_vocab(model.get()));
  Logits out;
  for (const auto& text : ids) {
    llama_memory_clear(llama_get_memory(context.get()), true);
    std::vector<llama::Item> items;
    for (std::size_t i = 0; i < text.size(); ++i) items.push_back({text[i], static_cast<llama_pos>(i), {0}, true});
    EXPECT_EQ(llama::decode(*context, items), 0);
    for (std::size_t i = 0; i < text.size(); ++i) {
      const float* row = llama_get_logits_ith(context.get(), static_cast<int>(i));
      out.emplace_back(row, row + vocab);
    }
  }
  return out;
}

Logits by_nn(const fs::path& file, const std::vector<std::vector<int>>& ids) {
  const auto weights = open_weights(file);
  nn::Parameters p(weights->arch(), nn::Compute::f32);
  for (const auto& n : p.layout().named) weights->read(n.name, {nn::data<float>(p.master()) + n.at.offset, static_cast<std::size_t>(n.at.count())});
  p.refresh();
  nn::Decoder decoder(p);
  Logits out;
  for (const auto& text : ids) {
    nn::Flat flat;
    flat.append(text);
    std::vector<int> rows(text.size());
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int>(i);
    const at::Tensor logits = nn::Head(p).logits(decoder.forward(flat), rows);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const float* row = nn::data<float>(logits) + static_cast<std::int64_t>(i) * p.arch().vocab;
      out.emplace_back(row, row + p.arch().vocab);
    }
  }
  return out;
}

struct Compared {
  double largest = 0.0, same = 0.0;  // difference of a logit; share of positions with the same top token
};

Compared compare(const Logits& a, const Logits& b) {
  Compared out;
  EXPECT_EQ(a.size(), b.size());
  const auto top = [](const std::vector<float>& row) { return std::max_element(row.begin(), row.end()) - row.begin(); };
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].size(), b[i].size());
    for (std::size_t v = 0; v < a[i].size(); ++v) out.largest = std::max(out.largest, std::abs(static_cast<double>(a[i][v]) - static_cast<double>(b[i][v])));
    out.same += top(a[i]) == top(b[i]) ? 1.0 / static_cast<double>(a.size()) : 0.0;
  }
  return out;
}

std::vector<std::vector<int>> tokens() {
  const auto tokenizer = open_tokenizer(path_of(model_name));
  std::vector<std::vector<int>> out;
  for (const char* text : texts) out.push_back(tokenizer->encode(text, false));
  return out;
}

TEST(DecoderParity, SmolLm2HasTheLogitsOfLlamaCppInSinglePrecision) {
  NEEDS_MODEL();
  const Folder folder;
  const auto weights = open_weights(path_of(model_name));
  write_gguf(folder.path() / "f32.gguf", weights->arch(), source_of(*weights), path_of(model_name));
  const auto ids = tokens();
  const auto found = compare(by_nn(folder.path() / "f32.gguf", ids), by_llama(folder.path() / "f32.gguf", ids));
  std::size_t positions = 0;
  for (const auto& text : ids) positions += text.size();
  std::printf("  F32: %zu positions, largest difference of a logit %.2e, same top token %.1f %%\n", positions, found.largest, 100.0 * found.same);
  EXPECT_GE(positions, 200U);
  EXPECT_LE(found.largest, 1e-3);
  EXPECT_GE(found.same, 0.99);
}

// The model arrives as Q4_1 (token embeddings Q8_0) and is kept as BF16 or Q8_0; llama.cpp rounds activations to 8 or 16 bits with each of
// them. HONE_Q4_1 names the file that arrived; without it one is made in its likeness of the kept one. With Q4_1 the aim was 97 % of
// top tokens too; it is missed (95.5 % on the file that arrived) by llama.cpp's own rounding: its products on the same weights as F32 agree
// with its Q4_1 products no better than ours do.
TEST(DecoderParity, SmolLm2AgreesWithLlamaCppsRoundedProductsOnTheTopToken) {
  NEEDS_MODEL();
  const Folder folder;
  const auto ids = tokens();
  const auto kept = compare(by_nn(path_of(model_name), ids), by_llama(path_of(model_name), ids));
  std::printf("  as kept: largest difference of a logit %.2e, same top token %.1f %%\n", kept.largest, 100.0 * kept.same);
  EXPECT_GE(kept.same, 0.97);
  llama::start();
  fs::path file = folder.path() / "q4_1.gguf";
  if (const char* arrived = std::getenv("HONE_Q4_1")) {
    file = arrived;
  } else {
    auto how = llama_model_quantize_default_params();
    how.ftype = LLAMA_FTYPE_MOSTLY_Q4_1;
    how.allow_requantize = true;
    ASSERT_EQ(llama_model_quantize(path_of(model_name).c_str(), file.c_str(), &how), 0U);
  }
  const auto weights = open_weights(file);
  write_gguf(folder.path() / "f32.gguf", weights->arch(), source_of(*weights), path_of(model_name));
  const auto rounded = by_llama(file, ids);
  const auto ours = compare(by_nn(file, ids), rounded), theirs = compare(by_llama(folder.path() / "f32.gguf", ids), rounded);
  std::printf("  Q4_1: largest difference of a logit %.2e, same top token %.1f %%; llama.cpp's F32 products from its Q4_1: %.2e, %.1f %%\n", ours.largest, 100.0 * ours.same,
              theirs.largest, 100.0 * theirs.same);
  EXPECT_NEAR(ours.same, theirs.same, 1e-6);
  EXPECT_NEAR(ours.largest, theirs.largest, 1e-2);
  EXPECT_GE(ours.same, 0.9);
}

}  // namespace
}  // namespace hone
