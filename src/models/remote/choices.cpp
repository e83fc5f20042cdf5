// Choosing among a list through a server: by echoed log-probabilities where it gives them, else by what it writes.
#include <algorithm>
#include <cmath>
#include <set>

#include "models/errand.h"
#include "models/remote/model.h"
#include "models/remote/schema.h"
#include "wire/read.h"

namespace hone::remote {
namespace {

using wire::Json;

constexpr double doubt = 0.05;  // shared by the choices that were not picked

void check_choices(const ChoiceRequest& request) {
  if (request.choices.empty()) throw Error(Fault::bad_input, "choices: expected at least one, got none");
  std::set<std::string_view> seen;
  for (const std::string& c : request.choices) {
    if (c.empty()) throw Error(Fault::bad_input, "choices: expected text, got an empty one");
    if (!seen.insert(c).second) throw Error(Fault::bad_input, "choices: expected distinct ones, got \"" + c + "\" twice");
  }
}

// What stands between the text before and a choice: one blank, as for local models.
bool needs_blank(const std::string& before) { return !before.empty() && std::string_view("\n ([{\"'").find(before.back()) == std::string_view::npos; }

std::string normal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    const bool word = u >= 0x80 || (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z');
    if (word) out += static_cast<char>(u >= 'A' && u <= 'Z' ? u + 32 : u);
    else if (!out.empty() && out.back() != ' ') out += ' ';
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

// The choice that a free answer names: the same words; else the one longest choice among those it contains. -1: none or unclear.
int named_in(const std::string& answer, const std::vector<std::string>& choices) {
  const std::string said = " " + normal(answer) + " ";
  int best = -1;
  std::size_t length = 0;
  bool unclear = false;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (answer == choices[i]) return static_cast<int>(i);
    const std::string words = normal(choices[i]);
    if (words.empty() || said.find(" " + words + " ") == std::string::npos) continue;
    if (said.size() == words.size() + 2) return static_cast<int>(i);
    // "card lost" contains "card": the longer wins. Two apart from each other leave it open.
    if (best >= 0 && words.find(normal(choices[static_cast<std::size_t>(best)])) == std::string::npos &&
        normal(choices[static_cast<std::size_t>(best)]).find(words) == std::string::npos)
      unclear = true;
    if (words.size() > length) best = static_cast<int>(i), length = words.size();
  }
  return unclear ? -1 : best;
}

// vLLM and OpenAI write a token that is no UTF-8 by itself as "bytes:\xe2\x82".
std::string token_bytes(const std::string& token) {
  if (!token.starts_with("bytes:")) return token;
  std::string out;
  for (std::size_t i = 6; i + 3 < token.size() && token[i] == '\\' && token[i + 1] == 'x'; i += 4) out += static_cast<char>(std::stoi(token.substr(i + 2, 2), nullptr, 16));
  return out;
}

// Sum over the last tokens of an echoed prompt that make up `ending`; counts them. Empty when the tokens don't spell it.
std::optional<double> sum_of_ending(const std::vector<TokenLog>& logs, std::size_t n, const std::string& ending, int& tokens) {
  std::string spelt;
  double sum = 0.0;
  tokens = 0;
  while (spelt.size() < ending.size()) {
    if (n == 0) return {};
    --n;
    spelt = token_bytes(logs[n].text) + spelt;
    sum += logs[n].logp;
    ++tokens;
  }
  if (!spelt.ends_with(ending) || n == 0) return {};  // the very first token has no log-probability
  return sum;
}

}  // namespace

std::vector<Score> RemoteModel::score(std::span<const ChoiceRequest> requests) {
  for (const ChoiceRequest& request : requests) {
    check_choices(request);
    check_request(request.prompt, {});
  }
  std::vector<Score> out;
  Usage spent;  // by the scores that a later one's error takes along
  const Unclaimed unclaimed(spent);
  for (const ChoiceRequest& request : requests) {
    out.push_back(score_one(request));
    spent += out.back().usage;
  }
  return out;
}

Score RemoteModel::score_one(const ChoiceRequest& request) {
  const Ability able = ability();
  Score score;
  const Unclaimed unclaimed(score.usage);
  if (server_.options().api != RemoteApi::chat && able.completions && able.echo) {
    if (auto logp = echoed(request.prompt, request, score)) {
      score.logp = std::move(*logp);
      if (!request.content_free) return score;
      std::optional<std::vector<double>> prior = echoed(*request.content_free, request, score);
      if (!prior) throw Error(Fault::bad_input, server_.url("/completions") + ": scored a prompt by echo and then not the same one without content");
      score.prior = std::move(*prior);
      return score;
    }
  }
  Score other = written(request);
  add_usage(other.usage, score.usage);  // a reply without echo was paid for, too
  return other;
}

// One request for all choices. Empty when the server can't do it, which is then remembered.
std::optional<std::vector<double>> RemoteModel::echoed(const std::vector<Message>& messages, const ChoiceRequest& request, Score& score) {
  std::string before = plain_prompt(messages);
  if (!request.lead.empty()) before += (before.empty() || before.ends_with('\n') || messages.back().role == "text" ? "" : "\n\n") + request.lead;
  before = wire::valid_utf8(before);
  std::vector<std::string> endings;
  Json prompts = Json::array();
  for (const std::string& choice : request.choices) {
    endings.push_back((needs_blank(before) ? " " : "") + wire::valid_utf8(choice) + "\n");
    prompts.push_back(before + endings.back());
  }
  const std::string at = server_.url("/completions");
  // llama.cpp's server passes over `echo`, so it would write a token for each choice in vain.
  if (owner_ == "llamacpp") return change([](Ability& a) { a.echo = false; }), std::nullopt;
  Answered answered;
  try {
    answered = ask({"/completions", {{"model", model_}, {"prompt", prompts}, {"echo", true}, {"logprobs", 1}, {"max_tokens", 1}, {"temperature", 0}}, nullptr, 0});
  } catch (const Refused& refused) {
    if (refused.status() == 401 || refused.status() == 403) throw;
    change([&](Ability& a) { a.echo = false; });
    return {};
  }
  add_usage(score.usage, usage_of(answered, before.size() * endings.size(), static_cast<std::int64_t>(endings.size())));
  std::vector<double> out(endings.size());
  std::vector<bool> seen(endings.size(), false);
  score.tokens.assign(endings.size(), 0);
  const auto can_not = [&]() -> std::optional<std::vector<double>> {
    change([](Ability& a) { a.echo = false; });
    return {};
  };
  const Json& choices = wire::Fields(answered.reply, at + ": reply").required("choices");
  if (!choices.is_array() || choices.size() != endings.size()) return can_not();
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const std::string here = at + ": reply.choices[" + std::to_string(i) + "]";
    const Parsed parsed = parse_choice(choices[i], here);
    std::int64_t index = static_cast<std::int64_t>(i);
    wire::Fields(choices[i], here).get("index", index);
    if (index < 0 || index >= static_cast<std::int64_t>(endings.size()) || seen[static_cast<std::size_t>(index)]) return can_not();
    const auto place = static_cast<std::size_t>(index);
    seen[place] = true;
    if (!parsed.logs || parsed.logs->size() < 2) return can_not();
    // max_tokens is 1: what was written is the last token, unless the model had nothing to write.
    std::optional<double> sum = sum_of_ending(*parsed.logs, parsed.logs->size() - 1, endings[place], score.tokens[place]);
    if (!sum) sum = sum_of_ending(*parsed.logs, parsed.logs->size(), endings[place], score.tokens[place]);
    if (!sum) return can_not();
    out[place] = *sum;
  }
  return out;
}

Score RemoteModel::written(const ChoiceRequest& request) {
  const std::size_t n = request.choices.size();
  Score score;
  const Unclaimed unclaimed(score.usage);
  score.tokens.assign(n, 1);
  std::string list = "Answer with exactly one of these, written as it stands here";
  if (!request.lead.empty()) list += ", for \"" + request.lead + "\"";
  list += ":";
  for (const std::string& choice : request.choices) list += "\n- " + choice;
  const std::vector<Message> prompt = with_request(request.prompt, list);
  int picked = -1;
  const Ability able = ability();
  if (able.schema || able.tools) {
    Sampling sampling;
    sampling.max_tokens = 256;
    sampling.json_schema = wire::dump({{"type", "object"}, {"properties", {{"choice", {{"type", "string"}, {"enum", request.choices}}}}}, {"required", {"choice"}}, {"additionalProperties", false}});
    try {
      const Reply reply = chat(prompt, sampling);
      add_usage(score.usage, reply.usage);
      const Json json = wire::parse(reply.text, "reply");
      if (json.is_object() && json.contains("choice") && json["choice"].is_string()) picked = named_in(json["choice"].get<std::string>(), request.choices);
    } catch (const Refused&) {
      throw;
    } catch (const Error& e) {
      if (e.fault() != Fault::bad_input) throw;  // no JSON came: in its own words, then
    }
  }
  std::string said;
  if (picked < 0) {
    Sampling sampling;
    sampling.max_tokens = 256;
    const Reply reply = conversation(prompt, sampling);
    add_usage(score.usage, reply.usage);
    said = reply.text;
    picked = named_in(said, request.choices);
  }
  if (picked < 0)
    throw Error(Fault::bad_input, server_.address().base() + ": expected one of " + std::to_string(n) + " choices, the model answered \"" + server_.cleaned(wire::shortened(said)) + "\"");
  for (std::size_t i = 0; i < n; ++i)
    score.logp.push_back(n == 1 ? 0.0 : static_cast<int>(i) == picked ? std::log(1.0 - doubt) : std::log(doubt / static_cast<double>(n - 1)));
  return score;
}

}  // namespace hone::remote
