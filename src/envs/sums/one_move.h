// Worlds of one move: a question, an answer as text, a verdict. What arithmetic and countdown share.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/env.h"
#include "core/reflex.h"
#include "core/rng.h"
#include "envs/splits.h"

namespace hone::sums {

struct Verdict {
  bool solved = false;
  std::string text;      // what the agent sees: never the right answer
  std::string feedback;  // for who learns
};

// "Right." or "Wrong: WHY"; the feedback says how the answer was read too.
Verdict verdict(bool solved, const std::string& why, const std::string& read_as);

// What stands in the last \boxed{...} whose braces are balanced.
std::optional<std::string_view> boxed(std::string_view text);

// A question of a family. Two that are the same but for the order of things have the same `content`.
struct Item {
  std::string kind, goal, content;
};

class OneMoveWorld final : public World {
 public:
  // `check` judges an answer to the item with this content.
  using Check = std::function<Verdict(const std::string& content, std::string_view answer)>;
  OneMoveWorld(WorldFacts facts, std::array<std::vector<Item>, 3> splits, Check check);
  const WorldFacts& facts(Split) const override { return facts_; }
  std::vector<Task> tasks(Split split) const override { return tasks_[static_cast<std::size_t>(split)]; }
  std::unique_ptr<Env> make(Split) const override;

 private:
  WorldFacts facts_;
  std::array<std::vector<Task>, 3> tasks_;
  std::unordered_map<std::string, std::string> content_of_;  // by task id
  Check check_;
};

// Different items, families in turn, no content twice: the test first, so that it does not change with `train`. `draw` makes one of
// family number `family`, or nothing when that draw came to nothing. Throws Error{bad_input} when no new ones are found.
std::array<std::vector<Item>, 3> make_items(const std::string& world, const SplitConfig& splits, std::size_t families,
                                            const std::function<std::optional<Item>(std::size_t family, Rng& rng)>& draw);

}  // namespace hone::sums
