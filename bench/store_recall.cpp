// Durable append and recall at 1k, 10k, 100k lessons: p50 and p99 latency, recall@10 of the index against exact search, bytes on disk.
// Vectors are planted (unit length, 384 dimensions, 64 clusters), so no model is measured. Usage: store_recall [lessons ...]
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <set>
#include <string>

#include "core/rng.h"
#include "store/store.h"

namespace {

using Clock = std::chrono::steady_clock;
using hone::Rng;

constexpr int kDimensions = 384, kQueries = 200;

// A text is its own seed: "<cluster> <number>".
class PlantedEmbedder final : public hone::Embedder {
 public:
  const hone::ModelFacts& facts() const override { return facts_; }
  int dimensions() const override { return kDimensions; }
  void embed(std::span<const std::string_view> texts, std::span<float> out) override {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::string text(texts[i]);
      Rng centre(hone::hash64(text.substr(0, text.find(' ')))), own(hone::hash64(text));
      double norm = 0.0;
      float* row = out.data() + i * kDimensions;
      for (int d = 0; d < kDimensions; ++d) {
        row[d] = static_cast<float>(centre.normal() + 0.8 * own.normal());
        norm += static_cast<double>(row[d]) * static_cast<double>(row[d]);
      }
      for (int d = 0; d < kDimensions; ++d) row[d] /= static_cast<float>(std::sqrt(norm));
    }
  }

 private:
  hone::ModelFacts facts_{.name = "planted", .artifact_sha = "planted", .architecture = "", .context = 0, .parameters = 0};
};

std::string text_of(std::uint64_t i) { return std::to_string(hone::mix64(i) % 64) + " request number " + std::to_string(i); }

double percentile(std::vector<double> ms, double q) {
  std::sort(ms.begin(), ms.end());
  return ms[static_cast<std::size_t>(q * static_cast<double>(ms.size() - 1))];
}

hone::Lesson lesson(std::uint64_t i) {
  hone::Lesson l;
  l.scope = "bench";
  l.env = "desk";
  l.kind = "route";
  hone::Case c;
  c.task_id = std::to_string(i);
  c.task = text_of(i);
  c.actions = {"queue"};
  c.solved = true;
  l.what = c;
  l.keys = {{hone::RecallKey::task, c.task}};
  return l;
}

void measure(std::uint64_t n, const std::filesystem::path& folder) {
  PlantedEmbedder embedder;
  const auto file = folder / (std::to_string(n) + ".db");
  hone::Store store(file);
  std::vector<double> append;
  for (std::uint64_t i = 0; i < n;) {
    // The last 200 go in one by one: that is what an append costs at this size. The rest in bulk.
    const std::uint64_t count = i + 200 >= n ? 1 : std::min<std::uint64_t>(2000, n - 200 - i);
    hone::LessonDelta delta;
    for (std::uint64_t j = 0; j < count; ++j) delta.add.push_back(lesson(i + j));
    const auto start = Clock::now();
    store.commit({.run = "", .key = "", .delta = std::move(delta), .checkpoint = std::nullopt}, &embedder);
    if (count == 1) append.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
    i += count;
  }
  auto ask = [&](const hone::Store& from, std::vector<double>* times) {
    const auto lessons = from.snapshot("bench", std::nullopt, &embedder);
    std::vector<std::set<std::string>> answers;
    for (int q = 0; q < kQueries; ++q) {
      hone::RecallQuery query;
      query.text = text_of(1000000000ULL + static_cast<std::uint64_t>(q));
      query.k = 10;
      query.filter.form = hone::LessonForm::example;
      const auto start = Clock::now();
      const auto found = lessons->recall(query);
      if (times != nullptr && q > 0) times->push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
      std::set<std::string> ids;
      for (const auto& r : found) ids.insert(r.lesson.id);
      answers.push_back(std::move(ids));
    }
    return answers;
  };
  std::vector<double> recall;
  const auto got = ask(store, &recall);
  const hone::Store exact(file, {.create = false, .read_only = true, .hnsw_from = 1 << 30});
  const auto truth = ask(exact, nullptr);
  double hits = 0.0, all = 0.0;
  for (std::size_t q = 0; q < got.size(); ++q)
    for (const auto& id : truth[q]) hits += got[q].count(id) != 0, all += 1.0;
  std::printf("%8llu lessons  append p50 %6.2f ms p99 %6.2f ms   recall p50 %6.2f ms p99 %6.2f ms   recall@10 %.3f   %6.1f MB\n", static_cast<unsigned long long>(n),
              percentile(append, 0.5), percentile(append, 0.99), percentile(recall, 0.5), percentile(recall, 0.99), all > 0 ? hits / all : 0.0,
              static_cast<double>(std::filesystem::file_size(file)) / 1e6);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const auto folder = std::filesystem::temp_directory_path() / ("hone_bench_" + std::to_string(Clock::now().time_since_epoch().count()));
  std::filesystem::create_directories(folder);
  std::vector<std::uint64_t> sizes;
  for (int i = 1; i < argc; ++i) sizes.push_back(std::stoull(argv[i]));
  if (sizes.empty()) sizes = {1000, 10000, 100000};
  for (const auto n : sizes) measure(n, folder);
  std::filesystem::remove_all(folder);
}
