// One scope's lessons in memory, of all versions, ready to be searched at any of them. Grows at its end;
// readers and the one who adds may be on different threads.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/recall.h"
#include "store/ranking.h"
#include "store/text_index.h"
#include "store/values.h"

namespace hone::store_detail {

class Hnsw;  // hnswlib over unit vectors

struct IndexKey {
  RecallKey kind = RecallKey::task;
  std::int64_t seq = 0;  // names the row to the text index
  int words = 0;
  std::vector<float> vector;  // empty = none
  std::string embedder;
};

struct RecallInput {
  std::uint64_t version = 0;
  std::vector<float> vector;  // of the query; empty = no dense search
  TextHits text;              // rows by IndexKey::seq; empty = no text search
};

class RecallIndex {
 public:
  // With a store's path and a scope's name, graphs are looked for in files beside it (graph_file.h).
  explicit RecallIndex(int hnsw_from, std::filesystem::path store = {}, std::string scope = {});
  ~RecallIndex();

  // ---- adding; call finish() after a batch
  void add(StoredLesson lesson, const std::vector<IndexKey>& keys);
  void retire(std::string_view id, std::uint64_t version);
  void finish();  // builds or extends HNSW where it pays
  // Whether a graph has grown so much since its file that writing it costs less than growing it again.
  bool graphs_to_write(bool closing) const;
  void write_graphs(bool closing, unsigned mode);

  // ---- asking
  std::vector<Lesson> all(const LessonFilter& filter, std::uint64_t version) const;
  std::vector<Recalled> recall(const RecallQuery& query, const RecallInput& input) const;
  std::set<std::string> embedders() const;  // that made the vectors here
  // Live lessons at `version` whose nearest other one has a cosine above `cosine` under `kind` (equal text,
  // without vectors).
  std::int64_t duplicates(std::uint64_t version, RecallKey kind, double cosine) const;

  // What the owner has read so far; only it uses these.
  std::uint64_t version = 0;
  std::int64_t epoch = 0;

 private:
  struct Item {
    StoredLesson stored;
    LessonForm form = LessonForm::insight;
    int env = 0, kind = 0, learner = 0, task = -1;  // interned; task of a case
    bool solved = false;
  };
  struct Rows {
    std::vector<std::uint32_t> item;
    std::unordered_map<std::int64_t, std::uint32_t> by_seq;  // IndexKey::seq -> row
    std::vector<int> words;
    std::vector<std::uint8_t> has_vector;
    std::vector<float> vectors;  // [rows x dimensions], zero where there is none
    std::size_t with_vector = 0;
    std::unique_ptr<Hnsw> hnsw;
    std::size_t offered = 0;   // to hnsw: rows before this one are in it, if they have a vector
    std::uint64_t points = 0;  // fingerprint of the vectors in it
    std::size_t written = 0;   // points of it that its file has
  };
  struct Found {
    std::vector<Ranked> list;                              // of items
    std::unordered_map<std::uint32_t, std::uint32_t> row;  // item -> the row that matched best
    bool complete = true;                                  // false: asking for more would give more
  };
  class Eligible;

  void read_graph_of(Rows& rows, RecallKey kind);
  static bool worth_writing(const Rows& rows, bool closing);
  int intern(const std::string& text);
  int interned(const std::string& text) const;  // -1 = never seen
  const float* vector(const Rows& rows, std::uint32_t row) const {
    return rows.vectors.data() + std::size_t{row} * dimensions_;
  }
  Found dense_exact(const Rows& rows, const RecallInput& input, const Eligible& eligible,
                    std::size_t n) const;
  // At most `n`, at least `enough` if so many are eligible.
  Found dense_hnsw(const Rows& rows, const RecallInput& input, const Eligible& eligible, std::size_t n,
                   std::size_t enough) const;
  Found by_text(const Rows& rows, const RecallInput& input, const Eligible& eligible, std::size_t n) const;
  std::vector<Ranked> one_per_task(const std::vector<Ranked>& list, const Eligible& eligible,
                                   Found& found, std::size_t most) const;

  int hnsw_from_;
  std::filesystem::path store_;
  std::string scope_;
  std::size_t dimensions_ = 0;  // of every vector here; 0 = none yet
  mutable std::shared_mutex mutex_;
  std::vector<Item> items_;
  std::array<Rows, 5> rows_;  // by RecallKey
  std::unordered_map<std::string, std::uint32_t> by_id_;
  std::unordered_map<std::string, int> names_;
  std::unordered_map<int, std::vector<std::uint32_t>> by_task_;  // cases
  std::set<std::string> embedders_;
};

}  // namespace hone::store_detail
