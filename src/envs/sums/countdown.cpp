#include "envs/sums/countdown.h"

#include <algorithm>

#include "core/error.h"
#include "envs/sums/one_move.h"
#include "wire/text_file.h"

namespace hone {

namespace {

struct Puzzle {
  std::vector<std::int64_t> numbers;
  std::int64_t target = 0;
};

// Numbers joined two by two at random until one is left, in whole positive steps: so there is a solution that uses each number.
std::optional<Puzzle> draw_puzzle(const CountdownConfig& c, int count, Rng& rng) {
  constexpr std::int64_t largest_step = 1'000'000;
  Puzzle out;
  for (int i = 0; i < count; ++i) out.numbers.push_back(1 + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(c.max_number))));
  auto left = out.numbers;
  while (left.size() > 1) {
    rng.shuffle(left);
    const std::int64_t a = left.back(), b = left[left.size() - 2];
    left.resize(left.size() - 2);
    switch (rng.below(4)) {
      case 0: left.push_back(a + b); break;
      case 1: left.push_back(a - b); break;
      case 2: left.push_back(a * b); break;
      default: left.push_back(a % b == 0 ? a / b : 0); break;
    }
    if (left.back() < 1 || left.back() > largest_step) return std::nullopt;
  }
  out.target = left[0];
  if (out.target < c.min_target || out.target > c.max_target) return std::nullopt;
  if (std::find(out.numbers.begin(), out.numbers.end(), out.target) != out.numbers.end()) return std::nullopt;  // it would be solved already
  return out;
}

std::string listed(const std::vector<std::int64_t>& numbers) {
  std::string out;
  for (std::size_t i = 0; i < numbers.size(); ++i) out += (i == 0 ? "" : i + 1 < numbers.size() ? ", " : " and ") + std::to_string(numbers[i]);
  return out;
}

WorldFacts countdown_facts(const CountdownConfig& c) {
  WorldFacts f;
  f.name = "countdown";
  f.role = "You look for an expression that has a given value: try combinations in your thoughts, then say one that fits.";
  f.action_help = std::string("There is one answer, and it is final: an expression of the given numbers with + - * / and parentheses, ") +
                  (c.use == NumberUse::each ? "each number used exactly once" : "each number used at most once") + ", as in: (3 + 4) * 6";
  f.task_word = "Task";
  f.action_word = "Expression";
  f.max_steps = 1;
  f.failure_reasons = {"the expression has another value", "a number was used that is not given, or too often"};
  if (c.use == NumberUse::each) f.failure_reasons.emplace_back("not every number was used");
  return f;
}

}  // namespace

void validate(const CountdownConfig& c) {
  const auto refuse = [](const std::string& why) { throw Error(Fault::bad_input, "countdown: " + why); };
  if (c.min_numbers > c.max_numbers) refuse("expected min_numbers at most max_numbers, got " + std::to_string(c.min_numbers) + " and " + std::to_string(c.max_numbers));
  if (c.min_target > c.max_target) refuse("expected min_target at most max_target, got " + std::to_string(c.min_target) + " and " + std::to_string(c.max_target));
  if (c.splits.fit) refuse("fit is for worlds with files; as many tasks are generated as are asked for");
}

std::string_view expression_of(std::string_view answer) {
  if (const auto box = sums::boxed(answer)) {
    answer = *box;
  } else {
    answer = trimmed(answer);
    answer = answer.substr(answer.find_last_of('\n') + 1);
    answer = answer.substr(answer.find_last_of(':') + 1);
  }
  answer = answer.substr(0, answer.find('='));
  const auto drop = [](char c) { return c == '`' || c == '$' || c == ' ' || c == '\t' || c == '\r'; };
  while (!answer.empty() && drop(answer.front())) answer.remove_prefix(1);
  while (!answer.empty() && (drop(answer.back()) || answer.back() == '.')) answer.remove_suffix(1);
  return answer;
}

std::string countdown_fault(std::string_view expression, const std::vector<std::int64_t>& numbers, std::int64_t target, NumberUse use) {
  if (expression.empty()) return "there is no expression in this answer";
  const auto found = sums::evaluate(expression);
  if (!found.error.empty()) return found.error;
  auto left = numbers;
  for (const std::int64_t n : found.numbers) {
    const auto it = std::find(left.begin(), left.end(), n);
    if (it == left.end())
      return std::to_string(n) + (std::find(numbers.begin(), numbers.end(), n) == numbers.end() ? " is not among the numbers" : " is used more often than it is given");
    left.erase(it);
  }
  if (use == NumberUse::each && !left.empty()) return listed(left) + (left.size() == 1 ? " is not used" : " are not used");
  if (found.value != sums::Rational{target, 1}) return "its value is " + sums::to_text(found.value) + ", not " + std::to_string(target);
  return {};
}

std::unique_ptr<World> open_countdown(const Settings& settings) {
  const auto config = read_config<CountdownConfig>(settings);
  std::unordered_map<std::string, Puzzle> puzzle_of;  // by content
  const auto families = static_cast<std::size_t>(config.max_numbers - config.min_numbers + 1);
  auto items = sums::make_items("countdown", config.splits, families, [&](std::size_t family, Rng& rng) -> std::optional<sums::Item> {
    const int count = config.min_numbers + static_cast<int>(family);
    auto puzzle = draw_puzzle(config, count, rng);
    if (!puzzle) return std::nullopt;
    auto sorted = puzzle->numbers;
    std::sort(sorted.begin(), sorted.end());
    sums::Item item{"numbers-" + std::to_string(count), "Make " + std::to_string(puzzle->target) + " from " + listed(puzzle->numbers) + ".",
                    listed(sorted) + " -> " + std::to_string(puzzle->target)};
    puzzle_of.emplace(item.content, std::move(*puzzle));
    return item;
  });
  const auto check = [puzzle_of = std::move(puzzle_of), use = config.use](const std::string& content, std::string_view answer) {
    const Puzzle& puzzle = puzzle_of.at(content);
    const auto expression = expression_of(answer);
    const std::string why = countdown_fault(expression, puzzle.numbers, puzzle.target, use);
    return sums::verdict(why.empty(), why, excerpt(expression));
  };
  return std::make_unique<sums::OneMoveWorld>(countdown_facts(config), std::move(items), check);
}

constinit const EnvEntry env_countdown{.name = "countdown", .summary = "reach a target with given numbers, + - * / and parentheses",
                                       .fields = &describe_config<CountdownConfig>, .open = &open_countdown, .open_batch = nullptr, .needs_settings = false};

}  // namespace hone
