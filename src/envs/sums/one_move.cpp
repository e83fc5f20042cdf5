#include "envs/sums/one_move.h"

#include <cstdio>

#include "core/error.h"

namespace hone::sums {

namespace {

class OneMoveEnv final : public Env, public Savable {
 public:
  OneMoveEnv(const std::string& world, const std::unordered_map<std::string, std::string>& content_of, const OneMoveWorld::Check& check)
      : world_(world), content_of_(content_of), check_(check) {}

  Observation reset(const Task& task) override {
    const auto it = content_of_.find(task.id);
    if (it == content_of_.end()) throw Error(Fault::bad_input, world_ + ": expected a task of these settings, got '" + excerpt(task.id) + "'");
    item_ = &*it;
    return {};
  }
  Outcome step(std::string_view action) override {
    if (item_ == nullptr) throw Error(Fault::internal, world_ + ": step before reset or after the end");
    const Verdict v = check_(item_->second, action);
    item_ = nullptr;
    Outcome out;
    out.next.text = v.text;
    out.solved = v.solved;
    out.score = v.solved ? 1.0 : 0.0;
    out.reward = v.solved ? 1.0F : 0.0F;
    out.ending = Ending::terminal;
    out.feedback = v.feedback;
    return out;
  }
  void save(Sink& sink) const override { put_text(sink, item_ == nullptr ? std::string() : item_->first); }
  void load(Source& source) override {
    const std::string id = get_text(source);
    const auto it = content_of_.find(id);
    if (!id.empty() && it == content_of_.end()) throw Error(Fault::corrupt, world_ + ": saved state is of no task of these settings");
    item_ = id.empty() ? nullptr : &*it;
  }

 private:
  const std::string& world_;
  const std::unordered_map<std::string, std::string>& content_of_;
  const OneMoveWorld::Check& check_;
  const std::pair<const std::string, std::string>* item_ = nullptr;  // id and content; null before reset and after the end
};

}  // namespace

Verdict verdict(bool solved, const std::string& why, const std::string& read_as) {
  Verdict v;
  v.solved = solved;
  v.text = solved ? "Right." : why.empty() ? "Wrong." : "Wrong: " + why + ".";
  v.feedback = std::string(solved ? "Correct. Reward 1.00." : "Incorrect. Reward 0.00.");
  if (!read_as.empty()) v.feedback += " The answer was read as " + read_as + ".";
  if (!solved && !why.empty()) v.feedback += " Why: " + why + ".";
  return v;
}

std::optional<std::string_view> boxed(std::string_view text) {
  constexpr std::string_view open = "\\boxed{";
  for (std::size_t at = text.rfind(open); at != std::string_view::npos; at = at == 0 ? std::string_view::npos : text.rfind(open, at - 1)) {
    const std::size_t from = at + open.size();
    int depth = 1;
    for (std::size_t i = from; i < text.size() && i < from + 10'000; ++i) {
      depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
      if (depth == 0) return text.substr(from, i - from);
    }
    if (text.size() - at > 100'000) break;  // far from the end: what is open there stays open
  }
  return std::nullopt;
}

OneMoveWorld::OneMoveWorld(WorldFacts facts, std::array<std::vector<Item>, 3> splits, Check check) : facts_(std::move(facts)), check_(std::move(check)) {
  for (std::size_t s = 0; s < splits.size(); ++s)
    for (auto& item : splits[s]) {
      const std::uint64_t hash = hash64(item.content);
      char hex[17];
      std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(hash));
      tasks_[s].push_back({.id = facts_.name + "/" + hex, .env = facts_.name, .kind = item.kind, .goal = item.goal, .seed = hash, .params = {}});
      if (!content_of_.emplace(tasks_[s].back().id, item.content).second) throw Error(Fault::internal, facts_.name + ": two tasks share the id " + tasks_[s].back().id);
    }
}

std::unique_ptr<Env> OneMoveWorld::make(Split) const { return std::make_unique<OneMoveEnv>(facts_.name, content_of_, check_); }

std::array<std::vector<Item>, 3> make_items(const std::string& world, const SplitConfig& splits, std::size_t families,
                                            const std::function<std::optional<Item>(std::size_t family, Rng& rng)>& draw) {
  constexpr int patience = 100'000;  // draws for one more
  std::array<std::vector<Item>, 3> out;
  std::unordered_set<std::string> seen;
  const std::pair<Split, int> order[] = {{Split::test, splits.test}, {Split::validation, splits.validation}, {Split::train, splits.train}};
  constexpr const char* names[] = {"train", "validation", "test"};
  for (const auto& [split, count] : order) {
    auto& items = out[static_cast<std::size_t>(split)];
    Rng rng = Rng(splits.split_seed).split(world).split(names[static_cast<std::size_t>(split)]);
    for (int draws = 0; static_cast<int>(items.size()) < count; ++draws) {
      const std::size_t family = items.size() % families;
      if (draws == patience)
        throw Error(Fault::bad_input, world + ": no more than " + std::to_string(seen.size()) + " different tasks found with these settings, " +
                                          std::to_string(splits.train) + " + " + std::to_string(splits.validation) + " + " + std::to_string(splits.test) +
                                          " were asked for, as many of each level");
      auto item = draw(family, rng);
      if (!item || !seen.insert(item->content).second) continue;
      items.push_back(std::move(*item));
      draws = -1;
    }
  }
  return out;
}

}  // namespace hone::sums
