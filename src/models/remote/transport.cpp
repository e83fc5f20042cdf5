#include "models/remote/transport.h"

#include <httplib.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace hone::remote {
namespace {

using Clock = std::chrono::steady_clock;

std::chrono::milliseconds milliseconds(double seconds) { return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000.0)); }

// Shuts the connection when the whole time is used up, or shortly after a stop. It goes on doing so until the request has ended,
// since there may be no connection yet when the time comes.
class Deadline {
 public:
  Deadline(httplib::Client& client, double seconds)
      : until_(Clock::now() + milliseconds(seconds)), thread_([this, &client](const std::stop_token& over) {
          std::unique_lock hold(mutex_);
          while (!over.stop_requested() && Clock::now() < until_) {
            moved_ = false;
            const auto until = until_;
            changed_.wait_until(hold, over, until, [this] { return moved_; });
          }
          while (!over.stop_requested()) {
            passed_ = true;
            client.stop();
            changed_.wait_for(hold, over, std::chrono::milliseconds(50), [] { return false; });
          }
        }) {}
  void come_within(double seconds) {
    const std::lock_guard hold(mutex_);
    until_ = std::min(until_, Clock::now() + milliseconds(seconds));
    moved_ = true;
    changed_.notify_all();
  }
  bool passed() {
    const std::lock_guard hold(mutex_);
    return passed_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  Clock::time_point until_;
  bool passed_ = false, moved_ = false;
  std::jthread thread_;  // last: stops before what it uses goes
};

}  // namespace

struct Transport::Impl {
  explicit Impl(std::string where, int at_most) : origin(std::move(where)), most(at_most) {}

  std::unique_ptr<httplib::Client> take() {
    std::unique_lock hold(mutex);
    freed.wait(hold, [&] { return busy < most; });
    ++busy;
    if (idle.empty()) return nullptr;
    auto client = std::move(idle.back());
    idle.pop_back();
    return client;
  }
  void give(std::unique_ptr<httplib::Client> client) {
    const std::lock_guard hold(mutex);
    --busy;
    if (client != nullptr) idle.push_back(std::move(client));
    freed.notify_one();
  }

  std::string origin;
  int most, busy = 0;
  std::mutex mutex;
  std::condition_variable freed;
  std::vector<std::unique_ptr<httplib::Client>> idle;
};

Transport::Transport(const std::string& origin, int most) : impl_(std::make_unique<Impl>(origin, most)) {}
Transport::~Transport() = default;

namespace {

struct Exchange {
  HttpAnswer answer;
  bool huge = false;
  httplib::Error error = httplib::Error::Success;
  bool late = false;
};

Exchange exchange(httplib::Client& client, const HttpRequest& request) {
  client.set_keep_alive(true);
  client.set_follow_location(false);
  client.set_tcp_nodelay(true);
  client.set_connection_timeout(milliseconds(std::min({10.0, request.timeout_s, request.stall_s})));
  const double stall = std::min(request.stall_s, request.timeout_s);
  client.set_read_timeout(milliseconds(stall));
  client.set_write_timeout(milliseconds(stall));
  httplib::Request out;
  out.method = request.method;
  out.path = request.path;
  out.body = request.body;
  out.headers = {{"Accept", "application/json, text/event-stream"}};
  if (request.method == "POST") out.headers.emplace("Content-Type", "application/json");
  if (!request.key.empty()) out.headers.emplace("Authorization", "Bearer " + request.key);
  Exchange x;
  out.response_handler = [&x](const httplib::Response& head) {
    x.answer.status = head.status;
    x.answer.type = head.get_header_value("Content-Type");
    x.answer.retry_after = head.get_header_value("Retry-After");
    x.answer.location = head.get_header_value("Location");
    return true;
  };
  out.content_receiver = [&x](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
    if (x.answer.body.size() + size > Transport::most_bytes) {
      x.huge = true;
      return false;
    }
    x.answer.body.append(data, size);
    return true;
  };
  Deadline deadline(client, request.timeout_s);
  const std::stop_callback leave(request.stop, [&] { deadline.come_within(request.patience_s); });
  const auto result = client.send(out);
  x.error = result.error();
  x.late = deadline.passed();
  return x;
}

}  // namespace

HttpAnswer Transport::send(const HttpRequest& request) {
  auto client = impl_->take();
  const auto started = Clock::now();
  Exchange x;
  try {
    if (client == nullptr) client = std::make_unique<httplib::Client>(impl_->origin);
    x = exchange(*client, request);
  } catch (...) {
    impl_->give(nullptr);
    throw;
  }
  const double spent = std::chrono::duration<double>(Clock::now() - started).count();
  x.answer.seconds = spent;
  const bool whole = x.error == httplib::Error::Success && !x.huge && !x.late;
  impl_->give(whole ? std::move(client) : nullptr);
  if (whole) return std::move(x.answer);
  const auto text = [](double seconds) {
    std::string s = std::to_string(seconds);
    return s.substr(0, s.find('.') + 2) + " s";
  };
  if (x.huge) throw Failure{Failure::huge, "the answer is larger than " + std::to_string(most_bytes >> 20) + " MiB"};
  if (x.late) throw Failure{Failure::late, "no whole answer within " + text(request.timeout_s) + " (timeout_s)"};
  if (x.error == httplib::Error::Connection || x.error == httplib::Error::ConnectionTimeout || x.error == httplib::Error::BindIPAddress)
    throw Failure{Failure::connect, "no connection (is the server running, and the address right?)"};
  if (x.error == httplib::Error::SSLServerVerification || x.error == httplib::Error::SSLConnection || x.error == httplib::Error::SSLLoadingCerts)
    throw Failure{Failure::connect, "no secure connection: " + httplib::to_string(x.error)};
  if (spent >= std::min(request.stall_s, request.timeout_s) * 0.99) throw Failure{Failure::stalled, "nothing came for " + text(std::min(request.stall_s, request.timeout_s)) + " (stall_s)"};
  throw Failure{Failure::cut, "the connection was lost before the answer was whole (" + httplib::to_string(x.error) + ")"};
}

}  // namespace hone::remote
