#include "envs/sums/exact.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/error.h"

namespace hone::sums {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

Whole common_divisor(Whole a, Whole b) {
  while (b != 0) a = std::exchange(b, a % b);
  return a < 0 ? -a : a;
}

// Blanks left out, other ways to write a sign replaced.
std::string plain_signs(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, char>, 7> others{
      {{"\xC3\x97", '*'}, {"\xC2\xB7", '*'}, {"\xC3\xB7", '/'}, {"\xE2\x88\x92", '-'}, {"\\times", '*'}, {"\\cdot", '*'}, {"\\div", '/'}}};
  std::string out;
  while (!text.empty()) {
    const auto it = std::find_if(others.begin(), others.end(), [&](const auto& o) { return text.starts_with(o.first); });
    if (it != others.end()) {
      out += it->second;
      text.remove_prefix(it->first.size());
      continue;
    }
    // A blank between digits stays, so that "1 2" is not 12.
    const char c = text.front() == '\t' || text.front() == '\n' || text.front() == '\r' ? ' ' : text.front();
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
    text.remove_prefix(1);
  }
  return out;
}

// One pass, recursive descent; the first error wins.
class Reader {
 public:
  explicit Reader(std::string text) : text_(std::move(text)) {}

  Evaluated read() {
    Rational value = sum(0);
    if (out_.error.empty() && peek() != '\0') fail("expected + - * / or the end, got '" + excerpt(text_.substr(at_)) + "'");
    if (out_.error.empty()) out_.value = value;
    return std::move(out_);
  }

 private:
  char peek() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  void fail(const std::string& why) {
    if (out_.error.empty()) out_.error = why;
  }
  Rational combine(char op, const Rational& a, const Rational& b) {
    if (!out_.error.empty()) return {};
    if (const auto value = apply(op, a, b)) return *value;
    fail(op == '/' && b.above == 0 ? "it divides by zero" : "its numbers grow too large");
    return {};
  }
  Rational sum(int depth) {
    Rational value = product(depth);
    while (out_.error.empty() && (peek() == '+' || peek() == '-')) {
      const char op = text_[at_++];
      value = combine(op, value, product(depth));
    }
    return value;
  }
  Rational product(int depth) {
    Rational value = factor(depth);
    while (out_.error.empty() && (peek() == '*' || peek() == '/')) {
      const char op = text_[at_++];
      value = combine(op, value, factor(depth));
    }
    return value;
  }
  Rational factor(int depth) {
    const char c = peek();
    if (c == '(') {
      if (depth == deepest_expression) return fail("more than " + std::to_string(deepest_expression) + " parentheses in one another"), Rational{};
      ++at_;
      const Rational value = sum(depth + 1);
      if (out_.error.empty() && peek() != ')') fail("')' is missing");
      ++at_;
      return value;
    }
    if (!is_digit(c)) return fail(c == '\0' ? "a number is missing at the end" : "expected a number or '(', got '" + excerpt(text_.substr(at_)) + "'"), Rational{};
    std::int64_t number = 0;
    const std::size_t from = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) {
      if (at_ - from == 9) return fail("a number has more than 9 digits"), Rational{};
      number = number * 10 + (text_[at_++] - '0');
    }
    out_.numbers.push_back(number);
    return {number, 1};
  }

  std::string text_;
  std::size_t at_ = 0;
  Evaluated out_;
};

}  // namespace

std::string to_text(Whole value) {
  const bool negative = value < 0;
  std::string out;
  do {
    const auto digit = static_cast<int>(value % 10);
    out += static_cast<char>('0' + (digit < 0 ? -digit : digit));
    value /= 10;
  } while (value != 0);
  if (negative) out += '-';
  std::reverse(out.begin(), out.end());
  return out;
}

std::string to_text(const Rational& value) { return to_text(value.above) + (value.below == 1 ? "" : "/" + to_text(value.below)); }

std::optional<Rational> apply(char op, const Rational& a, const Rational& b) {
  Whole above = 0, below = 0, other = 0;
  bool lost = false;
  if (op == '+' || op == '-') {
    lost |= __builtin_mul_overflow(a.above, b.below, &above);
    lost |= __builtin_mul_overflow(b.above, a.below, &other);
    lost |= op == '+' ? __builtin_add_overflow(above, other, &above) : __builtin_sub_overflow(above, other, &above);
    lost |= __builtin_mul_overflow(a.below, b.below, &below);
  } else {
    const bool divide = op == '/';
    if (divide && b.above == 0) return std::nullopt;
    lost |= __builtin_mul_overflow(a.above, divide ? b.below : b.above, &above);
    lost |= __builtin_mul_overflow(a.below, divide ? b.above : b.below, &below);
    if (below < 0) {
      lost |= __builtin_sub_overflow(Whole{0}, above, &above);
      lost |= __builtin_sub_overflow(Whole{0}, below, &below);
    }
  }
  if (lost) return std::nullopt;
  const Whole divisor = common_divisor(above, below);
  return Rational{above / divisor, below / divisor};
}

Evaluated evaluate(std::string_view expression) {
  Evaluated out;
  if (expression.size() > longest_expression) {
    out.error = "it is longer than " + std::to_string(longest_expression) + " characters";
    return out;
  }
  return Reader(plain_signs(expression)).read();
}

}  // namespace hone::sums
