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

Trainable::Trainable(const std::string& spec, const TrainableConfig& c, std::uint64_t seed, const std::vector<std::string>& texts)
    : spec_(spec), lora_{c.lora_rank, c.lora_alpha, c.lora_targets} {
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
                         .batch = c.batch, .fixed_batches = true, .checkpointing = c.checkpointing, .frozen_layers = c.frozen_layers, .lora = lora_});
  if (file) {
    for (auto& w : policy_->weights(WeightSet::all)) file->read(w.name, w.values);
    policy_->weights_changed();
  }
  first_ = taken(WeightSet::trained);
  if (!file) {
    const auto all = taken(WeightSet::all);
    sha = "tiny-" + sha256_hex({reinterpret_cast<const char*>(all.data()), all.size() * sizeof(float)});
  }
  std::int64_t parameters = 0;
  for (const auto& w : policy_->weights(WeightSet::all)) parameters += static_cast<std::int64_t>(w.values.size());
  model_ = std::make_unique<PolicyModel>(*policy_, *tokenizer_, ModelFacts{spec, sha, std::string(to_string(arch_.family)), arch_.context, parameters});
}

Trainable::~Trainable() {
  std::error_code ignored;
  if (made_vocabulary_) std::filesystem::remove(vocabulary_, ignored);
}

std::vector<float> Trainable::taken(WeightSet set) const {
  std::vector<float> out;
  for (const auto& w : policy_->weights(set)) out.insert(out.end(), w.values.begin(), w.values.end());
  return out;
}

void Trainable::put_back(const std::vector<float>& trained) {
  std::size_t at = 0;
  for (auto& w : policy_->weights(WeightSet::trained)) {
    std::copy_n(trained.begin() + static_cast<std::ptrdiff_t>(at), w.values.size(), w.values.begin());
    at += w.values.size();
  }
  policy_->weights_changed();
}

void Trainable::play(Plays what) {
  if (what == Plays::lesson && policy_->weights(WeightSet::average).empty()) what = Plays::training;
  if (what == plays_) return;
  if (plays_ == Plays::training) set_aside_ = taken(WeightSet::trained);
  put_back(what == Plays::first ? first_ : what == Plays::training ? set_aside_ : taken(WeightSet::average));
  if (what == Plays::training) set_aside_ = {};
  plays_ = what;
}

std::string Trainable::save(const std::filesystem::path& path) const {
  if (plays_ != Plays::training) throw Error(Fault::internal, "trainable: saved while other weights play");
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
  plays_ = Plays::training;
  set_aside_ = {};
}

void Trainable::publish_adapter(const std::filesystem::path& folder) {
  const auto weights = policy_->weights(WeightSet::trained);
  std::vector<PublishedTensor> tensors;
  for (const auto& w : weights) tensors.push_back({w.name, {}, w.shape});
  std::size_t next = 0;
  std::filesystem::remove_all(folder);
  write_adapter(folder, {lora_.rank, lora_.alpha, lora_.targets, spec_}, tensors,
                [&](const PublishedTensor&, std::span<float> out) { std::copy(weights[next].values.begin(), weights[next].values.end(), out.begin()), ++next; });
}

std::string Trainable::publish(const std::filesystem::path& folder) {
  play(Plays::lesson);
  std::filesystem::create_directories(folder);
  const TensorSource source = [&](const PublishedTensor& tensor, std::span<float> out) { policy_->read(tensor.name, out); };
  if (lora_.rank > 0) publish_adapter(folder / "adapter");
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
