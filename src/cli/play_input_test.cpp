#include "cli/play_input.h"

#include <gtest/gtest.h>

#include "cli/terminal.h"

namespace hone::cli {
namespace {

const std::vector<std::string> queues{"card arrival", "card lost", "Cash_withdrawal", "top up"};

std::string action(std::string_view line, const std::vector<std::string>& choices = queues) {
  const Typed typed = read_typed(line, choices);
  return typed.kind == Typed::action ? typed.text : "(" + typed.text + ")";
}
Typed::Kind kind(std::string_view line, const std::vector<std::string>& choices = queues) { return read_typed(line, choices).kind; }

TEST(Typed, ANumberANameOrItsBeginningPicksAChoice) {
  EXPECT_EQ(action("2"), "card lost");
  EXPECT_EQ(action(" card lost \r"), "card lost");
  EXPECT_EQ(action("CARD_LOST"), "card lost");
  EXPECT_EQ(action("cash w"), "Cash_withdrawal");
  EXPECT_EQ(action("t"), "top up");
  EXPECT_EQ(action("card"), "('card' may be card arrival, card lost)");
  EXPECT_EQ(action("5"), "(expected a number from 1 to 4, got 5)");
  EXPECT_EQ(action("0"), "(expected a number from 1 to 4, got 0)");
  EXPECT_EQ(action("99999999999999999999"), "(expected a number from 1 to 4, got 99999999999999999999)");
  EXPECT_EQ(action("card losd"), "(no action here is called 'card losd'; did you mean 'card lost'?; =card losd sends it as it is, ? for help)");
  EXPECT_EQ(action(""), "(expected an action; ? for help)");
}

TEST(Typed, AWholeNameWinsOverLongerOnesAndOverNumbers) {
  EXPECT_EQ(action("go", {"go", "go on"}), "go");
  EXPECT_EQ(action("2", {"10", "2", "3"}), "2");
  EXPECT_EQ(action("3", {"10", "2", "30"}), "30");  // a beginning
  EXPECT_EQ(action("a", {"A", "a"}), "a");
  EXPECT_EQ(action("b", {"B", "B_"}), "B");
}

TEST(Typed, CommandsUnlessAChoiceIsCalledSo) {
  EXPECT_EQ(kind("?"), Typed::help);
  EXPECT_EQ(kind("Help"), Typed::help);
  EXPECT_EQ(kind("u"), Typed::undo);
  EXPECT_EQ(kind("undo"), Typed::undo);
  EXPECT_EQ(kind("skip"), Typed::skip);
  EXPECT_EQ(kind("q"), Typed::quit);
  EXPECT_EQ(action("quit", {"quit", "stay"}), "quit");
  const std::vector<std::string> ways{"left", "down", "right", "up"};
  EXPECT_EQ(action("u", ways), "up");
  EXPECT_EQ(kind("undo", ways), Typed::undo);
  EXPECT_EQ(command_names(Typed::undo, ways), "undo");
  EXPECT_EQ(command_names(Typed::undo, queues), "u, undo");
}

TEST(Typed, FreeTextIsTakenAsItIsAndEqualsSendsAnything) {
  EXPECT_EQ(action("go to the hall", {}), "go to the hall");
  EXPECT_EQ(action("7", {}), "7");
  EXPECT_EQ(action("=quit", {}), "quit");
  EXPECT_EQ(action("=no such queue"), "no such queue");
  EXPECT_EQ(kind("quit", {}), Typed::quit);
}

TEST(Typed, RefusesWhatIsNoText) {
  EXPECT_EQ(action(std::string(10'000, 'x'), {}), "(expected at most 4096 bytes in a line)");
  EXPECT_EQ(action("a\xff", {}), "(expected UTF-8, got other bytes)");
  EXPECT_EQ(action("\x1b[A", {}), "(expected text, got control characters (an arrow key?))");
  EXPECT_EQ(action("a\xC2\x9B" "2J", {}), "(expected text, got control characters (an arrow key?))");
  EXPECT_EQ(action("tab\tstop", {}), "tab\tstop");
}

TEST(Columns, FitTheTerminalAndReadDownwards) {
  const std::vector<std::string> five{"a", "bb", "ccc", "d", "e"};
  EXPECT_EQ(in_columns(five, 20), (std::vector<std::string>{" 1 a     4 d", " 2 bb    5 e", " 3 ccc"}));
  EXPECT_EQ(in_columns(five, 3), (std::vector<std::string>{" 1 a", " 2 bb", " 3 ccc", " 4 d", " 5 e"}));
  EXPECT_EQ(in_columns({"\x1b[31mred\n"}, 80), std::vector<std::string>{" 1 .[31mred "});
  EXPECT_TRUE(in_columns({}, 80).empty());
  std::vector<std::string> many;
  for (int i = 0; i < 77; ++i) many.push_back("queue " + std::string(static_cast<std::size_t>(i % 20), 'x') + "é");
  for (const std::size_t most : {30U, 60U, 80U, 100U})
    for (const auto& line : in_columns(many, most)) EXPECT_LE(width(line), most);
}

}  // namespace
}  // namespace hone::cli
