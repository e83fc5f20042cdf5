// A language model behind an OpenAI-compatible server.
//
// Messages: "system", "user" and "assistant" go to /chat/completions. All "text" = a plain prompt, their concatenation, for
// /completions; where there is no such endpoint (or api: chat) it is sent as one user message. "text" after the others = the start
// of the assistant's turn: sent as an assistant message at the end, which llama.cpp's server continues and others take as a turn of
// its own. With api: completions, chat messages become a plain prompt too: their contents, a blank line between.
//
// Replies: as the server gives them, repaired to UTF-8 and cut at the first stop word (servers take four; all are applied here).
// StopReason::stop_word is known when the cut was made here or the server says so (vLLM); else a reply that ended is `end`.
// Trace::ids are the server's where it tells them (llama.cpp), else -1 for each token whose log-probability came; Trace::entropy
// is a lower bound from the likeliest 20 (5 on the older endpoint); prompt_ids stay empty. Asked-for log-probabilities that don't
// come are Error{unavailable}. Parameters that a server refuses by name are left out from then on where that is harmless: `seed`
// (then equal seeds may differ), `stream_options`; `max_tokens` becomes `max_completion_tokens`.
//
// JSON schema: `response_format`; where refused or not kept, a forced call of a tool with the schema as its parameters; where that is
// refused, a request in the prompt, the reply checked against the basics of the schema and asked for again, three times in all, with
// what was wrong. A reply cut by max_tokens is returned as it is. Grammar: llama.cpp's server only, else Error{unavailable}.
//
// Choices: by echoed log-probabilities on /completions (vLLM) over the plain prompt, scored to the end of the line; log P as for local
// models. Else one written answer, held to the list by a schema, or found in free text: the choice picked gets log(1 - eps), the
// others log(eps / (n - 1)), eps = 0.05, tokens = 1 each; `prior` stays empty, since such numbers carry no prior to subtract.
//
// Usage: the server's; where it gives none, a token is estimated as four bytes, rounded up. An answer from the disk cache counts the tokens
// it cost, all prompt tokens as cached, in no time; the engine charges no money for that. When a call needs several requests, those
// that went to the server are counted; if none did, all are. What was used for replies that were then refused is told to the thread's
// errand (models/errand.h), since no reply carries it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/model.h"
#include "models/remote/reply.h"
#include "models/remote/server.h"

namespace hone::remote {

// Found out by asking, remembered while the program runs.
struct Ability {
  bool completions = true, echo = true;
  bool schema = true, tools = true;   // response_format, forced tool calls
  bool tokenize = true;
  bool seed = true, stream_options = true, completion_limit = false;  // the last: max_completion_tokens instead of max_tokens
  int top_logprobs = 20;
};

// What /models lists.
struct Listed {
  std::string id;
  int context = 0;
  std::int64_t parameters = 0;
  std::string owner;
};
std::vector<Listed> read_models(const wire::Json& reply, const std::string& at);
// The one that the address names, or the only one there is. Sets what the server tells of it.
Listed choose_model(Server& server);
ModelFacts facts_of(const Server& server, const Listed& listed);

class RemoteModel final : public Model, public ChoiceModel {
 public:
  RemoteModel(const std::string& spec, const RemoteOptions& options);

  const ModelFacts& facts() const override { return facts_; }
  Reply chat(std::span<const Message> messages, const Sampling& sampling) override;
  int count_tokens(std::string_view text) override;
  std::vector<Score> score(std::span<const ChoiceRequest> requests) override;

  Ability ability() const;
  Server& server() { return server_; }

 private:
  friend class Prober;  // asks for each ability by itself (probe.h)
  // One reply from one endpoint; adapts to what the server refuses by name.
  struct Wanted {
    std::string path;
    wire::Json body;
    const Sampling* sampling = nullptr;
    std::size_t prompt_bytes = 0;
  };
  Reply reply_of(const Wanted& wanted);
  Answered ask(Wanted wanted);
  bool adapt(const Refused& refused);
  wire::Json body_for(const Sampling& sampling, bool chat_endpoint) const;
  Reply plain(const std::string& prompt, const Sampling& sampling, const wire::Json& extra = {});
  Reply conversation(std::span<const Message> messages, const Sampling& sampling, const wire::Json& extra = {});
  Reply structured(std::span<const Message> messages, const Sampling& sampling);
  Reply asked_in_prompt(std::span<const Message> messages, const Sampling& sampling, const wire::Json& schema, Usage& spent);
  bool takes_grammar();
  Reply without_grammar(std::span<const Message> messages, Sampling sampling);

  Score score_one(const ChoiceRequest& request);
  std::optional<std::vector<double>> echoed(const std::vector<Message>& messages, const ChoiceRequest& request, Score& score);
  Score written(const ChoiceRequest& request);

  void change(const std::function<void(Ability&)>& how);

  Server server_;
  ModelFacts facts_;
  std::string model_, owner_;  // as the server names them
  mutable std::mutex lock_;  // around what follows
  Ability ability_;
  std::optional<bool> grammar_;
  std::map<std::string, int, std::less<>> counted_;
};

// Tokens where the server doesn't count them: a token is taken to be four bytes, rounded up.
constexpr std::int64_t estimated_tokens(std::size_t bytes) { return static_cast<std::int64_t>((bytes + 3) / 4); }
// Of one answer: what the server says, else the prompt estimated from its bytes and so many tokens `written`; never throws for what it says.
Usage usage_of(const Answered& answered, std::size_t prompt_bytes, std::int64_t written = 0);
// Adds the usage of one request to that of a call; see the header on several requests.
void add_usage(Usage& sum, const Usage& one);
// Messages as a plain prompt.
std::string plain_prompt(std::span<const Message> messages);
bool all_text(std::span<const Message> messages);
// The messages with a request at the end of the last user turn; the start of an assistant's turn, if any, is left out.
std::vector<Message> with_request(std::span<const Message> messages, const std::string& request);
// Error{bad_input} for prompts and sampling that no model takes.
void check_request(std::span<const Message> messages, const Sampling& sampling);

}  // namespace hone::remote
