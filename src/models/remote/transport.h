// One HTTP request, one answer, within limits; up to `most` at the same time, over connections that are kept.
// Redirects are not followed: a key goes to the address that was written down and nowhere else.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace hone::remote {

struct HttpRequest {
  std::string method = "POST", path, body, key;
  double timeout_s = 600.0;  // of the whole exchange
  double stall_s = 120.0;    // between two bytes
  std::stop_token stop;      // once it is requested, the exchange has patience_s left
  double patience_s = 0.0;
};

struct HttpAnswer {
  int status = 0;
  std::string body, type, retry_after, location;
  double seconds = 0.0;
};

// Why no whole answer came. All but `huge` may be repeated.
struct Failure {
  enum Kind { connect, stalled, late, cut, huge } kind = connect;
  std::string why;
};

class Transport {
 public:
  static constexpr std::size_t most_bytes = std::size_t{32} << 20;  // of one answer

  Transport(const std::string& origin, int most);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  // Throws Failure. Safe to call from many threads; waits while `most` requests are under way.
  HttpAnswer send(const HttpRequest& request);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace hone::remote
