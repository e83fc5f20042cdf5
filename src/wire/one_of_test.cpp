#include "wire/one_of.h"

#include <gtest/gtest.h>

namespace hone::wire {
namespace {

TEST(OneOf, IsWrittenAndReadAgain) {
  const std::vector<std::string> texts{"Left", "say \"hi\" \\ bye", "two\nlines", "a | b", ""};
  EXPECT_EQ(texts_of_grammar(one_of_grammar(texts)), texts);
  EXPECT_EQ(one_of_grammar(std::vector<std::string>{"Up", "Down"}), "root ::= \"Up\" | \"Down\"");
}

TEST(OneOf, OtherGrammarsAreNotRead) {
  for (const char* other : {"", "root ::= ", "root ::= [a-z]+", "root ::= \"a", "root ::= \"a\" b", "root ::= \"a\" | ", "root ::= \"\\x41\"", "root ::= \"a\"\nb ::= \"c\""})
    EXPECT_FALSE(texts_of_grammar(other)) << other;
}

}  // namespace
}  // namespace hone::wire
