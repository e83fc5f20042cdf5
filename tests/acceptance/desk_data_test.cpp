// The desk's requests through the embedder that ships: what data/desk/check.py measures with another implementation.
#include <gtest/gtest.h>

#include <numeric>

#include "embedded/desk_data.h"
#include "envs/requests.h"
#include "models/catalogue.h"
#include "models/local.h"

namespace hone {
namespace {

constexpr const char* model_name = "all-minilm-l6-v2";

TEST(DeskData, NoRequestIsAnotherInOtherWordsAndNeighboursTellMostQueuesButNotAll) {
  if (!model_status(model_name).present) GTEST_SKIP() << model_name << " is not pulled (hone model pull " << model_name << ")";
  const auto rows = parse_requests(desk_data("requests.csv"), "requests.csv", {});
  const std::vector<std::string_view> texts = [&] {
    std::vector<std::string_view> views;
    for (const auto& r : rows) views.emplace_back(r.text);
    return views;
  }();
  LocalEmbedder embedder({path_of(model_name).string(), model_name}, {.deterministic = false});
  const auto width = static_cast<std::size_t>(embedder.dimensions());
  std::vector<float> vectors(rows.size() * width);
  embedder.embed(texts, vectors);

  float closest = -1.0F;
  std::string pair;
  int right = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    float best = -1.0F;
    std::size_t nearest = i;
    for (std::size_t k = 0; k < rows.size(); ++k) {
      if (k == i) continue;
      const float cosine = std::inner_product(&vectors[i * width], &vectors[i * width] + width, &vectors[k * width], 0.0F);
      if (cosine > best) best = cosine, nearest = k;
    }
    right += rows[nearest].label == rows[i].label ? 1 : 0;
    if (best > closest) closest = best, pair = rows[i].text + " / " + rows[nearest].text;
  }
  const double accuracy = static_cast<double>(right) / static_cast<double>(rows.size());
  EXPECT_LT(closest, 0.95F) << pair;
  EXPECT_GE(accuracy, 0.60) << "too hard for recall to help";
  EXPECT_LE(accuracy, 0.92) << "so easy that nothing is left to learn";
  RecordProperty("closest", std::to_string(closest));
  RecordProperty("accuracy", std::to_string(accuracy));
  std::printf("closest pair %.4f, leave-one-out accuracy %.4f\n", static_cast<double>(closest), accuracy);
}

}  // namespace
}  // namespace hone
