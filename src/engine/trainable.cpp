#include "engine/trainable.h"

#include <unistd.h>

#include <fstream>

#include "core/error.h"
#include "models/catalogue.h"
#include "models/policy_module.h"
#include "models/weights/new_file.h"
#include "models/weights/tokenizer.h"
#include "models/weights/train_bpe.h"
#include "models/weights/weights.h"
#include "models/weights/writing.h"
#include "wire/sha256.h"

namespace hone {

namespace {

int vocabulary_size(const std::string& text) {
  if (text == "bytes") return 0;
  int n = 0;
  try {
    n = std::stoi(text);
  } catch (const std::exception&) {
  }
  if (n < 260 || std::to_string(n) != text) throw Error(Fault::bad_input, "vocabulary: expected bytes or a number of tokens from 260, got '" + excerpt(text) + "'");
  return n;
}

Arch tiny_arch(const TrainableConfig& c, int vocab) {
  Arch a;
  a.vocab = vocab;
  a.width = c.width;
  a.layers = c.layers;
  a.heads = a.kv_heads = c.heads;
  a.head_dim = c.width / c.heads;
  a.ff = c.ff > 0 ? c.ff : (c.width * 8 / 3 + 31) / 32 * 32;
  a.context = c.context;
  return a;
}

std::filesystem::path place_of(const std::string& spec) {
  if (spec.ends_with(".gguf") || spec.find('/') != std::string::npos) return spec;
  const CatalogueModel* known = find_model(spec);
  if (known == nullptr || known->use != ModelUse::chat) {
    std::vector<std::string> names{"tiny"};
    for (const CatalogueModel& m : model_catalogue())
      if (m.use == ModelUse::chat) names.emplace_back(m.name);
    throw unknown_name("model", spec, names);
  }
  if (!model_status(spec).present) throw Error(Fault::unavailable, "model " + spec + " is not on this machine: run `hone model pull " + spec + "`");
  return path_of(spec);
}

class FileSink final : public Sink {
 public:
  explicit FileSink(NewFile& file) : file_(file) {}
  void write(std::span<const std::byte> bytes) override {
    sha_.update({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    file_.write({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  std::string sha() { return sha_.hex(); }

 private:
  NewFile& file_;
  Sha256 sha_;
};

class FileSource final : public Source {
 public:
  explicit FileSource(const std::filesystem::path& path) : path_(path), in_(path, std::ios::binary) {}
  void read(std::span<std::byte> bytes) override {
    in_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!in_) throw Error(Fault::corrupt, path_.string() + ": ends too early");
  }

 private:
  std::filesystem::path path_;
  std::ifstream in_;
};

}  // namespace

void validate(const TrainableConfig& c) {
  if (c.width % c.heads != 0 || c.width / c.heads % 2 != 0)
    throw Error(Fault::bad_input, "heads: expected a number that divides width (" + std::to_string(c.width) + ") into even parts, got " + std::to_string(c.heads));
  vocabulary_size(c.vocabulary);
}

Trainable::Trainable(const std::string& spec, const TrainableConfig& c, std::uint64_t seed, const std::vector<std::string>& texts) {
  std::unique_ptr<WeightsFile> file;
  std::string sha = "tiny";
  if (spec == "tiny") {
    const int size = vocabulary_size(c.vocabulary);
    const Vocabulary made = size == 0 ? byte_vocabulary() : train_bpe(texts, size);
    vocabulary_ = std::filesystem::temp_directory_path() / ("hone-vocabulary-" + std::to_string(::getpid()) + "-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)) + ".gguf");
    write_vocabulary(made, vocabulary_);
    made_vocabulary_ = true;
    arch_ = tiny_arch(c, static_cast<int>(made.tokens.size()));
  } else {
    vocabulary_ = place_of(spec);
    file = open_weights(vocabulary_);
    arch_ = file->arch();
    arch_.context = std::min(arch_.context, c.context);
    sha = std::filesystem::is_directory(vocabulary_) ? sha256_file(vocabulary_ / "config.json") : sha256_file(vocabulary_);
  }
  tokenizer_ = open_tokenizer(vocabulary_);
  policy_ = open_policy({.arch = arch_, .precision = c.precision, .seed = seed, .end_ids = {tokenizer_->special().end}, .tokenizer = tokenizer_.get(), .threads = c.threads,
                         .batch = c.batch, .fixed_batches = true, .checkpointing = c.checkpointing, .frozen_layers = c.frozen_layers});
  if (file) {
    for (auto& w : policy_->weights()) file->read(w.name, w.values);
    policy_->weights_changed();
  }
  base_ = taken();
  if (!file) sha = "tiny-" + sha256_hex({reinterpret_cast<const char*>(base_.data()), base_.size() * sizeof(float)});
  std::int64_t parameters = static_cast<std::int64_t>(base_.size());
  model_ = std::make_unique<PolicyModel>(*policy_, *tokenizer_, ModelFacts{spec, sha, std::string(to_string(arch_.family)), arch_.context, parameters});
}

Trainable::~Trainable() {
  std::error_code ignored;
  if (made_vocabulary_) std::filesystem::remove(vocabulary_, ignored);
}

std::vector<float> Trainable::taken() const {
  std::vector<float> out;
  for (const auto& w : policy_->weights()) out.insert(out.end(), w.values.begin(), w.values.end());
  return out;
}

void Trainable::put_back(const std::vector<float>& weights) {
  std::size_t at = 0;
  for (auto& w : policy_->weights()) {
    std::copy_n(weights.begin() + static_cast<std::ptrdiff_t>(at), w.values.size(), w.values.begin());
    at += w.values.size();
  }
  policy_->weights_changed();
}

void Trainable::play(bool learned) {
  if (learned == plays_learned_) return;
  if (!learned) learned_ = taken();
  put_back(learned ? learned_ : base_);
  if (learned) learned_ = {};
  plays_learned_ = learned;
}

std::string Trainable::save(const std::filesystem::path& path) const {
  if (!plays_learned_) throw Error(Fault::internal, "trainable: saved while the first weights play");
  NewFile file(path);
  FileSink sink(file);
  policy_->save(sink);
  file.put_in_place();
  return sink.sha();
}

void Trainable::load(const std::filesystem::path& path, const std::string& sha) {
  if (!std::filesystem::exists(path)) throw Error(Fault::not_found, path.string() + ": the weights of this run's last round are not there any more; --fresh starts it anew");
  if (const auto now = sha256_file(path); now != sha) throw Error(Fault::corrupt, path.string() + ": expected SHA-256 " + sha + ", got " + now);
  FileSource source(path);
  policy_->load(source);
  plays_learned_ = true;
  learned_ = {};
}

std::string Trainable::publish(const std::filesystem::path& folder) {
  play(true);
  std::filesystem::create_directories(folder);
  auto weights = policy_->weights();
  const TensorSource source = [&](const PublishedTensor& tensor, std::span<float> out) {
    for (const auto& w : weights)
      if (w.name == tensor.name) {
        std::copy(w.values.begin(), w.values.end(), out.begin());
        return;
      }
    throw Error(Fault::internal, "trainable: no weight is called " + tensor.name);
  };
  const bool is_folder = std::filesystem::is_directory(vocabulary_);
  std::filesystem::remove_all(folder / "safetensors");
  write_safetensors(folder / "safetensors", arch_, source, is_folder ? tokenizer_files(vocabulary_) : tokenizer_files(vocabulary_from_gguf(vocabulary_), arch_.context));
  if (!is_folder) {
    write_gguf(folder / "model.gguf", arch_, source, vocabulary_);
    return sha256_file(folder / "model.gguf");
  }
  const auto vocabulary = folder / "vocabulary.gguf";
  write_vocabulary(vocabulary_from_folder(vocabulary_, arch_.vocab), vocabulary);
  write_gguf(folder / "model.gguf", arch_, source, vocabulary);
  std::filesystem::remove(vocabulary);
  return sha256_file(folder / "model.gguf");
}

}  // namespace hone
