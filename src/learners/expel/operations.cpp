#include "learners/expel/operations.h"

#include <algorithm>
#include <array>
#include <limits>
#include <set>
#include <utility>

namespace hone::expel {

namespace {

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

struct Keyword {
  std::string_view word;
  OpKind kind;
  bool released;
};
constexpr std::array<Keyword, 6> keywords{{{"REMOVE", OpKind::downvote, true},
                                           {"EDIT", OpKind::edit, true},
                                           {"ADD", OpKind::add, true},
                                           {"AGREE", OpKind::upvote, true},
                                           {"UPVOTE", OpKind::upvote, false},
                                           {"DOWNVOTE", OpKind::downvote, false}}};

std::string_view stripped(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Reads "<keyword>[ <digits>]: " at `at`; returns where the text begins, or npos.
std::size_t read_head(std::string_view reply, std::size_t at, bool strict, Operation& out) {
  for (const auto& keyword : keywords) {
    if ((strict && !keyword.released) || !reply.substr(at).starts_with(keyword.word)) continue;
    std::size_t i = at + keyword.word.size();
    out = {keyword.kind, std::nullopt, ""};
    if (i + 1 < reply.size() && reply[i] == ' ' && is_digit(reply[i + 1])) {
      long long number = 0;
      for (++i; i < reply.size() && is_digit(reply[i]); ++i)
        number = std::min<long long>(number * 10 + (reply[i] - '0'), std::numeric_limits<int>::max());
      out.number = static_cast<int>(number);
    }
    if (reply.substr(i).starts_with(": ")) return i + 2;
  }
  return std::string_view::npos;
}

// The greedy prefix drop: a run of letters, digits and blanks (line breaks too) that ends in ": " is not part of the text.
std::size_t skip_prefix(std::string_view reply, std::size_t at) {
  std::size_t i = at;
  while (i < reply.size() && (is_letter(reply[i]) || is_digit(reply[i]) || is_space(reply[i]))) ++i;
  return i > at && reply.substr(i).starts_with(": ") ? i + 2 : at;
}

bool acceptable(std::string_view text, bool strict) {
  if (text.empty() || text.back() != '.') return false;
  for (const std::string_view banned : {"ADD", "AGREE", "EDIT"})
    if (text.find(banned) != std::string_view::npos) return false;
  return strict || text.find("UPVOTE") == std::string_view::npos;
}

// The first rule whose text occurs in `text`, or -1.
int contained_rule(std::span<const Rule> rules, std::string_view text) {
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (text.find(rules[i].text) != std::string_view::npos) return static_cast<int>(i);
  return -1;
}

struct Judged {
  OpKind kind;
  int target;  // index; -1 for ADD
  const Operation* operation;
};

// Pass 1: what each operation means for the list as it was.
std::vector<Judged> judge(std::span<const Rule> rules, std::span<const Operation> operations, bool strict, std::vector<Dropped>& dropped) {
  std::vector<Judged> out;
  const auto size = static_cast<int>(rules.size());
  for (const auto& op : operations) {
    const int found = contained_rule(rules, op.text);
    const auto drop = [&](const char* why) { dropped.push_back({op, why}); };
    if (op.kind == OpKind::add) {
      if (found >= 0) drop("it contains an existing rule");
      else out.push_back({OpKind::add, -1, &op});
    } else if (op.kind != OpKind::edit) {
      if (found < 0) drop("its text is no existing rule");
      else out.push_back({op.kind, found, &op});
    } else if (found >= 0) {
      out.push_back({OpKind::upvote, found, &op});
    } else if (!op.number || *op.number > size || size == 0) {
      drop("no rule has that number");
    } else if (*op.number == 0 && !strict) {
      drop("rules are numbered from 1");
    } else {
      out.push_back({OpKind::edit, *op.number == 0 ? size - 1 : *op.number - 1, &op});
    }
  }
  return out;
}

class Pass2 {
 public:
  Pass2(std::span<const Rule> rules, const ListOptions& options, std::vector<Dropped>& dropped)
      : options_(options), dropped_(dropped), cost_(list_full(rules.size(), options) ? 3 : 1) {
    for (std::size_t i = 0; i < rules.size(); ++i) list_.push_back({rules[i], static_cast<int>(i), false});
  }

  void apply(const Judged& judged) {
    const std::string& text = judged.operation->text;
    if (judged.kind == OpKind::add) {
      if (fresh(judged)) list_.push_back({{text, 2}, -1, true});
      return;
    }
    if (judged.kind == OpKind::edit && !fresh(judged)) return;
    ChangedRule& changed = list_[static_cast<std::size_t>(judged.target)];
    changed.touched = true;
    changed.rule.count += judged.kind == OpKind::downvote ? -cost_ : 1;
    if (judged.kind == OpKind::edit) changed.rule.text = text;
  }

  std::vector<ChangedRule> finish() {
    std::erase_if(list_, [](const ChangedRule& c) { return c.rule.count <= 0; });
    std::stable_sort(list_.begin(), list_.end(), [](const auto& a, const auto& b) { return a.rule.count > b.rule.count; });
    return std::move(list_);
  }

 private:
  // Whether a new text may enter: not twice in one reply, and under the hard cap if there is one.
  bool fresh(const Judged& judged) {
    if (options_.hard_cap && judged.kind == OpKind::add) {
      const auto alive = std::count_if(list_.begin(), list_.end(), [](const ChangedRule& c) { return c.rule.count > 0; });
      if (alive >= options_.max_insights) {
        dropped_.push_back({*judged.operation, "the list is full"});
        return false;
      }
    }
    if (!new_texts_.insert(judged.operation->text).second && !options_.strict_parity) {
      dropped_.push_back({*judged.operation, "the same text came twice in one reply"});
      return false;
    }
    return true;
  }

  const ListOptions& options_;
  std::vector<Dropped>& dropped_;
  int cost_;
  std::vector<ChangedRule> list_;
  std::set<std::string> new_texts_;
};

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else if (c == '\r') out += "\\r";
    else if (c == '\t') out += "\\t";
    else out += c;
  }
  return out + "\"";
}

}  // namespace

std::string_view to_string(OpKind kind) {
  switch (kind) {
    case OpKind::upvote: return "UPVOTE";
    case OpKind::downvote: return "DOWNVOTE";
    case OpKind::edit: return "EDIT";
    case OpKind::add: return "ADD";
  }
  return "";
}

std::vector<Operation> parse_operations(std::string_view reply, bool strict_parity) {
  std::vector<Operation> out;
  for (std::size_t at = 0; at < reply.size();) {
    Operation op;
    const std::size_t head = read_head(reply, at, strict_parity, op);
    if (head == std::string_view::npos) {
      ++at;
      continue;
    }
    const std::size_t begin = skip_prefix(reply, head);
    const std::size_t end = std::min(reply.find('\n', begin), reply.size());
    const std::string_view text = stripped(reply.substr(begin, end - begin));
    at = end;
    if (!acceptable(text, strict_parity)) continue;
    if (op.kind == OpKind::add) op.number.reset();
    op.text = text;
    out.push_back(std::move(op));
  }
  return out;
}

Applied apply_operations(std::span<const Rule> rules, std::span<const Operation> operations, const ListOptions& options) {
  Applied out;
  const auto judged = judge(rules, operations, options.strict_parity, out.dropped);
  Pass2 pass(rules, options, out.dropped);
  for (const OpKind kind : {OpKind::downvote, OpKind::upvote, OpKind::edit, OpKind::add})
    for (const auto& j : judged)
      if (j.kind == kind) pass.apply(j);
  out.rules = pass.finish();
  return out;
}

bool asks_to_hold_back(std::size_t size, const ListOptions& options) { return size >= static_cast<std::size_t>(options.max_insights); }
bool list_full(std::size_t size, const ListOptions& options) { return size >= static_cast<std::size_t>(options.max_insights) + 5; }

std::string numbered(std::span<const Rule> rules) {
  if (rules.empty()) return "1. ";
  std::string out;
  for (std::size_t i = 0; i < rules.size(); ++i) out += (i == 0 ? "" : "\n") + std::to_string(i + 1) + ". " + rules[i].text;
  return out;
}

std::string operations_grammar(std::span<const Rule> rules, bool paper_names, bool may_add) {
  const std::string yes = paper_names ? "UPVOTE" : "AGREE", no = paper_names ? "DOWNVOTE" : "REMOVE";
  const std::size_t n = rules.size();
  const std::string add = may_add || n == 0 ? in_quotes("ADD " + std::to_string(n + 1) + ": ") + " sentence" : "";
  const auto name = [](const char* prefix, std::size_t i) { return prefix + std::to_string(i); };
  // on-I-K: lines about the rules from number I on, at most K; what begins a reply has no line break in front.
  const auto rest = [&](std::size_t i, int k) {
    if (k == 0 || (i > n && add.empty())) return std::string("\"\"");
    if (i > n) return "(\"\\n\" add){0," + std::to_string(k) + "}";
    return name("on-", i) + "-" + std::to_string(k);
  };
  std::string first, lines, chain;
  for (std::size_t i = 1; i <= n; ++i) {
    const std::string number = std::to_string(i), said = " " + number + ": " + rules[i - 1].text;
    // A rule like "First: look." would lose its start to the prefix drop: no vote on it could be read back.
    const auto back = parse_operations(yes + said);
    const bool votes = back.size() == 1 && back[0].text == rules[i - 1].text;
    lines += name("line-", i) + " ::= " + (votes ? "(" + in_quotes(yes) + " | " + in_quotes(no) + ") " + in_quotes(said) + " | " : "") +
             in_quotes("EDIT " + number + ": ") + " sentence\n";
    first += name("line-", i) + " " + rest(i + 1, 3) + " | ";
    for (int k = 1; k <= 3; ++k)
      if (i > 1) chain += rest(i, k) + " ::= \"\\n\" " + name("line-", i) + " " + rest(i + 1, k - 1) + " | " + rest(i + 1, k) + "\n";
  }
  first += add.empty() ? "" : "add " + rest(n + 1, 3);
  if (first.ends_with(" | ")) first.resize(first.size() - 3);
  // Small models otherwise copy the instruction: a new rule opens the way advice does.
  // No word has A or E as a capital except in front, so that no operation's name can be spelt; words and sentences are bounded,
  // so that a model that repeats itself still comes to the full stop.
  return "root ::= " + first + "\n" + (add.empty() ? "" : "add ::= " + add + "\n") + lines + chain +
         "sentence ::= opener \" \" word ((\",\" | \";\")? \" \" word){1,26} \".\"\n"
         "opener ::= \"When\" | \"If\" | \"Before\" | \"After\" | \"Always\" | \"Never\" | \"Do not\" | \"Prefer\" | \"Look for\" | \"Read\" | "
         "\"Check\" | \"Try\" | \"Use\" | \"Choose\"\n"
         "word ::= [AE] [a-z_'-]{0,17} | [B-DF-Za-z\\u00C0-\\u024F] [B-DF-Za-z0-9_'/\\u00C0-\\u024F-]{0,17}\n";
}

}  // namespace hone::expel
