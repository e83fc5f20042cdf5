// Evaluation writes nothing into the store: its episodes go to an append-only JSONL file beside the report, one line each,
// flushed to disk before it counts. A line cut by a kill is dropped at the next opening and its episode is played again.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "core/episode.h"

namespace hone {

class Journal {
 public:
  // Creates the file when absent. Throws Error{io} when it can't be written, Error{corrupt} for a bad line that is not the last.
  explicit Journal(std::string path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  std::optional<Episode> find(const std::string& key) const;
  void append(const Episode& episode);  // under episode.key
  Usage spent() const;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  int fd_ = -1;
  mutable std::mutex mutex_;
  std::map<std::string, Episode> episodes_;
};

}  // namespace hone
