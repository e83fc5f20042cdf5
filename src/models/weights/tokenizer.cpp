#include "models/weights/tokenizer.h"

#include <unistd.h>

#include "core/error.h"
#include "models/llama/handle.h"
#include "models/llama/prompt.h"
#include "models/weights/vocabulary.h"
#include "wire/id.h"
#include "wire/json.h"

namespace hone {

namespace {

namespace fs = std::filesystem;

class LlamaTokenizer final : public Tokenizer {
 public:
  explicit LlamaTokenizer(const fs::path& file) : name_(file.string()), model_(llama::load_model(name_, true)), prompter_(*model_) {}

  int size() const override { return llama_vocab_n_tokens(&prompter_.vocab()); }
  SpecialTokens special() const override {
    const llama_vocab* v = &prompter_.vocab();
    return {.begin = llama_vocab_get_add_bos(v) ? llama_vocab_bos(v) : -1, .end = llama_vocab_eos(v), .pad = llama_vocab_pad(v)};
  }
  std::vector<int> encode(std::string_view text, bool control) const override {
    const std::string valid = wire::valid_utf8(text);
    return control ? llama::tokenize(prompter_.vocab(), valid, true) : prompter_.ordinary(valid);
  }
  std::string decode(std::span<const int> ids, bool control) const override {
    std::string out;
    for (const int id : ids) {
      if (id < 0 || id >= size()) throw Error(Fault::bad_input, name_ + ": expected token ids from 0 to " + std::to_string(size() - 1) + ", got " + std::to_string(id));
      out += llama::piece(prompter_.vocab(), id, control);
    }
    return out;
  }
  std::vector<int> chat(std::span<const Message> messages, bool open) const override { return prompter_.prompt(messages, "", open).tokens; }

 private:
  std::string name_;
  llama::ModelPtr model_;
  llama::Prompter prompter_;
};

// A file for as long as llama.cpp reads it.
class Passing {
 public:
  Passing() : path_(fs::temp_directory_path() / ("hone-vocabulary-" + new_id() + ".gguf")) {}
  ~Passing() { unlink(path_.c_str()); }
  Passing(const Passing&) = delete;
  Passing& operator=(const Passing&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

}  // namespace

std::unique_ptr<Tokenizer> open_tokenizer(const fs::path& path) {
  std::error_code code;
  if (!fs::is_directory(path, code)) {
    vocabulary_from_gguf(path);  // checked by us before llama.cpp follows it
    return std::make_unique<LlamaTokenizer>(path);
  }
  const Vocabulary vocabulary = vocabulary_from_folder(path, 0);
  const Passing file;
  write_vocabulary(vocabulary, file.path());
  return std::make_unique<LlamaTokenizer>(file.path());
}

}  // namespace hone
