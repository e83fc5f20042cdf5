#include "models/backend.h"

#include <filesystem>

#include "core/config.h"
#include "core/error.h"
#include "models/catalogue.h"
#include "models/local.h"
#include "models/remote/embedder.h"
#include "models/remote/model.h"
#include "models/scripted.h"

namespace hone {
namespace {

bool scripted(std::string_view spec) { return spec.starts_with("scripted:"); }

// What looks like a path is a file of one's own, everything else a name of the catalogue.
bool file_like(std::string_view spec) { return spec.ends_with(".gguf") || spec.find('/') != std::string_view::npos; }

LocalFile local_file(const std::string& spec, ModelUse use) {
  if (file_like(spec)) return {spec, std::filesystem::path(spec).stem().string()};
  const CatalogueModel* known = find_model(spec);
  if (known == nullptr) {
    std::vector<std::string> names;
    for (const CatalogueModel& m : model_catalogue())
      if (m.use == use) names.emplace_back(m.name);
    throw unknown_name("model", spec, names);
  }
  if (known->use != use)
    throw Error(Fault::usage, spec + (use == ModelUse::chat ? " is an embedder, expected a language model" : " is a language model, expected an embedder"));
  if (!model_status(spec).present) throw Error(Fault::unavailable, "model " + spec + " is not on this machine: run `hone model pull " + spec + "`");
  return {path_of(spec).string(), spec};
}

// A pulled file must still be what was pulled.
void check_whole(const std::string& spec, const ModelFacts& facts) {
  if (file_like(spec)) return;
  const std::string recorded = model_status(spec).sha256;
  if (recorded != facts.artifact_sha)
    throw Error(Fault::corrupt, path_of(spec).string() + ": expected SHA-256 " + recorded + ", got " + facts.artifact_sha + "; `hone model pull " + spec + " --force` gets it again");
}

OpenModel open_local(const std::string& spec, const ModelOptions& options) {
  auto model = std::make_unique<LocalModel>(local_file(spec, ModelUse::chat), options);
  check_whole(spec, model->facts());
  ChoiceModel* chooser = model.get();
  return {std::move(model), chooser};
}

std::unique_ptr<Embedder> open_local_embedder(const std::string& spec, const ModelOptions& options) {
  auto embedder = std::make_unique<LocalEmbedder>(local_file(spec, ModelUse::embed), options);
  check_whole(spec, embedder->facts());
  return embedder;
}

OpenModel open_scripted_model(const std::string& spec, const ModelOptions&) {
  auto model = open_scripted(spec);
  ChoiceModel* chooser = model.get();
  return {std::move(model), chooser};
}

OpenModel open_remote(const std::string& spec, const ModelOptions& options) {
  auto model = std::make_unique<remote::RemoteModel>(spec, options.remote);
  ChoiceModel* chooser = model.get();
  return {std::move(model), chooser};
}

std::unique_ptr<Embedder> open_remote_embedder(const std::string& spec, const ModelOptions& options) {
  return std::make_unique<remote::RemoteEmbedder>(spec, options.remote);
}

std::unique_ptr<Embedder> open_scripted_vectors(const std::string& spec, const ModelOptions&) { return open_scripted_embedder(spec); }

const BackendEntry& backend_of(const std::string& spec) {
  if (spec.empty()) throw Error(Fault::usage, "model: expected a name, a .gguf file or http(s)://host/v1#MODEL, got nothing");
  for (const BackendEntry& entry : backend_catalog())
    if (entry.handles(spec)) return entry;
  throw Error(Fault::internal, "no back end takes " + spec);
}

}  // namespace

const std::vector<BackendEntry>& backend_catalog() {
  static const std::vector<BackendEntry> catalog{
      {"scripted", "replies from a table or a function", true, scripted, open_scripted_model, open_scripted_vectors},
      {"remote_chat", "OpenAI-compatible servers: http(s)://host[:port][/v1]#MODEL", false, is_remote, open_remote, open_remote_embedder},
      {"local", "GGUF models in this process (llama.cpp): names of the catalogue and files", false,
       [](std::string_view spec) { return !scripted(spec) && !is_remote(spec); }, open_local, open_local_embedder},
  };
  return catalog;
}

std::filesystem::path model_file(const std::string& spec) {
  if (scripted(spec) || is_remote(spec)) return {};
  return file_like(spec) ? std::filesystem::path(spec) : path_of(spec);
}

OpenModel open_model(const std::string& spec, const ModelOptions& options) { return backend_of(spec).open(spec, options); }

std::unique_ptr<Embedder> open_embedder(const std::string& spec, const ModelOptions& options) {
  return backend_of(spec).open_embedder(spec, options);
}

}  // namespace hone
