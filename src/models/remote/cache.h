// Replies kept on disk by the exact request: one file each, named by the SHA-256 of URL and body. No key is in a name or a
// file. What is there is prompts and replies in the clear, readable by its owner only.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "wire/json.h"

namespace hone::remote {

struct Question {
  std::string url, body;
  std::string salt;  // what decides the answer beside both: a seed that the server doesn't take
};

class ReplyCache {
 public:
  explicit ReplyCache(std::filesystem::path folder) : folder_(std::move(folder)) {}
  // $HONE_CACHE/replies, else ~/.cache/hone/replies; empty when neither is set.
  static std::filesystem::path standard_folder();

  std::filesystem::path path_of(const Question& question) const;
  // Empty when absent, damaged or of another question. Never throws for what is in a file.
  std::optional<wire::Json> find(const Question& question) const;
  // Appears whole or not at all. Error{io} that names the folder when the disk refuses.
  void keep(const Question& question, const wire::Json& reply) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace hone::remote
