#include "envs/csv.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace hone {
namespace {

std::string refusal(std::string_view text) {
  try {
    parse_csv(text, "f.csv");
  } catch (const Error& e) {
    return e.what();
  }
  return "accepted";
}

using Fields = std::vector<std::string>;

TEST(Csv, ReadsQuotesCommasAndLineBreaksInsideFields) {
  const auto t = parse_csv("text,label\n\"a, \"\"b\"\"\nc\",x\nplain 5\" wide,y\n", "f.csv");
  EXPECT_EQ(t.header, (Fields{"text", "label"}));
  ASSERT_EQ(t.rows.size(), 2U);
  EXPECT_EQ(t.rows[0].fields, (Fields{"a, \"b\"\nc", "x"}));
  EXPECT_EQ(t.rows[0].line, 2);
  EXPECT_EQ(t.rows[1].fields, (Fields{"plain 5\" wide", "y"}));
  EXPECT_EQ(t.rows[1].line, 4);
}

TEST(Csv, AllLineEndsAndAByteOrderMarkGiveTheSameRows) {
  for (const std::string text : {"a,b\n1,2\n\n3,\n", "\xEF\xBB\xBF" "a,b\r\n1,2\r\n\r\n3,\r\n", "a,b\r1,2\r\r3,", "a,b\n1,2\n3,"}) {
    const auto t = parse_csv(text, "f.csv");
    EXPECT_EQ(t.header, (Fields{"a", "b"})) << text;
    ASSERT_EQ(t.rows.size(), 2U) << text;
    EXPECT_EQ(t.rows[1].fields, (Fields{"3", ""})) << text;
  }
}

TEST(Csv, ErrorsNameFileLineAndColumn) {
  EXPECT_EQ(refusal("a,b\n1,\"open\n2,3\n").substr(0, 10), "f.csv:2:3:");
  EXPECT_EQ(refusal("a,b\n\"x\ny\"z,2\n").substr(0, 10), "f.csv:3:3:");
  EXPECT_NE(refusal("a,b\n1,2\n1,2,3\n").find("f.csv:3:1: expected 2 fields as in the header, got 3"), std::string::npos);
  EXPECT_NE(refusal("a,b\n1\n").find("got 1"), std::string::npos);
  EXPECT_NE(refusal("").find("expected a header line"), std::string::npos);
  EXPECT_NE(refusal("a,b\nx\xFFy,2\n").find("f.csv:2:2: not valid UTF-8"), std::string::npos);
  EXPECT_NE(refusal(std::string_view("a,b\n1,\0\n", 8)).find("f.csv:2:3: a NUL byte"), std::string::npos);
}

TEST(Csv, RefusesOverlongAndSurrogateForms) {
  for (const char* bad : {"\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82"})
    EXPECT_NE(refusal(std::string("a\n") + bad + "\n").find("not valid UTF-8"), std::string::npos);
  EXPECT_EQ(parse_csv("a\n\xE2\x82\xAC \xF0\x9F\x98\x80 \xC3\xA9\n", "f.csv").rows.size(), 1U);
}

}  // namespace
}  // namespace hone
