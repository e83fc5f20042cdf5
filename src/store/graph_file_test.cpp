// A graph kept in a file: as good as one built anew, and never believed when it is not.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "store/fingerprint.h"
#include "store/graph_file.h"
#include "store/hnsw.h"
#include "store/impl.h"
#include "store/test_support.h"
#include "store/upkeep.h"

namespace hone {
namespace {

using namespace store_test;
using namespace store_detail;

constexpr std::size_t kDimensions = 16;

std::vector<std::vector<float>> random_points(std::size_t n, std::uint64_t seed = 1) {
  Rng rng(seed);
  std::vector<std::vector<float>> out(n, std::vector<float>(kDimensions));
  for (auto& point : out) {
    float norm = 0.0F;
    for (auto& x : point) x = static_cast<float>(rng.normal()), norm += x * x;
    for (auto& x : point) x /= std::sqrt(norm);
  }
  return out;
}

std::vector<std::uint32_t> labels_of(std::size_t n) {
  std::vector<std::uint32_t> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<std::uint32_t>(3 * i);
  return out;
}

TEST(Graph, FromItsLinksIsTheSameAndGrowsOnAlike) {
  const auto points = random_points(3000);
  const auto labels = labels_of(points.size());
  Hnsw built(kDimensions);
  for (std::size_t i = 0; i < 2000; ++i) built.add(labels[i], points[i].data());
  const auto links = built.links();
  const auto again = Hnsw::from_links(kDimensions, links, std::span(labels).first(2000),
                                      [&](std::uint32_t label) { return points[label / 3].data(); });
  ASSERT_TRUE(again);
  EXPECT_EQ(again->links(), links);
  for (std::size_t i = 2000; i < 3000; ++i) {
    built.add(labels[i], points[i].data());
    again->add(labels[i], points[i].data());
  }
  EXPECT_EQ(again->links(), built.links());
  for (const auto& question : random_points(50, 2))
    EXPECT_EQ(again->nearest(question.data(), 20), built.nearest(question.data(), 20));
}

TEST(Graph, OfLinksThatAreNoneIsRefusedOrHarmless) {
  const auto points = random_points(300);
  const auto labels = labels_of(points.size());
  const auto vector = [&](std::uint32_t label) { return points[label / 3].data(); };
  Hnsw built(kDimensions);
  for (std::size_t i = 0; i < points.size(); ++i) built.add(labels[i], points[i].data());
  const auto links = built.links();
  const auto refused = [&](const std::vector<std::uint32_t>& words, std::size_t n = 300) {
    return Hnsw::from_links(kDimensions, words, std::span(labels).first(n), vector) == nullptr;
  };
  EXPECT_FALSE(refused(links));
  EXPECT_TRUE(refused(links, 299));
  EXPECT_TRUE(refused(links, 0));
  EXPECT_TRUE(refused({}));
  auto words = links;
  words.pop_back();
  EXPECT_TRUE(refused(words));
  words = links;
  words.push_back(0);
  EXPECT_TRUE(refused(words));
  words = links;
  words[0] = 33;  // more neighbours than a point has
  EXPECT_TRUE(refused(words));
  words = links;
  words[1] = 300;  // no such point
  EXPECT_TRUE(refused(words));
  words = links;
  words[1] = 0;  // itself
  EXPECT_TRUE(refused(words));
  // Upper layers: a neighbour that does not reach so high would be read where nothing lies.
  Rng rng(3);
  int taken = 0;
  for (int i = 0; i < 3000; ++i) {
    words = links;
    for (std::uint64_t n = 1 + rng.below(3); n > 0; --n)
      words[rng.below(words.size())] = static_cast<std::uint32_t>(rng.below(2) == 0 ? rng.below(310) : rng.below(1ULL << 32));
    const auto graph = Hnsw::from_links(kDimensions, words, labels, vector);
    if (!graph) continue;
    ++taken;
    for (const auto label : graph->nearest(points[static_cast<std::size_t>(i) % 300].data(), 40)) ASSERT_EQ(label % 3, 0U);
    graph->add(1, points[0].data());
  }
  EXPECT_GT(taken, 300);
  EXPECT_LT(taken, 2700);
}

TEST(Fingerprint, ChangesWithEveryBitLengthAndOrder) {
  std::vector<std::byte> bytes(77);
  Rng rng(4);
  for (auto& b : bytes) b = static_cast<std::byte>(rng.below(256));
  std::set<std::uint64_t> seen{fingerprint(bytes), fingerprint(bytes, 1)};
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    auto other = bytes;
    other[bit / 8] ^= static_cast<std::byte>(1 << bit % 8);
    seen.insert(fingerprint(other));
    for (std::size_t second = 0; second < bit; second += 31) {
      auto both = other;
      both[second / 8] ^= static_cast<std::byte>(1 << second % 8);
      seen.insert(fingerprint(both));
    }
  }
  std::size_t expected = 2;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) expected += 1 + (bit + 30) / 31;
  EXPECT_EQ(seen.size(), expected);
  EXPECT_NE(fingerprint(std::span(bytes).first(76)), fingerprint(bytes));
  EXPECT_NE(fingerprint(std::span(bytes).first(0)), fingerprint(std::span(bytes).first(0), 1));
}

// A store with lessons enough for a graph, and what it answers.
class KeptGraphs : public testing::Test {
 protected:
  static constexpr int kLessons = 400;
  KeptGraphs() {
    options.hnsw_from = 100;
    Store store(path, options);
    const std::string run = a_run(store, "r");
    secret_try = store.append(an_episode(run, "secret", "zebrafish quartz umbrella"));
    store.commit({"", "", {some(kLessons, "a"), {}}, {}}, &embedder);
  }
  std::vector<Lesson> some(int n, const std::string& salt, const std::string& scope = "s") {
    std::vector<Lesson> out;
    Rng rng(hash64(salt));
    for (int i = 0; i < n; ++i) {
      std::string text;
      for (int w = 0; w < 6; ++w) text += "w" + std::to_string(rng.below(200)) + " ";
      out.push_back(an_insight(scope, text));
      if (i == 7) out.back().evidence = {secret_try};
    }
    return out;
  }
  std::string answers(const Store& store, const std::string& scope = "s") {
    std::string out;
    const auto lessons = store.snapshot(scope, {}, &embedder);
    for (int q = 0; q < 20; ++q) {
      RecallQuery query;
      query.text = "w" + std::to_string(q) + " w" + std::to_string(2 * q + 1);
      for (const auto& r : lessons->recall(query)) out += r.lesson.id + "=" + std::to_string(r.score) + " ";
    }
    return out;
  }
  std::string answers() {
    const Store store(path, options);
    return answers(store);
  }
  std::filesystem::path file() const { return graph_path(path, "s", RecallKey::task); }
  // Whether a whole graph of so many points is in the file.
  bool is_kept(std::size_t points = kLessons) {
    const auto graph = read_graph(file(), static_cast<std::size_t>(embedder.dimensions()), 100000);
    return graph && graph->points == points;
  }
  std::vector<std::string> beside() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path()))
      if (entry.path().filename().string().find(".hnsw-") != std::string::npos) out.push_back(entry.path().filename().string());
    return out;
  }
  void overwrite(const std::string& bytes) const { std::ofstream(file(), std::ios::binary) << bytes; }

  Folder folder;
  const std::filesystem::path path = folder / "s.db";
  StoreOptions options;
  WordEmbedder embedder;
  std::string secret_try;
};

TEST_F(KeptGraphs, AreWrittenOnceAndReadAtTheNextOpening) {
  EXPECT_TRUE(beside().empty()) << "nobody has asked yet";
  const std::string truth = answers();
  ASSERT_TRUE(is_kept());
  // Numbers of rows only: vectors or texts would take more, and be found.
  const std::string bytes = bytes_of(file());
  EXPECT_LT(bytes.size(), 400U * 60 * 4);
  EXPECT_EQ(bytes.find("w1"), std::string::npos);
  // An index beside the store reads it: nothing is left to write, as it would be after building.
  const auto fill = [&](RecallIndex& index) {
    Store store(path, options);
    auto rows = store.impl().db.query("SELECT k.seq, k.words, k.vector FROM lesson_key k ORDER BY k.seq");
    while (rows.step()) {
      StoredLesson stored;
      stored.lesson = an_insight("s", "x");
      stored.lesson.id = rows.text(0);
      index.add(stored, {{RecallKey::task, rows.integer(0), static_cast<int>(rows.integer(1)), as_floats(rows.bytes(2)), "words"}});
    }
    index.finish();
  };
  RecallIndex reading(100, path, "s"), building(100, path, "other");
  fill(reading);
  fill(building);
  EXPECT_FALSE(reading.graphs_to_write(true));
  EXPECT_TRUE(building.graphs_to_write(true));
  const auto written = std::filesystem::last_write_time(file());
  EXPECT_EQ(answers(), truth);
  EXPECT_EQ(std::filesystem::last_write_time(file()), written);
}

TEST_F(KeptGraphs, CatchUpWithWhatCameAfterAndAnswerAsOneBuiltAnew) {
  answers();
  for (int step = 0; step < 4; ++step) {
    Store store(path, options);
    answers(store);
    store.commit({"", "", {some(step == 3 ? 300 : 10, std::to_string(step)), {}}, {}}, &embedder);
    const std::string grown = answers(store);
    Store copy(folder / ("copy" + std::to_string(step)).c_str(), options);
    merge(copy, path);  // the same lessons beside no graph
    EXPECT_EQ(answers(copy), grown) << step;
  }
  EXPECT_TRUE(is_kept(730)) << "closing leaves it whole";
}

TEST_F(KeptGraphs, AreBuiltAnewWhenDamagedAndTheFileWithThem) {
  const std::string truth = answers();
  const std::string good = bytes_of(file());
  Rng rng(9);
  std::vector<std::string> bad{"", "HONEHNSW", good.substr(0, 56), good.substr(0, good.size() - 1), good + "x", std::string(good.size(), '\0'),
                               std::string(5000, '\xFF')};
  for (int i = 0; i < 60; ++i) {
    bad.push_back(good);
    const std::size_t at = i < 56 ? static_cast<std::size_t>(i) : rng.below(good.size());
    bad.back()[at] = static_cast<char>(bad.back()[at] ^ (1 << rng.below(8)));
  }
  bad.push_back(good);
  const std::uint64_t many = 1ULL << 61;
  std::memcpy(bad.back().data() + 24, &many, sizeof many);
  std::memcpy(bad.back().data() + 40, &many, sizeof many);
  for (std::size_t i = 0; i < bad.size(); ++i) {
    overwrite(bad[i]);
    ASSERT_FALSE(is_kept()) << i;
    ASSERT_EQ(answers(), truth) << i;
    ASSERT_EQ(bytes_of(file()), good) << i;
  }
}

TEST_F(KeptGraphs, WithAForgedCheckHarmNobody) {
  const std::string truth = answers();
  auto graph = *read_graph(file(), 32, 1000);
  Rng rng(10);
  for (int i = 0; i < 200; ++i) {
    auto forged = graph;
    for (int n = 0; n < 5; ++n)
      forged.links[rng.below(forged.links.size())] = static_cast<std::uint32_t>(rng.below(i % 2 == 0 ? 400 : 1ULL << 32));
    ASSERT_TRUE(write_graph(file(), 32, forged, 0600));
    ASSERT_EQ(answers().empty(), truth.empty());
  }
  graph.vectors ^= 1;
  ASSERT_TRUE(write_graph(file(), 32, graph, 0600));
  EXPECT_EQ(answers(), truth);  // of other vectors: built anew
}

TEST_F(KeptGraphs, OfOtherVectorsAreNotBelieved) {
  answers();
  const std::string before = bytes_of(file());
  WordEmbedder other(32, "others");
  {
    Store store(path, options);
    auto rows = store.impl().db.query("SELECT 1");
    rows.run();
    // The same words, but every direction turned.
    class Turned final : public Embedder {
     public:
      explicit Turned(WordEmbedder& words) : words_(words) {}
      const ModelFacts& facts() const override { return words_.facts(); }
      int dimensions() const override { return words_.dimensions(); }
      void embed(std::span<const std::string_view> texts, std::span<float> out) override {
        words_.embed(texts, out);
        for (std::size_t i = 0; i + 1 < out.size(); i += 2) std::swap(out[i], out[i + 1]);
        for (std::size_t i = 0; i < out.size(); i += 3) out[i] = -out[i];
      }

     private:
      WordEmbedder& words_;
    } turned(other);
    EXPECT_EQ(store.embed_missing("s", turned), kLessons);
    RecallQuery query;
    query.text = "w1 w2";
    const auto lessons = store.snapshot("s", {}, &turned);
    StoreOptions exact;
    exact.hnsw_from = 1 << 30;
    Store truth(path, exact);
    const auto expected = truth.snapshot("s", {}, &turned)->recall(query);
    const auto got = lessons->recall(query);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i].lesson.id, expected[i].lesson.id);
  }
  EXPECT_TRUE(is_kept());
  EXPECT_NE(bytes_of(file()), before);
}

TEST_F(KeptGraphs, GoWithAnErasureWhoeverHoldsThem) {
  Store other(path, options);  // another process, as good as: its own connection and its own index
  Store store(path, options);
  store.commit({"", "", {some(kLessons, "b", "untouched"), {}}, {}}, &embedder);
  answers(other);
  answers(store);
  answers(store, "untouched");
  std::ofstream(file().string() + ".new") << "left by one that was killed";
  ASSERT_EQ(beside().size(), 3U);
  EXPECT_EQ(erase_episode(store, secret_try).lessons.size(), 2U);
  EXPECT_TRUE(beside().empty());
  answers(store);
  EXPECT_TRUE(is_kept(kLessons - 1));
  // One that still holds the graph of before: whatever it writes at its end does not stay.
  erase_episode(store, store.append(an_episode("r", "next", "nobody rests on it")));
  remove_graphs(path, "s");
  { const Store closing = std::move(other); }
  EXPECT_TRUE(beside().empty());
  EXPECT_EQ(answers(store), answers());
}

TEST_F(KeptGraphs, GoWithTheirRun) {
  Store store(path, options);
  store.commit({"r", "k", {some(kLessons, "c", "r"), {}}, {}}, &embedder);
  answers(store, "r");
  EXPECT_EQ(beside().size(), 1U);
  store.remove_run("r", true);
  EXPECT_TRUE(beside().empty());
}

TEST_F(KeptGraphs, AreDoneWithoutWhereNothingCanBeWritten) {
  const std::string truth = answers();
  std::filesystem::remove(file());
  // No room: a limit on the size of files stands in for a full disk.
  const pid_t pid = fork();
  if (pid == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const rlimit small{4096, 4096};
    StoreOptions reading = options;
    bool good = false;
    try {
      Store store(path, reading);
      good = setrlimit(RLIMIT_FSIZE, &small) == 0 && answers(store) == truth;
    } catch (const Error&) {
    }
    _exit(good ? 0 : 1);
  }
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE(beside().empty());
  // What is no file of ours is neither waited for nor followed.
  const auto part = file().string() + ".new";
  ASSERT_EQ(mkfifo(part.c_str(), 0600), 0);
  ASSERT_EQ(mkfifo(file().c_str(), 0600), 0);
  EXPECT_EQ(answers(), truth);
  std::filesystem::remove(part);
  std::filesystem::remove(file());
  std::ofstream(folder / "precious") << "data";
  std::filesystem::create_symlink(folder / "precious", part);
  EXPECT_EQ(answers(), truth);
  EXPECT_EQ(bytes_of(folder / "precious"), "data");
  std::filesystem::remove(part);
  std::filesystem::create_directory(file());
  EXPECT_EQ(answers(), truth);
  EXPECT_FALSE(std::filesystem::exists(part));
  std::filesystem::remove(file());
  // Read-only: read, never written.
  StoreOptions reading = options;
  reading.read_only = true;
  {
    const Store store(path, reading);
    EXPECT_EQ(answers(store), truth);
  }
  EXPECT_TRUE(beside().empty());
  // Left by one that was killed while writing: overwritten.
  std::ofstream(part) << std::string(100000, 'x');
  EXPECT_EQ(answers(), truth);
  EXPECT_TRUE(is_kept());
  EXPECT_EQ(beside().size(), 1U);
}

}  // namespace
}  // namespace hone
