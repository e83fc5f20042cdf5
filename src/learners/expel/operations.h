// The four list operations of ExpeL (expel.md sections 4.1 to 4.3): reading them from a model's reply and applying them to a
// list of counted rules. Pure functions.
//
// Names: the paper says UPVOTE and DOWNVOTE, the release AGREE and REMOVE, for the same two operations. Canonical here are the
// paper's; both pairs are read unless `strict_parity` asks for the release's behaviour, bugs included.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::expel {

enum class OpKind { upvote, downvote, edit, add };
std::string_view to_string(OpKind kind);  // "UPVOTE", ...

struct Operation {
  OpKind kind = OpKind::add;
  std::optional<int> number;  // as written, 1-based; empty without one; ADD's is discarded
  std::string text;
  bool operator==(const Operation&) const = default;
};

// Every operation of a reply in order of writing. What does not parse is left out; garbage gives an empty list. The limit of
// four operations that the prompt states is not enforced, as released.
std::vector<Operation> parse_operations(std::string_view reply, bool strict_parity = false);

struct Rule {
  std::string text;
  int count = 0;
  bool operator==(const Rule&) const = default;
};

struct ListOptions {
  int max_insights = 20;       // M: from this size on the prompt asks to hold back; from M + 5 on a DOWNVOTE costs 3
  bool strict_parity = false;  // as released: EDIT 0 edits the last rule, texts added twice in one reply stay twice
  bool hard_cap = false;       // [OURS] an ADD that would make more than M rules is dropped
};

struct ChangedRule {
  Rule rule;
  int from = -1;         // index in the list before, -1 = added
  bool touched = false;  // some operation named it (also true when added)
};

struct Dropped {
  Operation operation;
  std::string why;
};

struct Applied {
  std::vector<ChangedRule> rules;  // sorted by count, descending, stable
  std::vector<Dropped> dropped;
};

// Pass 1 judges every operation against the list as it was; pass 2 applies DOWNVOTE, UPVOTE, EDIT, ADD in this order; then
// rules with a count of 0 or less go and the rest is sorted. DOWNVOTE and UPVOTE name their rule by text, not by number.
Applied apply_operations(std::span<const Rule> rules, std::span<const Operation> operations, const ListOptions& options);

// The prompt's "full": size >= M.
bool asks_to_hold_back(std::size_t size, const ListOptions& options);
// What makes a DOWNVOTE cost 3: size before the update >= M + 5.
bool list_full(std::size_t size, const ListOptions& options);

// "1. text" per line, without counts; an empty list is a single empty item 1, as released.
std::string numbered(std::span<const Rule> rules);

// [OURS] A grammar (GBNF) under which every reply parses completely: one to four lines, first those about existing rules in the
// order of their numbers, at most one for each (a vote repeats the rule word for word, an edit names its number), then ADDs. A new
// text is one sentence of up to 28 words that opens as advice does (When, If, Never, ...), without a colon, line break or operation
// name, and ends with a full stop. `paper_names`:
// UPVOTE and DOWNVOTE instead of AGREE and REMOVE. `may_add`: offer ADD (always offered when the list is empty).
std::string operations_grammar(std::span<const Rule> rules, bool paper_names, bool may_add);

}  // namespace hone::expel
