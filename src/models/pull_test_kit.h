// For the tests of pulling: a folder that goes away, an environment that comes back, a hub on this machine.
#pragma once

#include <gtest/gtest.h>
#include <httplib.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "core/error.h"
#include "core/folder_test_kit.h"
#include "models/fetch.h"
#include "wire/sha256.h"

namespace hone {

namespace fs = std::filesystem;

inline std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void write_file(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

using test::Folder;

// A hub with one file. `cut_after` ends the first answer early, as a lost connection does.
class Hub {
 public:
  explicit Hub(std::string content) : content_(std::move(content)) {
    const auto serve = [this](const httplib::Request& request, httplib::Response& response) {
      ++requests;
      if (!announced.empty()) response.set_header("X-Linked-Etag", "\"" + announced + "\"");
      if (request.method == "HEAD") return;
      if (request.has_header("Range")) ranges.insert(request.get_header_value("Range"));
      const std::size_t stop = cut_after.exchange(0);
      response.set_content_provider(content_.size(), "application/octet-stream", [this, stop](std::size_t offset, std::size_t length, httplib::DataSink& sink) {
        if (stop != 0 && offset >= stop) return false;
        const std::size_t n = stop == 0 ? length : std::min(length, stop - offset);
        sink.write(content_.data() + offset, n);
        return true;
      });
    };
    server_.Get("/owner/name/resolve/main/file.bin", serve);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~Hub() {
    server_.stop();
    thread_.join();
  }
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  HubRequest request() const { return {base(), "/owner/name/resolve/main/file.bin", sha256_hex(content_), static_cast<std::int64_t>(content_.size()), 3}; }
  std::string base() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::atomic<std::size_t> cut_after{0};
  std::atomic<int> requests{0};
  std::string announced;
  std::set<std::string> ranges;

 private:
  std::string content_;
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
};

inline std::string some_bytes(std::size_t n) {
  std::string bytes(n, '\0');
  for (std::size_t i = 0; i < n; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

inline Error error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "expected an Error";
  return {Fault::internal, ""};
}

struct Environment {
  Environment(const std::string& variable, const std::string& value) : name(variable) {
    if (const char* old = std::getenv(name.c_str())) before = old;
    setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() {
    if (before) {
      setenv(name.c_str(), before->c_str(), 1);
    } else {
      unsetenv(name.c_str());
    }
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  std::string name;
  std::optional<std::string> before;
};

}  // namespace hone
