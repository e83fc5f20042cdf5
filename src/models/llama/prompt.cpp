#include "models/llama/prompt.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "core/error.h"
#include "wire/json.h"

namespace hone::llama {
namespace {

// A noncharacter of Unicode: not meant for interchange, so dropping it from a prompt loses nothing.
constexpr std::string_view marker = "\xEF\xB7\x90";  // U+FDD0

std::size_t first_character(std::string_view text) {
  std::size_t n = 1;
  while (n < text.size() && (static_cast<unsigned char>(text[n]) & 0xC0U) == 0x80U) ++n;
  return n;
}

void check_roles(std::span<const Message> messages) {
  bool text = false, anything = false;
  for (const Message& m : messages) {
    const bool known = m.role == "system" || m.role == "user" || m.role == "assistant" || m.role == "text";
    if (!known) throw Error(Fault::bad_input, "prompt: expected a role system, user, assistant or text, got \"" + m.role + "\"");
    if (text && m.role != "text") throw Error(Fault::bad_input, "prompt: messages of role text must come last, got " + m.role + " after one");
    text = m.role == "text";
    anything = anything || !m.content.empty();
  }
  if (!anything) throw Error(Fault::bad_input, "prompt: expected at least one message with content, got none");
}

common_chat_templates_ptr templates_of(const llama_model& model) {
  try {
    return common_chat_templates_init(&model, "");
  } catch (const std::exception& e) {
    throw Error(Fault::bad_input, std::string("the model file's chat template can't be read: ") + e.what());
  }
}

}  // namespace

std::vector<int> cut_points(int tokens, std::span<const int> boundaries) {
  std::vector<int> cuts;
  int last = 0;
  for (const int b : boundaries)
    if (b - last >= min_piece && b < tokens) cuts.push_back(last = b);
  if (tokens - last > min_piece) cuts.push_back(tokens - 1);
  cuts.push_back(tokens);
  return cuts;
}

std::string defused(std::string_view text, std::span<const std::string> control_names) {
  std::string clean;
  for (std::size_t i = 0; i < text.size();) {
    if (text.substr(i, marker.size()) == marker) {
      i += marker.size();
    } else {
      clean += text[i++];
    }
  }
  std::set<std::size_t> breaks;
  for (const std::string& name : control_names)
    if (name.size() > first_character(name))
      for (std::size_t at = clean.find(name); at != std::string::npos; at = clean.find(name, at + 1)) breaks.insert(at + first_character(name));
  std::string out;
  std::size_t done = 0;
  for (const std::size_t b : breaks) {
    out.append(clean, done, b - done).append(marker);
    done = b;
  }
  return out.append(clean, done);
}

std::vector<std::string> split_at_marker(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t at = text.find(marker);
    parts.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + marker.size());
  }
}

std::string_view choice_gap(std::string_view before, bool after_turn_start) {
  constexpr std::string_view openers = "\n\t\r ([{<\"'`";
  if (after_turn_start || before.empty() || openers.find(before.back()) != std::string_view::npos) return "";
  return " ";
}

Prompter::Prompter(const llama_model& model) : vocab_(llama_model_get_vocab(&model)), templates_(templates_of(model)) {
  const int n = llama_vocab_n_tokens(vocab_);
  for (llama_token t = 0; t < n; ++t) {
    if ((llama_vocab_get_attr(vocab_, t) & LLAMA_TOKEN_ATTR_CONTROL) != 0) {
      control_names_.push_back(piece(*vocab_, t, true));
      if (!llama_vocab_is_eog(vocab_, t)) continue;
    }
    const std::string text = piece(*vocab_, t, false);
    const std::size_t ink = text.find_first_not_of(" \t\r");
    if (llama_vocab_is_eog(vocab_, t) || (ink != std::string::npos && text[ink] == '\n')) ends_.push_back(t);
  }
}

std::string Prompter::templated(std::span<const common_chat_msg> messages, bool open) const {
  common_chat_templates_inputs inputs;
  inputs.messages.assign(messages.begin(), messages.end());
  inputs.add_generation_prompt = open;
  inputs.force_pure_content = true;
  inputs.enable_thinking = false;
  // A template may write the date; a moving clock would make equal requests differ.
  inputs.now = std::chrono::sys_days(std::chrono::year(2025) / 1 / 1) + std::chrono::hours(12);
  const std::lock_guard hold(lock_);
  return common_chat_templates_apply(templates_.get(), inputs).prompt;
}

Prompter::Rendered Prompter::render(std::span<const Message> messages, std::string_view lead, bool open) const {
  check_roles(messages);
  std::vector<common_chat_msg> chat;
  Rendered out;
  for (const Message& m : messages) {
    if (m.role == "text") break;
    common_chat_msg one;
    one.role = m.role;
    one.content = defused(wire::valid_utf8(m.content), control_names_);
    chat.push_back(std::move(one));
  }
  if (!chat.empty()) {
    try {
      out.text = templated(chat, open);
    } catch (const std::exception& e) {
      throw Error(Fault::bad_input, std::string("prompt: the model's chat template refuses these messages: ") + e.what());
    }
    // Where a shorter conversation's text is the start of this one's, the longer may reuse what was computed for it.
    for (std::size_t n = 1; n <= chat.size(); ++n) {
      std::string start;
      try {
        start = templated(std::span(chat).first(n), false);
      } catch (const std::exception&) {
        continue;  // some templates want a user's message; then there is no boundary here
      }
      if (out.text.starts_with(start)) out.boundaries.push_back(start.size());
    }
  }
  out.turn_start = open && !chat.empty();
  for (const Message& m : messages.subspan(chat.size())) {
    if (!out.text.empty()) out.boundaries.push_back(out.text.size());
    out.text += defused(wire::valid_utf8(m.content), control_names_);
    out.turn_start = out.turn_start && m.content.empty();
  }
  out.text += defused(wire::valid_utf8(lead), control_names_);
  out.turn_start = out.turn_start && lead.empty();
  return out;
}

std::vector<llama_token> Prompter::ordinary(std::string_view text) const {
  std::vector<llama_token> tokens;
  for (const std::string& part : split_at_marker(defused(text, control_names_)))
    for (const llama_token t : tokenize(*vocab_, part, true)) tokens.push_back(t);
  return tokens;
}

Prompt Prompter::tokenized(const Rendered& rendered) const {
  Prompt prompt;
  for (const std::string& part : split_at_marker(rendered.text)) {
    for (const llama_token t : tokenize(*vocab_, part, true)) prompt.tokens.push_back(t);
    prompt.text += part;
  }
  // Byte offsets of boundaries without the markers before them.
  std::vector<std::size_t> bytes;
  for (const std::size_t b : rendered.boundaries) {
    const std::size_t markers = split_at_marker(std::string_view(rendered.text).substr(0, b)).size() - 1;
    bytes.push_back(b - markers * marker.size());
  }
  std::vector<int> boundaries;
  std::size_t at = 0;
  auto next = bytes.begin();
  for (std::size_t i = 0; i < prompt.tokens.size(); ++i) {
    while (next != bytes.end() && *next < at) ++next;  // inside a token: no boundary
    if (next != bytes.end() && *next == at && i > 0) boundaries.push_back(static_cast<int>(i));
    at += piece(*vocab_, prompt.tokens[i], true).size();
  }
  // Tokenisers that add a blank of their own break the count; then there are no boundaries to trust.
  if (at != prompt.text.size()) boundaries.clear();
  const llama_token bos = llama_vocab_bos(vocab_);
  if (llama_vocab_get_add_bos(vocab_) && bos != LLAMA_TOKEN_NULL && (prompt.tokens.empty() || prompt.tokens[0] != bos)) {
    prompt.tokens.insert(prompt.tokens.begin(), bos);
    for (int& b : boundaries) ++b;
  }
  if (prompt.tokens.empty()) throw Error(Fault::bad_input, "prompt: expected text, got nothing the model can read");
  prompt.cuts = cut_points(static_cast<int>(prompt.tokens.size()), boundaries);
  return prompt;
}

Prompt Prompter::prompt(std::span<const Message> messages, std::string_view lead, bool open) const { return tokenized(render(messages, lead, open)); }

Prompter::Choices Prompter::choices(std::span<const Message> messages, std::string_view lead, std::span<const std::string> choices) const {
  Rendered rendered = render(messages, lead, true);
  std::string gap(choice_gap(rendered.text, rendered.turn_start));
  if (!rendered.turn_start && rendered.text.size() > 1 && rendered.text.back() == ' ') {  // the blank goes with the choice, as words are tokenised
    gap = " ";
    rendered.text.pop_back();
  }
  Choices out;
  out.prompt = tokenized(rendered);
  // The last stretch of ordinary text before the choice is enough context for any tokeniser's merges.
  const std::string tail = rendered.turn_start ? "" : out.prompt.text.substr(out.prompt.text.find_last_of('\n') + 1);
  const std::vector<llama_token> before = tail.empty() ? std::vector<llama_token>() : ordinary(tail);
  for (const std::string& choice : choices) {
    const std::string text = gap + wire::valid_utf8(choice);
    std::vector<llama_token> joint = ordinary(tail + text);
    if (joint.size() > before.size() && std::equal(before.begin(), before.end(), joint.begin()))
      joint.erase(joint.begin(), joint.begin() + static_cast<std::ptrdiff_t>(before.size()));
    else
      joint = ordinary(text);
    if (joint.empty()) throw Error(Fault::bad_input, "choices: \"" + choice + "\" has no tokens");
    out.tokens.push_back(std::move(joint));
  }
  return out;
}

}  // namespace hone::llama
