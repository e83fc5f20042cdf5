#include "core/config.h"

#include <gtest/gtest.h>

namespace hone {
namespace {

enum class Colour { red, green };
struct Sample {
  int tries = 3;
  double rate = 0.5;
  bool on = false;
  std::string name = "x";
  std::vector<std::string> words;
  Colour colour = Colour::red;
};
template <class V>
void visit(V& v, Sample& c) {
  v.field("tries", c.tries, "how often", {.min = 1, .max = 9});
  v.field("rate", c.rate, "how fast", {.min = 0});
  v.field("on", c.on, "whether");
  v.field("name", c.name, "who");
  v.field("words", c.words, "what");
  v.choice("colour", c.colour, EnumNames<Colour>{{"red", Colour::red}, {"green", Colour::green}}, "which");
}

std::string error_of(Settings given) {
  try {
    read_config<Sample>(given);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Config, ReadsEveryTypeAndKeepsDefaults) {
  Settings given = settings({{"tries", "5"}, {"on", "true"}, {"colour", "green"}});
  given["words"] = Setting{{"a", "b"}, true, ""};
  const auto c = read_config<Sample>(given);
  EXPECT_EQ(c.tries, 5);
  EXPECT_TRUE(c.on);
  EXPECT_EQ(c.colour, Colour::green);
  EXPECT_EQ(c.words, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(c.rate, 0.5);
}

TEST(Config, ErrorsShowOnlyTheStartOfWhatIsLong) {
  const std::string start = std::string(119, 'x') + "...", text = std::string(119, 'x') + "\xC3\xA9" + std::string(1'000'000, 'x');
  EXPECT_EQ(excerpt(text), start);
  EXPECT_EQ(error_of(settings({{"tries", text}})), "field 'tries': expected a whole number, got '" + start + "'");
  EXPECT_EQ(std::string(unknown_name("word", text, {"a"}).what()), "unknown word '" + start + "' (known: a)");
  const std::string many = unknown_name("word", "a", std::vector<std::string>(10'000, text.substr(0, 300))).what();
  EXPECT_LT(many.size(), 2'000U);
  EXPECT_TRUE(many.ends_with(" and 9990 more)"));
}

TEST(Config, ErrorsNamePlaceFieldExpectationAndWhatCame) {
  Settings given;
  given["tries"] = Setting{{"twelve"}, false, "a.yaml:4"};
  EXPECT_EQ(error_of(given), "a.yaml:4: field 'tries': expected a whole number, got 'twelve'");
  given["tries"] = Setting{{"12"}, false, "a.yaml:4"};
  EXPECT_EQ(error_of(given), "a.yaml:4: field 'tries': expected 1 to 9, got 12");
  given["tries"] = Setting{{"1", "2"}, true, "a.yaml:4"};
  EXPECT_EQ(error_of(given), "a.yaml:4: field 'tries': expected one value, got a list");
  EXPECT_NE(error_of(settings({{"rate", "nan"}})).find("finite"), std::string::npos);
  EXPECT_NE(error_of(settings({{"colour", "gren"}})).find("did you mean 'green'?"), std::string::npos);
}

TEST(Config, UnknownSettingsNameTheNearest) {
  Settings given;
  given["tris"] = Setting{{"1"}, false, "a.yaml:7"};
  EXPECT_EQ(error_of(given),
            "a.yaml:7: unknown setting 'tris'; did you mean 'tries'? (known: tries, rate, on, name, words, colour)");
}

TEST(Config, DescribesItself) {
  const auto docs = describe_config<Sample>();
  ASSERT_EQ(docs.size(), 6U);
  EXPECT_EQ(docs[0].name, "tries");
  EXPECT_EQ(docs[0].standard, "3");
  EXPECT_EQ(docs[0].range, "1 to 9");
  EXPECT_EQ(docs[5].range, "red | green");
}

}  // namespace
}  // namespace hone
