// What a server of models may answer. The first line says what is asked for ("chat logprobs"), then come the answers, "%%" on a line between
// them: status (or how the connection failed), headers, an empty line, a body. The last answer is given to every further request. The real
// client runs on them, everything but the connection itself, which is defined here in the place of models/remote/transport.cpp.
#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "fuzz.h"
#include "models/remote/embedder.h"
#include "models/remote/model.h"
#include "models/remote/probe.h"
#include "models/remote/retry.h"
#include "models/remote/schema.h"

using namespace hone;
using namespace hone::remote;

namespace {

constexpr const char* secret = "sk-fuzz-4711-secret";
constexpr const char* key_env = "HONE_FUZZ_KEY";
constexpr int most_requests = 100;  // of one call: adapting, falling back and asking again come to an end

std::vector<std::string> answers;
std::size_t next_answer = 0;
int requests = 0;

std::vector<std::string> split(const std::string& text, const std::string& mark) {
  std::vector<std::string> out;
  for (std::size_t at = 0;;) {
    const std::size_t end = text.find(mark, at);
    out.push_back(text.substr(at, end == std::string::npos ? end : end - at));
    if (end == std::string::npos) return out;
    at = end + mark.size();
  }
}

HttpAnswer answer_from(const std::string& text) {
  HttpAnswer out;
  const std::size_t blank = text.find("\n\n");
  const auto head = split(text.substr(0, blank), "\n");
  if (blank != std::string::npos) out.body = text.substr(blank + 2);
  constexpr std::pair<const char*, Failure::Kind> failures[] = {
      {"connect", Failure::connect}, {"stalled", Failure::stalled}, {"late", Failure::late}, {"cut", Failure::cut}, {"huge", Failure::huge}};
  for (const auto& [word, kind] : failures)
    if (head[0] == word) throw Failure{kind, word};
  out.status = std::atoi(head[0].substr(0, 3).c_str());
  out.seconds = 0.01;
  for (const auto& [name, field] : {std::pair{"Content-Type: ", &out.type}, {"Retry-After: ", &out.retry_after}, {"Location: ", &out.location}})
    for (const std::string& line : head)
      if (line.starts_with(name)) *field = line.substr(std::string_view(name).size());
  return out;
}

void check_told(const std::string& text, const char* what) {
  fuzz::check(text.find(secret) == std::string::npos, "the key is in nothing that is shown or kept");
  fuzz::check(wire::valid_utf8(text) == text, what);
}

void check_usage(const Usage& usage) {
  fuzz::check(usage.calls == 1 && usage.prompt_tokens >= 0 && usage.cached_tokens >= 0 && usage.cached_tokens <= usage.prompt_tokens && usage.generated_tokens >= 0,
              "usage is counted in whole numbers");
}

void check_reply(const Reply& reply, const Sampling& sampling) {
  check_told(reply.text, "a reply is UTF-8");
  check_usage(reply.usage);
  for (const std::string& word : sampling.stop) fuzz::check(reply.text.find(word) == std::string::npos, "no stop word is left in a reply");
  fuzz::check(reply.trace.logp.size() == reply.trace.ids.size() && reply.trace.entropy.size() == reply.trace.ids.size(), "one number a token");
  fuzz::check(std::all_of(reply.trace.logp.begin(), reply.trace.logp.end(), [](float x) { return x <= 0.0F; }), "log-probabilities are no more than 0");
  fuzz::check(std::all_of(reply.trace.entropy.begin(), reply.trace.entropy.end(), [](float x) { return x >= 0.0F && std::isfinite(x); }), "entropies are finite");
  if (sampling.json_schema.empty() || reply.why == StopReason::length) return;
  fuzz::must("a reply by a schema is JSON that fits", [&] {
    fuzz::check(misfit(wire::parse(reply.text, "reply"), wire::parse(sampling.json_schema, "schema")).empty(), "it fits the schema");
  });
}

void check_scores(RemoteModel& model, bool content_free) {
  ChoiceRequest request{.prompt = {{"user", "Which card?"}}, .lead = "Card:", .choices = {"lost", "found it", "lost card"}, .content_free = {}};
  if (content_free) request.content_free = std::vector<Message>(1, {"user", "N/A"});
  const auto scores = model.score({&request, 1});
  fuzz::check(scores.size() == 1 && scores[0].logp.size() == 3 && scores[0].tokens.size() == 3, "a score for each choice");
  for (const auto* list : {&scores[0].logp, &scores[0].prior})
    fuzz::check(std::all_of(list->begin(), list->end(), [](double x) { return x <= 0.0; }), "scores are log-probabilities");
  check_usage(scores[0].usage);
}

void check_vectors(const RemoteOptions& options) {
  RemoteEmbedder embedder("http://127.0.0.1:1#m", options);
  const std::string_view texts[] = {"one", "", "two"};
  std::vector<float> out(3 * static_cast<std::size_t>(embedder.dimensions()));
  embedder.embed(texts, out);
  for (std::size_t row = 0; row < 3; ++row) {
    double square = 0.0;
    for (std::size_t i = 0; i < out.size() / 3; ++i) square += static_cast<double>(out[row * (out.size() / 3) + i]) * static_cast<double>(out[row * (out.size() / 3) + i]);
    fuzz::check(std::abs(square - 1.0) < 1e-4, "vectors have unit length");
  }
}

void call(const std::string& asked, const std::string& schema) {
  const auto has = [&](const char* word) { return asked.find(word) != std::string::npos; };
  RemoteOptions options{.key_env = key_env, .retries = 0, .concurrency = 1, .cache = false};
  if (has("api chat")) options.api = RemoteApi::chat;
  if (has("api completions")) options.api = RemoteApi::completions;
  if (asked.starts_with("embed")) return check_vectors(options);
  if (asked.starts_with("probe")) {
    for (const Finding& row : probe_server(has("any") ? "http://127.0.0.1:1" : "http://127.0.0.1:1#m", options)) check_told(row.note, "a note is UTF-8");
    return;
  }
  RemoteModel model(has("any") ? "http://127.0.0.1:1" : "http://127.0.0.1:1#m", options);
  fuzz::check(model.facts().context >= 0 && model.facts().parameters >= 0, "sizes are no negative numbers");
  if (asked.starts_with("choices")) return check_scores(model, has("prior"));
  if (asked.starts_with("tokens")) return fuzz::check(model.count_tokens("one two three") >= 0, "tokens are counted in whole numbers");
  Sampling sampling;
  sampling.max_tokens = 16;
  sampling.logprobs = has("logprobs");
  if (has("stop")) sampling.stop = {"END", "\n\n"};
  if (has("grammar")) sampling.grammar = "root ::= \"a\"";
  sampling.json_schema = has("schema") ? schema : "";
  const Message prompt{has("plain") ? "text" : "user", "Hello?"};
  check_reply(model.chat({&prompt, 1}, sampling), sampling);
}

}  // namespace

// The connection: what the input holds instead of what a network brings.
namespace hone::remote {
struct Transport::Impl {};
Transport::Transport(const std::string&, int) : impl_(std::make_unique<Impl>()) {}
Transport::~Transport() = default;
HttpAnswer Transport::send(const HttpRequest& request) {
  fuzz::check(++requests <= most_requests, "a call makes few requests");
  fuzz::check(request.key == secret && request.body.find(secret) == std::string::npos, "the key goes into its header and nowhere else");
  const std::size_t n = std::min(next_answer++, answers.size() - 1);
  return answer_from(answers[n]);
}
}  // namespace hone::remote

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int key = setenv(key_env, secret, 1);
  (void)key;
  const std::string text = fuzz::text_of(data, size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  answers = split(text.substr(std::min(end + 1, text.size())), "\n%%\n");
  next_answer = 0, requests = 0;
  // "schema {...}" in the first line brings its own schema.
  std::string asked = text.substr(0, end), schema = R"({"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]})";
  if (asked.find(secret) != std::string::npos) return 0;  // a caller who sends the key himself
  if (const std::size_t at = asked.find("schema {"); at != std::string::npos) schema = asked.substr(at + 7), asked.resize(at + 6);
  for (const std::string& answer : answers) {
    if (const auto wait = [&]() -> std::optional<double> {
          try {
            return retry_after(answer_from(answer).retry_after, 1'700'000'000);
          } catch (const Failure&) {
            return {};
          }
        }())
      fuzz::check(*wait >= 0.0 && std::isfinite(*wait), "a wait is a time");
  }
  fuzz::refusing([&] {
    try {
      call(asked, schema);
    } catch (const Error& e) {
      const std::string said = e.what();
      check_told(said, "an error is UTF-8");
      fuzz::check(std::none_of(said.begin(), said.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; }), "an error has no control characters");
      throw;
    }
  });
  return 0;
}
