// Exact numbers and expressions in + - * / with parentheses, bounded: what a stranger writes takes neither long nor deep nor overflows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone::sums {

__extension__ typedef __int128 Whole;  // up to 1.7e38

std::string to_text(Whole value);

// In lowest terms, denominator > 0.
struct Rational {
  Whole above = 0, below = 1;
  bool operator==(const Rational&) const = default;
};
// "7", "-1", "7/2".
std::string to_text(const Rational& value);

// a op b; nothing when it divides by zero or does not fit.
std::optional<Rational> apply(char op, const Rational& a, const Rational& b);

struct Evaluated {
  Rational value;
  std::vector<std::int64_t> numbers;  // as written, in order
  std::string error;                  // why it has no value: "')' is missing"; empty = it has
};

inline constexpr std::size_t longest_expression = 400;  // bytes
inline constexpr int deepest_expression = 40;           // parentheses
// Numbers are whole, of at most 9 digits; also read: the signs for times, divided by and minus of Unicode, and \times, \cdot, \div. No sign
// stands before a number.
Evaluated evaluate(std::string_view expression);

}  // namespace hone::sums
