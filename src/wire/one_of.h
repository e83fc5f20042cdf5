// The grammar (GBNF) that says "one of these texts", written and read again.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::wire {

std::string one_of_grammar(std::span<const std::string> texts);
// The texts of a grammar of exactly that form; nothing for any other.
std::optional<std::vector<std::string>> texts_of_grammar(std::string_view grammar);

}  // namespace hone::wire
