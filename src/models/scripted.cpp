#include "models/scripted.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <set>
#include <sstream>

#include "core/error.h"
#include "core/rng.h"
#include "wire/json.h"
#include "wire/read.h"

namespace hone {
namespace {

// Words with the blanks before them: the tokens of a scripted model. Joined they give the text back.
std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  const auto blank = [](char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; };
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t begin = i;
    while (i < text.size() && blank(text[i])) ++i;
    while (i < text.size() && !blank(text[i])) ++i;
    tokens.emplace_back(text.substr(begin, i - begin));
  }
  return tokens;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (u >= 0x80 || (u >= '0' && u <= '9') || (u >= 'a' && u <= 'z') || (u >= 'A' && u <= 'Z')) {
      word += static_cast<char>(u >= 'A' && u <= 'Z' ? u + 32 : u);
    } else if (!word.empty()) {
      words.push_back(std::move(word));
      word.clear();
    }
  }
  if (!word.empty()) words.push_back(std::move(word));
  return words;
}

int token_id(std::string_view token) { return static_cast<int>(hash64(token) % 50000); }

std::int64_t prompt_tokens(std::span<const Message> messages) {
  std::size_t n = 0;
  for (const Message& m : messages) n += tokens_of(m.content).size();
  return static_cast<std::int64_t>(n);
}

void check_prompt(std::span<const Message> messages) {
  if (std::all_of(messages.begin(), messages.end(), [](const Message& m) { return m.content.empty(); }))
    throw Error(Fault::bad_input, "prompt: expected at least one message with content, got none");
}

std::string joined(std::span<const Message> messages) {
  std::string text;
  for (const Message& m : messages) text += m.content + "\n";
  return text;
}

ScriptedModel::ChatFunction from_table(ScriptedModel::Table table, std::string otherwise) {
  return [table = std::move(table), otherwise = std::move(otherwise)](std::span<const Message> messages, const Sampling&) {
    const std::string prompt = joined(messages);
    for (const auto& [part, reply] : table)
      if (prompt.find(part) != std::string::npos) return reply;
    return otherwise;
  };
}

ModelFacts scripted_facts(const std::string& name) {
  ModelFacts facts;
  facts.name = name;
  facts.artifact_sha = name;
  facts.architecture = "scripted";
  facts.context = 1 << 20;
  return facts;
}

double overlap(const ChoiceRequest& request, std::string_view choice) {
  const std::vector<std::string> asked = request.prompt.empty() ? std::vector<std::string>() : words_of(request.prompt.back().content);
  const std::set<std::string> known(asked.begin(), asked.end());
  const std::vector<std::string> words = words_of(choice);
  return 1.0 + static_cast<double>(std::count_if(words.begin(), words.end(), [&](const std::string& w) { return known.contains(w); }));
}

}  // namespace

ScriptedModel::ScriptedModel(ChatFunction chat, ChoiceFunction choose, std::string name)
    : chat_(std::move(chat)), choose_(std::move(choose)), facts_(scripted_facts(name)) {}

ScriptedModel::ScriptedModel(Table table, std::string otherwise, std::string name)
    : ScriptedModel(from_table(std::move(table), std::move(otherwise)), word_overlap, std::move(name)) {}

double ScriptedModel::word_overlap(const ChoiceRequest& request, std::size_t choice) {
  double total = 0.0;
  for (const std::string& c : request.choices) total += overlap(request, c);
  return std::log(overlap(request, request.choices[choice]) / total);
}

Reply ScriptedModel::chat(std::span<const Message> messages, const Sampling& sampling) {
  check_prompt(messages);
  if (sampling.max_tokens < 1) throw Error(Fault::bad_input, "sampling: max_tokens: expected at least 1, got " + std::to_string(sampling.max_tokens));
  std::string text;
  {
    const std::lock_guard hold(lock_);
    ++calls_;
    record_.push_back({{messages.begin(), messages.end()}, sampling, {}});
    text = wire::valid_utf8(chat_(messages, sampling));
  }
  Reply reply;
  std::size_t cut = std::string::npos;
  for (const std::string& word : sampling.stop) cut = std::min(cut, text.find(word));
  if (cut != std::string::npos) {
    text.resize(cut);
    reply.why = StopReason::stop_word;
  }
  for (const Message& m : messages)
    for (const std::string& t : tokens_of(m.content)) reply.trace.prompt_ids.push_back(token_id(t));
  for (const std::string& t : tokens_of(text)) {
    if (static_cast<int>(reply.trace.ids.size()) == sampling.max_tokens) {
      reply.why = StopReason::length;
      break;
    }
    reply.text += t;
    reply.trace.ids.push_back(token_id(t));
  }
  if (sampling.logprobs) {
    reply.trace.logp.assign(reply.trace.ids.size(), 0.0F);  // it never hesitates
    reply.trace.entropy.assign(reply.trace.ids.size(), 0.0F);
  }
  reply.trace.sampling = sampling;
  reply.usage = {.calls = 1, .prompt_tokens = prompt_tokens(messages), .generated_tokens = static_cast<std::int64_t>(reply.trace.ids.size())};
  return reply;
}

int ScriptedModel::count_tokens(std::string_view text) { return static_cast<int>(tokens_of(text).size()); }

std::vector<Score> ScriptedModel::score(std::span<const ChoiceRequest> requests) {
  std::vector<Score> scores;
  for (const ChoiceRequest& request : requests) {
    check_prompt(request.prompt);
    if (request.choices.empty()) throw Error(Fault::bad_input, "choices: expected at least one, got none");
    std::set<std::string_view> seen;
    for (const std::string& c : request.choices) {
      if (c.empty()) throw Error(Fault::bad_input, "choices: expected text, got an empty one");
      if (!seen.insert(c).second) throw Error(Fault::bad_input, "choices: expected distinct ones, got \"" + c + "\" twice");
    }
    const std::lock_guard hold(lock_);
    ++calls_;
    record_.push_back({request.prompt, {}, request.choices});
    Score score;
    ChoiceRequest bare = request;
    if (request.content_free) bare.prompt = *request.content_free;
    for (std::size_t i = 0; i < request.choices.size(); ++i) {
      score.logp.push_back(choose_(request, i));
      if (request.content_free) score.prior.push_back(choose_(bare, i));
      score.tokens.push_back(static_cast<int>(tokens_of(request.choices[i]).size()) + 1);
      score.usage.prompt_tokens += score.tokens.back() - 1;
    }
    score.usage.calls = 1;
    score.usage.prompt_tokens += prompt_tokens(request.prompt);
    scores.push_back(std::move(score));
  }
  return scores;
}

std::int64_t ScriptedModel::calls() const {
  const std::lock_guard hold(lock_);
  return calls_;
}

std::vector<ScriptedModel::Call> ScriptedModel::record() const {
  const std::lock_guard hold(lock_);
  return record_;
}

ScriptedEmbedder::ScriptedEmbedder(int dimensions) : dimensions_(dimensions), facts_(scripted_facts("scripted:" + std::to_string(dimensions))) {
  if (dimensions < 1) throw Error(Fault::usage, "scripted embedder: expected at least 1 dimension, got " + std::to_string(dimensions));
}

void ScriptedEmbedder::embed(std::span<const std::string_view> texts, std::span<float> out) {
  const auto width = static_cast<std::size_t>(dimensions_);
  if (out.size() != texts.size() * width)
    throw Error(Fault::internal, "embed: expected room for " + std::to_string(texts.size() * width) + " numbers, got " + std::to_string(out.size()));
  for (std::size_t t = 0; t < texts.size(); ++t) {
    const std::span<float> row = out.subspan(t * width, width);
    std::fill(row.begin(), row.end(), 0.0F);
    std::vector<std::string> words = words_of(texts[t]);
    if (words.empty()) words.emplace_back();
    for (const std::string& word : words) {
      const std::uint64_t h = hash64(word);
      row[h % width] += (h >> 63) != 0 ? 1.0F : -1.0F;
    }
    float square = 0.0F;
    for (const float x : row) square += x * x;
    if (square == 0.0F) row[0] = square = 1.0F;  // words that cancelled each other
    for (float& x : row) x /= std::sqrt(square);
  }
}

std::unique_ptr<ScriptedModel> open_scripted(const std::string& spec) {
  const std::string what = spec.substr(std::string("scripted:").size());
  if (what == "echo")
    return std::make_unique<ScriptedModel>([](std::span<const Message> m, const Sampling&) { return m.back().content; }, ScriptedModel::word_overlap, spec);
  std::ifstream file(what);
  if (!file) throw Error(Fault::usage, spec + ": expected scripted:echo or scripted:FILE.json, and can't read \"" + what + "\"");
  std::ostringstream text;
  text << file.rdbuf();
  const wire::Json json = wire::parse(text.str(), what);
  const wire::Fields fields(json, what);
  std::string otherwise;
  fields.get("otherwise", otherwise);
  ScriptedModel::Table table;
  if (const wire::Json* replies = fields.find("replies")) {
    if (!replies->is_object()) wire::expected(fields.at("replies"), "an object", *replies);
    for (const auto& [part, reply] : replies->items()) table.emplace_back(part, wire::read_string(reply, fields.at("replies") + "." + part));
  }
  return std::make_unique<ScriptedModel>(std::move(table), otherwise, spec);
}

std::unique_ptr<Embedder> open_scripted_embedder(const std::string& spec) {
  const std::string what = spec.substr(std::string("scripted:").size());
  int dimensions = 64;
  if (what != "echo") {
    const auto [end, code] = std::from_chars(what.data(), what.data() + what.size(), dimensions);
    if (code != std::errc() || end != what.data() + what.size())
      throw Error(Fault::usage, spec + ": expected scripted:N, N dimensions, or scripted:echo");
  }
  return std::make_unique<ScriptedEmbedder>(dimensions);
}

}  // namespace hone
