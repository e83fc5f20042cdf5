#include "envs/sums/arithmetic.h"

#include <algorithm>

#include "core/error.h"
#include "envs/gsm8k.h"
#include "envs/sums/one_move.h"

namespace hone {

namespace {

struct Level {
  std::string name;
  int digits, terms;
  std::string operations;
};

const std::vector<Level>& known_levels() {
  static const std::vector<Level> levels{{"1", 2, 2, "+-"}, {"2", 3, 3, "+-"}, {"3", 2, 2, "*"}, {"4", 2, 3, "+-*"}, {"5", 3, 4, "+-*"}, {"6", 2, 4, "+-*/"}};
  return levels;
}

std::vector<Level> wanted_levels(const ArithmeticConfig& c) {
  std::vector<Level> out;
  for (const auto& name : c.levels) {
    if (name == "own") {
      std::string operations;
      for (const auto& op : c.operations) operations += op;
      out.push_back({"own", c.digits, c.terms, operations});
      continue;
    }
    const auto it = std::find_if(known_levels().begin(), known_levels().end(), [&](const Level& l) { return l.name == name; });
    if (it == known_levels().end()) throw unknown_name("level", name, {"1", "2", "3", "4", "5", "6", "own"}, "arithmetic.levels");
    out.push_back(*it);
  }
  return out;
}

std::int64_t power_of_ten(int n) {
  std::int64_t out = 1;
  while (n-- > 0) out *= 10;
  return out;
}

// Products of a chain: sign, then factors with * or /.
struct Product {
  char sign;
  std::vector<std::pair<char, std::int64_t>> factors;
};
std::vector<Product> products_of(const Chain& chain) {
  std::vector<Product> out{{'+', {{'*', chain.numbers[0]}}}};
  for (std::size_t i = 0; i < chain.operations.size(); ++i) {
    const char op = chain.operations[i];
    if (op == '+' || op == '-') out.push_back({op, {{'*', chain.numbers[i + 1]}}});
    else out.back().factors.emplace_back(op, chain.numbers[i + 1]);
  }
  return out;
}

// Nothing when a division comes up that no number of so many digits makes exact.
std::optional<Chain> draw_chain(const Level& level, Rng& rng) {
  const std::int64_t least = power_of_ten(level.digits - 1), most = power_of_ten(level.digits) - 1;
  const auto number = [&] { return least + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(most - least + 1))); };
  Chain chain{{number()}, {}};
  sums::Whole product = chain.numbers[0];  // of the factors since the last + or -
  for (int i = 1; i < level.terms; ++i) {
    const char op = level.operations[rng.below(level.operations.size())];
    std::int64_t next = number();
    if (op == '/') {
      std::vector<std::int64_t> exact;
      const std::int64_t up_to = std::min<std::int64_t>(most, least + 10'000);
      for (std::int64_t d = std::max<std::int64_t>(2, least); d <= up_to; ++d)
        if (product % d == 0) exact.push_back(d);
      if (exact.empty()) return std::nullopt;
      next = exact[rng.below(exact.size())];
      product /= next;
    } else {
      product = op == '*' ? product * next : sums::Whole{next};
    }
    chain.operations += op;
    chain.numbers.push_back(next);
  }
  return chain;
}

WorldFacts arithmetic_facts(const ArithmeticConfig& c) {
  WorldFacts f;
  f.name = "arithmetic";
  f.role = "You calculate: work the expression out step by step in your thoughts, then say the result.";
  f.action_help = std::string("There is one answer, and it is final. ") +
                  (c.answer == SumAnswer::boxed ? "It ends with the result in a box, as in: \\boxed{42}" : "It is one whole number, written in digits.");
  f.task_word = "Calculate";
  f.action_word = "Answer";
  f.max_steps = 1;
  f.failure_reasons = {"the result was wrong"};
  return f;
}

}  // namespace

void validate(const ArithmeticConfig& c) {
  const auto refuse = [](const std::string& why) { throw Error(Fault::bad_input, "arithmetic: " + why); };
  if (c.levels.empty()) refuse("expected at least one level, got none");
  for (const auto& level : wanted_levels(c)) {
    if (level.digits * level.terms > 36) refuse("expected digits times terms at most 36, got " + std::to_string(level.digits) + " times " + std::to_string(level.terms));
    if (level.operations.empty()) refuse("expected some operations, got none");
  }
  for (const auto& op : c.operations)
    if (op != "+" && op != "-" && op != "*" && op != "/") throw unknown_name("operation", op, {"+", "-", "*", "/"}, "arithmetic.operations");
  if (c.splits.fit) refuse("fit is for worlds with files; as many tasks are generated as are asked for");
}

std::string Chain::text() const {
  std::string out = std::to_string(numbers[0]);
  for (std::size_t i = 0; i < operations.size(); ++i) out += std::string(" ") + operations[i] + " " + std::to_string(numbers[i + 1]);
  return out;
}

std::string Chain::content() const {
  std::vector<std::string> parts;
  for (auto& product : products_of(*this)) {
    std::sort(product.factors.begin(), product.factors.end());
    std::string part(1, product.sign);
    for (const auto& [op, number] : product.factors) part += op + std::to_string(number);
    parts.push_back(part);
  }
  std::sort(parts.begin(), parts.end());
  std::string out;
  for (const auto& part : parts) out += part;
  return out;
}

sums::Whole Chain::value() const {
  sums::Whole sum = 0;
  for (const auto& product : products_of(*this)) {
    sums::Whole value = 1;
    for (const auto& [op, number] : product.factors) value = op == '*' ? value * number : value / number;
    sum += product.sign == '+' ? value : -value;
  }
  return sum;
}

std::unique_ptr<World> open_arithmetic(const Settings& settings) {
  const auto config = read_config<ArithmeticConfig>(settings);
  const auto levels = wanted_levels(config);
  std::unordered_map<std::string, std::string> value_of;  // by content
  auto items = sums::make_items("arithmetic", config.splits, levels.size(), [&](std::size_t family, Rng& rng) -> std::optional<sums::Item> {
    const auto chain = draw_chain(levels[family], rng);
    if (!chain) return std::nullopt;
    sums::Item item{"level-" + levels[family].name, chain->text(), chain->content()};
    value_of[item.content] = sums::to_text(chain->value());
    return item;
  });
  const auto check = [value_of = std::move(value_of), only_boxed = config.answer == SumAnswer::boxed](const std::string& content, std::string_view answer) {
    const auto box = sums::boxed(answer);
    if (only_boxed && !box) return sums::verdict(false, "there is no \\boxed{} in this answer", {});
    const auto said = last_number(box ? *box : answer);
    if (!said) return sums::verdict(false, "there is no number in this answer", {});
    return sums::verdict(*said == value_of.at(content), {}, excerpt(*said));
  };
  return std::make_unique<sums::OneMoveWorld>(arithmetic_facts(config), std::move(items), check);
}

constinit const EnvEntry env_arithmetic{.name = "arithmetic", .summary = "calculate an expression of whole numbers, by levels",
                                        .fields = &describe_config<ArithmeticConfig>, .open = &open_arithmetic, .open_batch = nullptr, .needs_settings = false};

}  // namespace hone
