// Hone's side of bench/peers. Reads commands from standard input, answers each with one line of JSON.
//   peers_hone store DATA FOLDER   lessons in a store: write FROM TO BATCH, count, recall FROM TO K of the questions,
//                                  fresh FROM TO K: write one and recall it
//   peers_hone index DATA FOLDER   the store's index alone, nothing written: write adds, recall asks for K labels
//   peers_hone embed               texts, one a line, to float32 vectors on standard output, with all-minilm-l6-v2
#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <unordered_map>

#include "models/backend.h"
#include "peers_data.h"
#include "store/hnsw.h"
#include "store/store.h"

namespace {

using peers::Clock;
using peers::ms_since;

// What bench/peers/syncs.c counted in this process; -1 when it is not loaded.
long syncs() {
  static const auto ask = reinterpret_cast<long (*)()>(dlsym(RTLD_DEFAULT, "peers_syncs"));
  return ask == nullptr ? -1 : ask();
}

// Vectors are made before: this looks them up by text.
class KnownEmbedder final : public hone::Embedder {
 public:
  explicit KnownEmbedder(const peers::Data& data) : data_(data) {
    for (std::size_t i = 0; i < data.rows; ++i) row_.emplace(data.texts[i], i);
  }
  const hone::ModelFacts& facts() const override { return facts_; }
  int dimensions() const override { return static_cast<int>(data_.dimensions); }
  void embed(std::span<const std::string_view> texts, std::span<float> out) override {
    for (std::size_t i = 0; i < texts.size(); ++i)
      std::copy_n(data_.vector(row_.at(texts[i])), data_.dimensions, out.data() + i * data_.dimensions);
  }

 private:
  const peers::Data& data_;
  std::unordered_map<std::string_view, std::size_t> row_;
  hone::ModelFacts facts_{.name = "known", .artifact_sha = "known", .architecture = "", .context = 0, .parameters = 0};
};

hone::Lesson lesson(const peers::Data& data, std::size_t i) {
  hone::Lesson l;
  l.scope = "peers";
  l.env = "desk";
  l.kind = "route";
  hone::Case c;
  c.task_id = std::to_string(i);
  c.task = data.texts[i];
  c.solved = true;
  l.what = c;
  l.keys = {{hone::RecallKey::task, c.task}};
  return l;
}

class Side {
 public:
  virtual ~Side() = default;
  virtual void open() = 0;  // ready to answer
  virtual void write(std::size_t from, std::size_t to) = 0;
  virtual std::size_t count() = 0;
  virtual std::vector<std::size_t> recall(std::size_t question, std::size_t k) = 0;
};

class StoreSide final : public Side {
 public:
  StoreSide(const peers::Data& data, const std::string& folder)
      : data_(data), embedder_(data), store_(std::filesystem::path(folder) / "store.db") {}
  void open() override {
    lessons_ = store_.snapshot("peers", std::nullopt, &embedder_);
    behind_ = false;
  }
  void write(std::size_t from, std::size_t to) override {
    hone::LessonDelta delta;
    for (auto i = from; i < to; ++i) delta.add.push_back(lesson(data_, i));
    store_.commit({.run = "", .key = "", .delta = std::move(delta), .checkpoint = std::nullopt}, &embedder_);
    behind_ = true;
  }
  std::size_t count() override {
    const auto scopes = store_.scopes();
    return scopes.empty() ? 0 : static_cast<std::size_t>(scopes[0].live);
  }
  std::vector<std::size_t> recall(std::size_t question, std::size_t k) override {
    if (behind_) open();
    hone::RecallQuery query;
    query.text = data_.texts[question];
    query.k = static_cast<int>(k);
    std::vector<std::size_t> ids;
    for (const auto& found : lessons_->recall(query)) ids.push_back(std::stoul(std::get<hone::Case>(found.lesson.what).task_id));
    return ids;
  }

 private:
  const peers::Data& data_;
  KnownEmbedder embedder_;
  hone::Store store_;
  std::unique_ptr<hone::Lessons> lessons_;
  bool behind_ = false;  // written since the snapshot
};

class IndexSide final : public Side {
 public:
  explicit IndexSide(const peers::Data& data) : data_(data), index_(data.dimensions) {}
  void open() override {}
  void write(std::size_t from, std::size_t to) override {
    for (auto i = from; i < to; ++i) index_.add(static_cast<std::uint32_t>(i), data_.vector(i));
  }
  std::size_t count() override { return index_.size(); }
  std::vector<std::size_t> recall(std::size_t question, std::size_t k) override {
    const auto labels = index_.nearest(data_.vector(question), k);
    return {labels.begin(), labels.end()};
  }

 private:
  const peers::Data& data_;
  hone::store_detail::Hnsw index_;
};

void serve(Side& side, const peers::Data& data) {
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string command;
    std::size_t a = 0, b = 0, c = 1;
    words >> command >> a >> b >> c;
    const auto start = Clock::now();
    std::vector<double> ms;
    std::cout << '{';
    if (command == "write") {
      const long before = syncs();
      for (auto i = a; i < b; i += c) {
        const auto one = Clock::now();
        side.write(i, std::min(i + c, b));
        ms.push_back(ms_since(one));
      }
      const double seconds = ms_since(start) / 1000.0;
      std::cout << "\"seconds\":" << seconds << ",\"syncs\":" << (before < 0 ? -1 : syncs() - before) << ',';
      peers::reply_list("ms", ms);
    } else if (command == "recall") {
      std::vector<std::vector<std::size_t>> ids;
      for (auto q = a; q < b; ++q) {
        const auto one = Clock::now();
        ids.push_back(side.recall(data.question(q), c));
        ms.push_back(ms_since(one));
      }
      peers::reply_list("ms", ms);
      std::cout << ',';
      peers::reply_lists("ids", ids);
    } else if (command == "fresh") {
      for (auto i = a; i < b; ++i) {
        const auto one = Clock::now();
        side.write(i, i + 1);
        const auto ids = side.recall(i, c);
        ms.push_back(std::find(ids.begin(), ids.end(), i) != ids.end() ? ms_since(one) : -1.0);
      }
      peers::reply_list("ms", ms);
    } else if (command == "count") {
      std::cout << "\"count\":" << side.count();
    } else {
      std::cout << "\"error\":\"no such command\"";
    }
    std::cout << '}' << std::endl;
  }
}

void embed() {
  const auto embedder = hone::open_embedder("all-minilm-l6-v2", {.deterministic = false});
  const auto width = static_cast<std::size_t>(embedder->dimensions());
  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);) texts.push_back(line);
  constexpr std::size_t batch = 64;
  std::vector<float> out(batch * width);
  for (std::size_t i = 0; i < texts.size(); i += batch) {
    const std::size_t n = std::min(batch, texts.size() - i);
    const std::vector<std::string_view> some(texts.begin() + static_cast<std::ptrdiff_t>(i), texts.begin() + static_cast<std::ptrdiff_t>(i + n));
    embedder->embed(some, std::span(out).first(n * width));
    std::cout.write(reinterpret_cast<const char*>(out.data()), static_cast<std::streamsize>(n * width * sizeof(float)));
  }
  std::cout.flush();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  try {
    if (mode == "embed" && argc == 2) {
      embed();
      return 0;
    }
    if ((mode != "store" && mode != "index") || argc != 4) {
      std::cerr << "usage: peers_hone store|index DATA FOLDER, or peers_hone embed\n";
      return 2;
    }
    const auto data = peers::read_data(argv[2]);
    const auto start = Clock::now();
    std::unique_ptr<Side> side;
    if (mode == "store")
      side = std::make_unique<StoreSide>(data, argv[3]);
    else
      side = std::make_unique<IndexSide>(data);
    side->open();
    std::cout << "{\"seconds\":" << ms_since(start) / 1000.0 << '}' << std::endl;
    serve(*side, data);
  } catch (const std::exception& e) {
    std::cerr << e.what() << '\n';
    return 1;
  }
}
