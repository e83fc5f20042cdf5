// One server: address, key, retries, cache. Asks for JSON and gets JSON, or one Error that names the URL and never the key.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <string>

#include "core/error.h"
#include "models/remote/address.h"
#include "models/remote/cache.h"
#include "models/remote/options.h"
#include "models/remote/transport.h"
#include "wire/json.h"

namespace hone::remote {

// The server understood and said no (a 4xx, or 501). The fault: bad_input for 400, 413 and 422, else unavailable.
class Refused : public Error {
 public:
  Refused(int status, std::string said, const std::string& message)
      : Error(status == 400 || status == 413 || status == 422 ? Fault::bad_input : Fault::unavailable, message), status_(status), said_(std::move(said)) {}
  int status() const { return status_; }
  const std::string& said() const { return said_; }  // the server's message: printable, bounded, without the key
  bool no_such_endpoint() const { return status_ == 404 || status_ == 405 || status_ == 501; }
  // Its message speaks of the word, in any case.
  bool speaks_of(std::string_view word) const;

 private:
  int status_;
  std::string said_;
};

// Too busy, or failing for now (408, 425, 429, 5xx but 501), after the repeats.
class Busy : public Error {
 public:
  Busy(int status, std::optional<double> asked_s, const std::string& message) : Error(Fault::unavailable, message), status_(status), asked_s_(asked_s) {}
  int status() const { return status_; }
  std::optional<double> asked_s() const { return asked_s_; }  // how long it asks to wait

 private:
  int status_;
  std::optional<double> asked_s_;
};

// No whole answer in time, after the repeats.
class TimedOut : public Error {
 public:
  explicit TimedOut(const std::string& message) : Error(Fault::unavailable, message) {}
};

struct Asked {
  std::string path;         // behind Address::base(): "/chat/completions"; with `at_root` behind the root
  wire::Json body;
  bool at_root = false;
  bool streaming = false;   // body has "stream": true: events are put together
  bool keep = true;         // look in the cache and keep the reply there
  std::string salt;         // see Question
};

struct Answered {
  wire::Json reply;
  double seconds = 0.0;     // of the try that succeeded
  bool from_cache = false;
  bool streamed = false;    // it came as events
};

class Server {
 public:
  Server(Address address, const RemoteOptions& options);

  // Throws Refused, Busy, TimedOut; Error{unavailable} when it can't be reached; Error{bad_input} when what came is no JSON object or an
  // error object; Error{interrupted} when the thread's errand is to stop. A reply that can't be kept is given all the same.
  Answered ask(const Asked& asked);
  // GET, without cache. One try within `seconds` when that is above 0, else as ask().
  wire::Json get(const std::string& path, bool at_root = false, double seconds = 0.0);

  const Address& address() const { return address_; }
  const RemoteOptions& options() const { return options_; }
  bool keyed() const { return !key_.empty(); }
  // Shortens the time of every request from now on. Not while others ask.
  void limit(double seconds);
  std::string url(const std::string& path, bool at_root = false) const { return address_.origin + (at_root ? address_.root() : address_.prefix) + path; }
  // Printable, at most about 300 bytes, the key replaced.
  std::string cleaned(std::string text) const;

 private:
  // The body of a 2xx answer, read by `read`, which throws Failure when it isn't whole.
  Answered send(HttpRequest request, const std::string& url, const std::function<wire::Json(const HttpAnswer&)>& read, int retries);
  // The key replaced wherever it stands: a server that repeats it must not get it into an error, a file or a lesson.
  std::string scrubbed(std::string text) const;
  [[noreturn]] void refuse(const HttpAnswer& answer, const std::string& url) const;
  void wait(double seconds, const std::string& why);
  void keep(const Question& question, const wire::Json& reply);

  Address address_;
  RemoteOptions options_;
  std::string key_;
  Transport transport_;
  ReplyCache cache_;
  bool caching_;
  std::atomic<bool> said_unkept_{false};
  std::atomic<std::int64_t> said_waiting_{0};  // Unix time
};

}  // namespace hone::remote
