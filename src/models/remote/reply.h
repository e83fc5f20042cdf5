// What servers answer, read with care: every field is checked, an error names the field. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/model.h"
#include "wire/json.h"

namespace hone::remote {

struct TokenLog {
  std::string text;
  int id = -1;            // -1: the server doesn't say
  float logp = 0.0F;
  float entropy = 0.0F;   // see entropy_of
};

struct ServerUsage {
  std::int64_t prompt = 0, cached = 0, generated = 0;
};

struct Parsed {
  std::string text;        // valid UTF-8
  std::string arguments;   // of the first tool call, when there is one
  bool called_tool = false;
  std::string finish;      // "stop", "length", ...; empty when not said
  bool stop_word = false;  // the server says that a stop word ended it (vLLM's stop_reason)
  std::optional<std::vector<TokenLog>> logs;
  std::optional<ServerUsage> usage;
};

// A stream of server-sent events (chunks of a chat or completions reply) put together into the JSON of an unstreamed reply.
// Empty when the stream ends before the reply does. Error{bad_input}: malformed, or an error object came.
std::optional<wire::Json> assemble(std::string_view events, const std::string& at);

// An unstreamed reply of /chat/completions or /completions, choice 0. Both shapes of log-probabilities are read: content[] with
// a token each, and the older parallel lists.
Parsed parse_reply(const wire::Json& reply, const std::string& at);
Parsed parse_choice(const wire::Json& choice, const std::string& at);
std::optional<ServerUsage> parse_usage(const wire::Json& reply, const std::string& at);

// The text of {"error": {"message": ...}} in its many dresses; empty when there is none.
std::string error_text(const wire::Json& reply);

// Entropy in nats of a distribution of which only the likeliest outcomes are known: what they leave over counts as one more
// outcome, so this is a lower bound.
float entropy_of(const std::vector<double>& logps);

}  // namespace hone::remote
