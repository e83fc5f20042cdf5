// For the tests of servers: one in this process that says what a test wants, and remembers what it was asked.
#pragma once

#include "models/pull_test_kit.h"
#include "models/remote/model.h"

namespace hone::remote {

using wire::Json;

constexpr const char* secret = "sk-very-secret-0123456789";

class FakeServer {
 public:
  using Handler = std::function<void(const httplib::Request&, httplib::Response&)>;

  FakeServer() {
    server_.set_keep_alive_timeout(1);
    const auto serve = [this](const httplib::Request& request, httplib::Response& response) {
      Handler handler;
      {
        const std::lock_guard hold(lock_);
        ++asked_[request.path];
        if (request.get_header_value("Authorization") == std::string("Bearer ") + secret) ++with_key_;
        if (!request.body.empty()) bodies_.push_back(Json::parse(request.body));
        if (const auto it = handlers_.find(request.path); it != handlers_.end()) handler = it->second;
      }
      if (handler) return handler(request, response);
      response.status = 404;
      response.set_content(R"({"error":{"message":"no such endpoint"}})", "application/json");
    };
    server_.Get(".*", serve);
    server_.Post(".*", serve);
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~FakeServer() {
    leaving = true;
    server_.stop();
    thread_.join();
  }
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  void on(const std::string& path, Handler handler) {
    const std::lock_guard hold(lock_);
    handlers_[path] = std::move(handler);
  }
  void says(const std::string& path, const std::string& body, int status = 200) {
    on(path, [body, status](const httplib::Request&, httplib::Response& response) {
      response.status = status;
      response.set_content(body, "application/json");
    });
  }
  void streams(const std::string& path, const std::string& events) {
    on(path, [events](const httplib::Request&, httplib::Response& response) { response.set_content(events, "text/event-stream"); });
  }
  int asked(const std::string& path) {
    const std::lock_guard hold(lock_);
    return asked_[path];
  }
  int with_key() {
    const std::lock_guard hold(lock_);
    return with_key_;
  }
  std::vector<Json> bodies() {
    const std::lock_guard hold(lock_);
    return bodies_;
  }
  // Sleeps, but not past the end of the test.
  void nap(double seconds) const {
    for (double t = 0.0; t < seconds && !leaving; t += 0.02) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  std::string base() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  std::string spec() const { return base() + "#m"; }

  std::atomic<bool> leaving{false};

 private:
  httplib::Server server_;
  int port_ = 0;
  std::thread thread_;
  std::mutex lock_;
  std::map<std::string, Handler> handlers_;
  std::map<std::string, int> asked_;
  std::vector<Json> bodies_;
  int with_key_ = 0;
};

inline const std::string chat_path = "/v1/chat/completions", text_path = "/v1/completions";

// A stream of one reply in two pieces, with usage at the end.
inline std::string chat_events(const std::string& first, const std::string& second, const std::string& finish = "stop") {
  const auto chunk = [](const Json& json) { return "data: " + json.dump() + "\n\n"; };
  return chunk({{"choices", {{{"index", 0}, {"delta", {{"role", "assistant"}, {"content", nullptr}}}, {"finish_reason", nullptr}}}}}) +
         chunk({{"choices", {{{"index", 0}, {"delta", {{"content", first}}}}}}}) + chunk({{"choices", {{{"index", 0}, {"delta", {{"content", second}}}}}}}) +
         chunk({{"choices", {{{"index", 0}, {"delta", Json::object()}, {"finish_reason", finish}}}}}) +
         chunk({{"choices", Json::array()}, {"usage", {{"prompt_tokens", 11}, {"completion_tokens", 2}, {"prompt_tokens_details", {{"cached_tokens", 4}}}}}}) + "data: [DONE]\n\n";
}

inline std::string chat_reply(const std::string& text) {
  return Json{{"choices", {{{"index", 0}, {"message", {{"role", "assistant"}, {"content", text}}}, {"finish_reason", "stop"}}}}, {"usage", {{"prompt_tokens", 11}, {"completion_tokens", 2}}}}.dump();
}

// Fast and without a cache.
inline RemoteOptions quick() {
  RemoteOptions o;
  o.timeout_s = 5.0;
  o.stall_s = 2.0;
  o.retries = 2;
  o.backoff_s = 0.01;
  o.cache = false;
  return o;
}

inline std::vector<Message> hello() { return {{"system", "Be short."}, {"user", "Hello?"}}; }

inline Sampling few(int max_tokens = 16) {
  Sampling s;
  s.max_tokens = max_tokens;
  return s;
}

// Runs the call within `seconds`, whatever it throws; a loose bound, so that a hang is seen as one.
template <class F>
void within(double seconds, F&& call) {
  const auto started = std::chrono::steady_clock::now();
  call();
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count(), seconds);
}

// The call fails; its error names the server and not the key.
inline Error refusal(const FakeServer& server, const std::function<void()>& call) {
  Error e = error_of(call);
  EXPECT_NE(std::string(e.what()).find(server.base().substr(0, server.base().size() - 3)), std::string::npos) << e.what();
  EXPECT_EQ(std::string(e.what()).find(secret), std::string::npos) << e.what();
  EXPECT_LT(std::string(e.what()).size(), 1000U);
  return e;
}

}  // namespace hone::remote
