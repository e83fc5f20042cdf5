// Letters as Python sees them: str.lower, str.isspace and the \w of its re module, for scores whose definition is a Python
// program. Tables written by tests/reference/unicode_tables.py (Unicode 14.0).
#pragma once

#include <string>
#include <string_view>

namespace hone::unicode {

// Code points of a text; bytes that are not UTF-8 become U+FFFD.
std::u32string decoded(std::string_view utf8);
std::string encoded(std::u32string_view text);

// str.lower, but for the capital sigma: it becomes a final sigma where a letter or digit stands before it and none behind it
// (Python looks past apostrophes and the like, and only at letters that have a case).
std::u32string lowered(std::u32string_view text);
std::string lowered(std::string_view utf8);

bool is_space(char32_t c);
bool is_word(char32_t c);  // letter, digit or '_'
bool is_ascii_punctuation(char32_t c);  // string.punctuation

}  // namespace hone::unicode
