// Opens a model or an embedder from a spec, the word a recipe writes after "model:" or "embedder:":
//   smollm2-135m            a name of the catalogue (catalogue.h); must have been pulled
//   path/to/file.gguf       a model file of one's own
//   scripted:echo           tests only (scripted.h)
//   http(s)://host[:port][/v1]#MODEL   an OpenAI-compatible server (remote/model.h); without #MODEL the only one it lists
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/model.h"
#include "models/remote/options.h"

namespace hone {

struct ModelOptions {
  int threads = 0;            // for the model's arithmetic; 0 = all cores
  int context = 4096;         // tokens one request may use, prompt and reply together; cut to what the model was trained on
  int parallel = 8;           // sequences decoded together in free mode
  bool deterministic = true;  // see local.h: results independent of what else is asked, at the cost of batching across callers
  bool exact = true;          // attention in single precision: scores don't depend on what shares a batch. Off: up to a
                              // quarter faster on prompts, half the cache memory, scores off by up to 0.5 nats (measured)
  int cache_mb = 512;         // deterministic mode: memory for prompt prefixes kept for later requests
  RemoteOptions remote;       // of servers only
};

template <class V>
void visit(V& v, ModelOptions& o) {
  v.field("threads", o.threads, "threads for the model's arithmetic, 0 = all cores", {.min = 0, .max = 1024});
  v.field("context", o.context, "tokens one request may use, prompt and reply together", {.min = 128, .max = 1048576});
  v.field("parallel", o.parallel, "sequences decoded together when not deterministic", {.min = 1, .max = 64});
  v.field("deterministic", o.deterministic, "same bytes whatever the number of requests in flight (slower than free batching)");
  v.field("exact", o.exact, "attention in single precision (off: faster, choice scores off by up to 0.5 nats)");
  v.field("cache_mb", o.cache_mb, "memory for prompt prefixes kept between requests, in MB", {.min = 0, .max = 1048576});
  visit(v, o.remote);
}

struct OpenModel {
  std::unique_ptr<Model> model;
  ChoiceModel* chooser = nullptr;  // the same object seen as a ChoiceModel; null when the back end can't score choices
};

// One way to reach a model. `handles` looks at the spec only, not at the disk.
struct BackendEntry {
  std::string_view name, summary;
  bool tests_only = false;
  bool (*handles)(std::string_view spec) = nullptr;
  OpenModel (*open)(const std::string& spec, const ModelOptions& options) = nullptr;
  std::unique_ptr<Embedder> (*open_embedder)(const std::string& spec, const ModelOptions& options) = nullptr;
};

// All back ends, in the order they are asked. The list is the table of contents; the last one takes whatever is left.
const std::vector<BackendEntry>& backend_catalog();

// Whether the spec names a server, and whether a setting of ModelOptions leaves what it answers alone (time limits, the key).
bool is_remote(std::string_view spec);
bool only_transport(std::string_view setting);

// Settings that a back end has no use for are passed over, so that `--set model=...` puts a server in the place of a file and the
// reverse in any recipe: `threads` for a server, `timeout_s` for a file.
// Throws Error: usage (no such name: nearest is named; no such file; a name of an embedder given as model or the reverse),
// unavailable (known but not pulled; a server that can't be reached), bad_input (not a model file, truncated).
OpenModel open_model(const std::string& spec, const ModelOptions& options = {});
std::unique_ptr<Embedder> open_embedder(const std::string& spec, const ModelOptions& options = {});

// The file behind a local model or embedder, empty for one without a file.
std::filesystem::path model_file(const std::string& spec);

}  // namespace hone
