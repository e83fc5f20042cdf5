// chat: what the world shows is the user, what the model says is the action; the whole try is one conversation that only grows at its
// end. Insights follow the first message, solved cases stand before the task as if they had been said. Nothing is parsed: the agent whose tries train weights, since what it reads and says is
// exactly what is trained (a prompt is always the start of the next one). Among choices a reply stands for the choice it names.
#include <algorithm>

#include "agents/recollection.h"
#include "core/agent.h"
#include "wire/one_of.h"

namespace hone {

extern constinit const AgentEntry agent_chat;

namespace {

struct ChatConfig {
  std::string system;
  int cases = 3;
  bool insights = true, history = true, hold = false;
  int max_tokens = 64;
};

template <class V>
void visit(V& v, ChatConfig& c) {
  v.field("system", c.system, "first message; empty = what the world says of its role and its actions");
  v.field("cases", c.cases, "solved cases shown before the task, nearest last", {.min = 0, .max = 1000});
  v.field("insights", c.insights, "insights after the first message");
  v.field("history", c.history, "the whole try so far; off: only what is seen now");
  v.field("hold", c.hold, "among choices: the model can say nothing else (a grammar, or JSON where a server takes none)");
  v.field("max_tokens", c.max_tokens, "most tokens of one action", {.min = 1, .max = 65536});
}

std::string lower(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (!(out.empty() && (c == ' ' || c == '\n'))) out += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  while (!out.empty() && (out.back() == ' ' || out.back() == '\n' || out.back() == '.')) out.pop_back();
  return out;
}

// The choice that a reply names: the very one, else the longest that stands in it, else the one that shares the longest start with it.
int named(const std::vector<std::string>& choices, std::string_view reply) {
  const std::string said = lower(reply);
  std::size_t best = 0;
  std::pair<int, std::size_t> most{-1, 0};
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const std::string choice = lower(choices[i]);
    const auto shared = static_cast<std::size_t>(std::mismatch(choice.begin(), choice.end(), said.begin(), said.end()).first - choice.begin());
    const auto rank = choice == said ? std::pair{2, std::size_t{0}} : said.find(choice) != std::string::npos ? std::pair{1, choice.size()} : std::pair{0, shared};
    if (rank > most) most = rank, best = i;
  }
  return static_cast<int>(best);
}

class ChatAgent final : public Agent {
 public:
  ChatAgent(ChatConfig config, const AgentTools& tools) : config_(std::move(config)), tools_(tools) {}

  void begin(const Brief& brief) override {
    brief_ = brief;
    known_ = Recollection(brief);
    messages_.clear();
    moves_ = 0;
  }

  Move act(const Observation& seen) override {
    known_.start_move();
    if (messages_.empty()) start();
    if (!config_.history) messages_.resize(started_);
    std::string user = seen.text;
    if (moves_ == 0 || !config_.history) user = brief_.task.goal + (brief_.task.goal.empty() || user.empty() ? "" : "\n") + user;
    messages_.push_back({"user", user.empty() ? "?" : user});
    Sampling sampling = brief_.sampling;
    sampling.seed = brief_.rng.split("move").split(moves_).next();
    sampling.max_tokens = config_.max_tokens;
    sampling.logprobs = true;
    if (config_.hold && !seen.choices.empty()) sampling.grammar = wire::one_of_grammar(seen.choices);
    ++moves_;
    Reply reply = tools_.model->chat(messages_, sampling);
    messages_.push_back({"assistant", reply.text});
    Move move;
    move.action = std::move(reply.text);
    move.trace = std::move(reply.trace);
    move.lessons = known_.account();
    if (!seen.choices.empty()) {
      move.choice = named(seen.choices, move.action);
      move.action = seen.choices[static_cast<std::size_t>(move.choice)];
    }
    return move;
  }

 private:
  void start() {
    messages_.push_back({"system", first_message()});
    RecallQuery query;
    query.text = brief_.task.goal;
    query.k = config_.cases;
    query.filter = known_.cases(true);
    auto found = known_.recall(query);
    std::reverse(found.begin(), found.end());
    for (const auto& r : found) {
      const auto* known = std::get_if<Case>(&r.lesson.what);
      if (known == nullptr || known->actions.empty()) continue;
      known_.used(r.lesson.id);
      std::string said;
      for (const auto& action : known->actions) said += (said.empty() ? "" : "\n") + action;
      messages_.push_back({"user", known->task});
      messages_.push_back({"assistant", said});
    }
    started_ = messages_.size();
  }

  // Notes (a reflection that stands in for the first message, an earlier try) replace what the world says of itself.
  std::string first_message() {
    std::string text;
    for (const auto& note : brief_.notes) text += (text.empty() ? "" : "\n") + note;
    if (text.empty()) text = config_.system;
    if (text.empty() && brief_.world != nullptr) text = brief_.world->role + (brief_.world->role.empty() ? "" : "\n") + brief_.world->action_help;
    if (text.empty()) text = "Act.";
    if (config_.insights)
      for (const auto& lesson : known_.insights()) {
        known_.used(lesson.id);
        text += "\n- " + std::get<Insight>(lesson.what).text;
      }
    return text;
  }

  ChatConfig config_;
  AgentTools tools_;
  Brief brief_;
  Recollection known_;
  std::vector<Message> messages_;
  std::size_t started_ = 0;  // messages before the task
  std::uint64_t moves_ = 0;
};

std::unique_ptr<Agent> make_chat(const Settings& settings, const AgentTools& tools) {
  auto config = read_config<ChatConfig>(settings);
  if (tools.model == nullptr) throw Error(Fault::unavailable, "chat: needs a model that writes text");
  return std::make_unique<ChatAgent>(std::move(config), tools);
}

}  // namespace

constinit const AgentEntry agent_chat{
    .name = "chat",
    .summary = "a language model whose replies are its actions; what trains weights",
    .fields = &describe_config<ChatConfig>,
    .make = &make_chat,
    .needs_settings = false,
};

}  // namespace hone
