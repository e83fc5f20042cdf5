#include "models/remote/server.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "models/errand.h"
#include "models/remote/reply.h"
#include "models/remote/retry.h"

namespace hone::remote {
namespace {

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

std::int64_t unix_now() { return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count(); }

constexpr double worth_saying_s = 3.0;     // of a wait
constexpr std::int64_t say_again_s = 60;   // not each time of a storm

// What the server says in an answer that is no success: its message where it has one, else the start of the text.
std::string said_in(const HttpAnswer& answer) {
  try {
    const wire::Json json = wire::parse(answer.body, "answer");
    if (const std::string said = error_text(json); !said.empty()) return said;
  } catch (const Error&) {
  }
  return answer.body;
}

}  // namespace

bool Refused::speaks_of(std::string_view word) const { return lower(said_).find(word) != std::string::npos; }

Server::Server(Address address, const RemoteOptions& options)
    : address_(std::move(address)), options_(options), key_(find_key(address_, options.key_env)), transport_(address_.origin, options.concurrency),
      cache_(ReplyCache::standard_folder()), caching_(options.cache && !ReplyCache::standard_folder().empty()) {}

std::string Server::scrubbed(std::string text) const {
  constexpr std::size_t secret = 8;  // shorter ones ("none", "EMPTY") guard nothing and are words of replies
  if (key_.size() < secret || text.find(key_) == std::string::npos) return text;
  std::string out;
  for (std::size_t at = 0;;) {
    const std::size_t next = text.find(key_, at);
    out.append(text, at, next == std::string::npos ? next : next - at);
    if (next == std::string::npos) return out;
    out += "[key]";
    at = next + key_.size();
  }
}

std::string Server::cleaned(std::string text) const {
  text = scrubbed(std::move(text));  // first, so that no cut leaves a part of the key
  if (text.size() > 300) text = text.substr(0, 300) + "...";
  text = wire::valid_utf8(text);
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return text;
}

void Server::refuse(const HttpAnswer& answer, const std::string& url) const {
  const std::string status = "HTTP status " + std::to_string(answer.status);
  if (answer.status >= 300 && answer.status < 400)
    throw Refused(answer.status, {}, url + ": " + status + ": it sends elsewhere (" + cleaned(answer.location) + "), which is not followed: give the address itself");
  std::string text = cleaned(said_in(answer));
  std::string message = url + ": " + status + (text.empty() ? "" : ": " + text);
  if (answer.status == 401 || answer.status == 403) {
    if (!key_.empty()) message += " (the key came from " + options_.key_env + ")";
    else if (!address_.secure && !address_.loopback && options_.key_env == RemoteOptions{}.key_env)
      message += " (no key was sent: over plain http to another machine key_env must name the variable)";
    else message += " (no key was sent: " + options_.key_env + " is not set)";
  }
  throw Refused(answer.status, std::move(text), message);
}

Answered Server::send(HttpRequest request, const std::string& url, const std::function<wire::Json(const HttpAnswer&)>& read, int retries) {
  request.key = key_;
  request.stop = Errand::stop();
  request.patience_s = Errand::patience_s();
  const Rng rng(hash64(url + "\n" + request.body));
  for (int attempt = 0;; ++attempt) {
    if (request.stop.stop_requested()) throw Error(Fault::interrupted, "stopped");
    std::string why;
    std::optional<double> asked;
    int status = 0;
    bool late = false;
    try {
      HttpAnswer answer = transport_.send(request);
      answer.body = wire::valid_utf8(scrubbed(std::move(answer.body)));
      if (answer.status >= 200 && answer.status < 300) {
        wire::Json reply = read(answer);
        const std::string text = wire::dump(reply);  // a stream may carry it in pieces
        if (std::string clean = scrubbed(text); clean != text) reply = wire::parse(clean, url);
        return {std::move(reply), answer.seconds, false, answer.type.starts_with("text/event-stream")};
      }
      if (!worth_repeating(answer.status)) refuse(answer, url);
      const std::string said = cleaned(said_in(answer));
      why = "HTTP status " + std::to_string(answer.status) + (said.empty() ? "" : ": " + said);
      status = answer.status;
      asked = retry_after(answer.retry_after, unix_now());
      if (answer.status == 429 && said.find("insufficient_quota") != std::string::npos) throw Busy(status, HUGE_VAL, url + ": " + why);
      if (asked && *asked > longest_wait_s)
        throw Busy(status, asked, url + ": " + why + "; it asks to wait " + std::to_string(static_cast<std::int64_t>(*asked)) + " s, and the longest wait is " +
                                      std::to_string(static_cast<int>(longest_wait_s)) + " s: try again later");
    } catch (const Failure& failure) {
      if (request.stop.stop_requested()) throw Error(Fault::interrupted, "stopped");
      why = failure.why;
      late = failure.kind == Failure::late || failure.kind == Failure::stalled;
      if (failure.kind == Failure::huge) throw Error(Fault::bad_input, url + ": " + why);
    }
    if (attempt >= retries) {
      const std::string message = url + ": " + why + (attempt == 0 ? "" : "; gave up after " + std::to_string(attempt + 1) + " tries");
      if (status != 0) throw Busy(status, asked, message);
      if (late) throw TimedOut(message);
      throw Error(Fault::unavailable, message);
    }
    wait(std::max(asked.value_or(0.0), backoff(options_.backoff_s, attempt, rng)), url + ": " + why);
  }
}

void Server::wait(double seconds, const std::string& why) {
  if (seconds >= worth_saying_s) {
    std::int64_t before = said_waiting_;
    const std::int64_t now = unix_now();
    if (now - before >= say_again_s && said_waiting_.compare_exchange_strong(before, now))
      Errand::tell(Errand::News::wait, why + "; asking again in " + std::to_string(static_cast<std::int64_t>(std::ceil(seconds))) + " s");
  }
  Errand::wait(seconds);
}

// A disk that is full or closed must not cost the answer, which is here and paid for.
void Server::keep(const Question& question, const wire::Json& reply) {
  try {
    cache_.keep(question, reply);
  } catch (const Error& e) {
    if (e.fault() != Fault::io) throw;
    if (!said_unkept_.exchange(true))
      Errand::tell(Errand::News::trouble, std::string(e.what()) + ": replies of " + address_.base() + " are used but not kept, and asked (and paid) for again the next time; free or name a folder with HONE_CACHE, or set cache: false");
  }
}

void Server::limit(double seconds) {
  options_.timeout_s = std::min(options_.timeout_s, seconds);
  options_.stall_s = std::min(options_.stall_s, seconds);
}

Answered Server::ask(const Asked& asked) {
  const std::string at = url(asked.path, asked.at_root);
  const Question question{at, wire::dump(asked.body), asked.salt};
  const bool kept = caching_ && asked.keep;
  if (kept)
    if (auto known = cache_.find(question)) return {std::move(*known), 0.0, true, false};
  HttpRequest request;
  request.path = (asked.at_root ? address_.root() : address_.prefix) + asked.path;
  request.body = question.body;
  request.timeout_s = options_.timeout_s;
  request.stall_s = asked.streaming ? options_.stall_s : options_.timeout_s;  // unstreamed, nothing comes before everything
  const auto read = [&](const HttpAnswer& answer) {  // whether events or one piece come, whatever was asked for
    if (answer.type.starts_with("text/event-stream")) {
      auto whole = assemble(answer.body, at);
      if (!whole) throw Failure{Failure::cut, "the stream of the reply ended before the reply did"};
      return std::move(*whole);
    }
    wire::Json reply = wire::parse(answer.body, at + ": reply");
    if (!reply.is_object()) throw Error(Fault::bad_input, at + ": reply: expected an object, got " + reply.type_name());
    return reply;
  };
  Answered answered;
  try {
    answered = send(request, at, read, options_.retries);
    if (const std::string said = error_text(answered.reply); !said.empty() && !answered.reply.contains("choices"))
      throw Error(Fault::bad_input, at + ": the server says: " + said);
  } catch (const Refused&) {
    throw;
  } catch (const Busy&) {
    throw;
  } catch (const TimedOut&) {
    throw;
  } catch (const Error& e) {  // parse errors quote the reply, which may quote the key
    throw Error(e.fault(), cleaned(e.what()));
  }
  if (kept) keep(question, answered.reply);
  return answered;
}

wire::Json Server::get(const std::string& path, bool at_root, double seconds) {
  const std::string at = url(path, at_root);
  HttpRequest request;
  request.method = "GET";
  request.path = (at_root ? address_.root() : address_.prefix) + path;
  request.timeout_s = seconds > 0.0 ? std::min(seconds, options_.timeout_s) : options_.timeout_s;
  request.stall_s = std::min(options_.stall_s, request.timeout_s);
  return send(request, at, [&](const HttpAnswer& answer) { return wire::parse(answer.body, at + ": reply"); }, seconds > 0.0 ? 0 : options_.retries).reply;
}

}  // namespace hone::remote
