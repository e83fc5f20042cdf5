#include "models/llama/grammar.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace hone::llama {
namespace {

std::string made(const std::string& schema) {
  Sampling s;
  s.json_schema = schema;
  return grammar_of(s);
}

// What the Error{bad_input} says; empty when there is none. Whatever happens, nothing is printed.
std::string refused(const std::string& schema) {
  testing::internal::CaptureStderr();
  std::string why;
  try {
    made(schema);
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::bad_input);
    why = e.what();
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << schema;
  return why;
}

std::string refused_gbnf(const std::string& grammar) {
  try {
    check_gbnf(grammar);
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::bad_input);
    return e.what();
  }
  return "";
}

TEST(GrammarOf, TakesGrammarsAndMakesSchemasIntoThem) {
  Sampling s;
  EXPECT_EQ(grammar_of(s), "");
  s.grammar = "root ::= \"a\"";
  EXPECT_EQ(grammar_of(s), s.grammar);
  const std::string grammar = made(R"({"enum":["card","refund"]})");
  EXPECT_NE(grammar.find("card"), std::string::npos);
  EXPECT_NE(grammar.find("root ::="), std::string::npos);
  EXPECT_NE(refused("{"), "");
  EXPECT_NE(refused(R"({"type":"nonsense"})"), "");
  EXPECT_NE(refused(std::string(100000, '[')), "");
}

TEST(CheckGbnf, RefusesWhatWouldOverflowTheParser) {
  EXPECT_NE(refused_gbnf("root ::= " + std::string(200000, '(')), "");
  EXPECT_NE(refused_gbnf("root ::= " + std::string(501, '(') + "\"a\"" + std::string(501, ')')), "");
  EXPECT_EQ(refused_gbnf("root ::= " + std::string(500, '(') + "\"a\"" + std::string(500, ')')), "");
  EXPECT_NE(refused_gbnf("root ::= \"" + std::string(300000, 'a') + "\""), "");
  EXPECT_NE(refused_gbnf(std::string("root ::= \"a\"\0(", 15)), "");
  std::string brackets = "root ::= \"" + std::string(600, '(') + "\" [" + std::string(600, '(') + "\\]" + std::string(600, '(') + "] # ";
  EXPECT_EQ(refused_gbnf(brackets + std::string(600, '(')), "") << "in literals, classes and comments they are letters";
  EXPECT_NE(refused_gbnf(brackets + "\n" + std::string(600, '(')), "");
}

TEST(CheckGbnf, RefusesRepetitionsThatWouldBeReadAsOthers) {
  EXPECT_EQ(refused_gbnf("root ::= \"a\"{2,2000} [b]{ 3 , } [c]{0}"), "");
  EXPECT_NE(refused_gbnf("root ::= \"a\"{0,2001}"), "") << "would be without end";
  EXPECT_NE(refused_gbnf("root ::= \"a\"{3,2}"), "") << "would take all memory";
  EXPECT_NE(refused_gbnf("root ::= \"a\"{3, 2 }"), "");
  EXPECT_NE(refused_gbnf("root ::= \"a\"{99999999999999999999999}"), "");
}

TEST(CheckSchema, KeepsWhatAGrammarCanHold) {
  for (const char* schema : {
           R"({})",
           R"({"type":"object","properties":{"queue":{"enum":["card","refund"]},"urgent":{"type":"boolean"}},"required":["queue"],"additionalProperties":false})",
           R"({"title":"t","description":"d","type":"string","pattern":"^[a-z]{2,5}(-[0-9]+)?$"})",
           R"({"type":["string","null"],"minLength":2,"maxLength":20})",
           R"({"type":"string","format":"date"})",
           R"({"type":"string","format":"email"})",
           R"({"type":"integer","minimum":1,"exclusiveMaximum":10})",
           R"({"type":"array","items":{"type":"number"},"minItems":1,"maxItems":3,"uniqueItems":false})",
           R"({"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"minItems":2,"maxItems":2})",
           R"({"anyOf":[{"type":"string"},{"type":"integer"}]})",
           R"({"$defs":{"tree":{"type":"object","properties":{"left":{"$ref":"#/$defs/tree"}}}},"$ref":"#/$defs/tree"})",
           R"({"allOf":[{"properties":{"a":{"type":"string"}}},{"properties":{"b":{"type":"string"}}}]})",
           R"({"type":"object","properties":{"not":{"type":"string"},"if":{"const":1},"pattern":{"type":"number"}}})",
       })
    EXPECT_EQ(refused(schema), "") << schema;
}

TEST(CheckSchema, RefusesWhatItCannotHoldAndNamesIt) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {R"({"type":"string","pattern":"^(?=.*[0-9])[a-z]+$"})", "group syntax"},
      {R"({"type":"object","properties":{"id":{"type":"string","pattern":"[0-9]+"}}})", "not anchored"},
      {R"({"type":"string","pattern":"^\\d+$"})", "\\d"},
      {R"({"type":"string","pattern":"^[a-z]+$","maxLength":5})", "\"maxLength\""},
      {R"({"type":"object","properties":{"age":{"type":"number","minimum":0}}})", "#/properties/age: a grammar can't enforce \"minimum\""},
      {R"({"type":"integer","multipleOf":5})", "multipleOf"},
      {R"({"type":"array","items":{"type":"string"},"uniqueItems":true})", "uniqueItems"},
      {R"({"type":"string","maxLength":4294967297})", "at most 2000"},
      {R"({"type":"object","required":["a"]})", "\"a\""},
      {R"({"type":"object","properties":{"a":{}},"minProperties":1})", "minProperties"},
      {R"({"type":"object","oneOf":[{"type":"object"}]})", "\"type\""},
      {R"({"not":{"type":"string"}})", "\"not\""},
      {R"({"minimum":3})", "\"minimum\""},
      {R"({"allOf":[{"type":"string","pattern":"^a$"},{"type":"string"}]})", "allOf"},
      {R"({"$defs":{"n":{"type":"number","maximum":1}},"type":"array","items":{"$ref":"#/$defs/n"}})", "#/$defs/n"},
      {R"({"type":"string","pattern":"^a{0,5000}$"})", "at most 2000"},
      {R"({"type":"object","properties":{")" + std::string(40000, '.') + R"(":{}}})", "property names"},
      {R"({"$ref":"#/)" + std::string(40000, '.') + R"("})", "$ref"},
  };
  for (const auto& [schema, word] : cases) EXPECT_NE(refused(schema).find(word), std::string::npos) << schema.substr(0, 200) << "\n" << refused(schema);
}

TEST(CheckSchema, IsBoundedInSize) {
  EXPECT_NE(refused(R"({"enum":[")" + std::string(70000, 'a') + R"("]})"), "");
  std::string chain = R"({"$ref":"#/$defs/a0","$defs":{)";
  for (int i = 0; i < 1500; ++i) chain += "\"a" + std::to_string(i) + R"(":{"$ref":"#/$defs/a)" + std::to_string(i + 1) + "\"},";
  EXPECT_EQ(refused(chain + R"("a1500":{"type":"string"}}})"), "") << "recursion that fits the stack";
}

}  // namespace
}  // namespace hone::llama
