#include "learners/prompt.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace hone {
namespace {

std::string failure_of(std::string_view text, const Slots& slots) {
  try {
    render_prompt(text, slots);
  } catch (const Error& e) {
    EXPECT_EQ(e.fault(), Fault::internal);
    return e.what();
  }
  return "";
}

TEST(Prompt, FillsEverySlotAsOftenAsItOccurs) {
  EXPECT_EQ(render_prompt("{{a}}, {{b_2}} and {{a}}.\n", {{"a", "x"}, {"b_2", ""}}), "x,  and x.");
  EXPECT_EQ(render_prompt("no slots { } }}\n\n", {}), "no slots { } }}\n");
}

TEST(Prompt, InsertedTextIsDataAndNeverExpandedAgain) {
  EXPECT_EQ(render_prompt("{{a}}|{{b}}", {{"a", "{{b}} {{nope}} {{"}, {"b", "secret"}}), "{{b}} {{nope}} {{|secret");
  EXPECT_EQ(render_prompt("{{a}}{{b}}", {{"a", "{{"}, {"b", "a}}"}}), "{{a}}");
}

TEST(Prompt, RefusesUnfilledUnknownAndMalformedSlots) {
  EXPECT_NE(failure_of("{{a}} {{b}}", {{"a", "1"}}).find("no value for slot 'b'"), std::string::npos);
  EXPECT_NE(failure_of("{{a}}", {{"a", "1"}, {"c", "2"}}).find("slot 'c', which it does not have"), std::string::npos);
  EXPECT_NE(failure_of("{{a}}", {{"a", "1"}, {"a", "2"}}).find("two values for slot 'a'"), std::string::npos);
  EXPECT_NE(failure_of("{{A}}", {{"A", "1"}}).find("expected a slot"), std::string::npos);
  EXPECT_NE(failure_of("x {{a", {{"a", "1"}}).find("expected a slot"), std::string::npos);
  EXPECT_NE(failure_of("{{}}", {}).find("expected a slot"), std::string::npos);
}

TEST(Prompt, RepairsInvalidUtf8OfInsertedText) { EXPECT_EQ(render_prompt("<{{a}}>", {{"a", "\xff"}}), "<\xef\xbf\xbd>"); }

TEST(Prompt, HashIsOfTheTemplateTextAndOfWhereItIsCut) {
  EXPECT_EQ(prompt_hash({"abc"}), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-4, B.1
  EXPECT_NE(prompt_hash({"ab", "c"}), prompt_hash({"a", "bc"}));
  EXPECT_NE(prompt_hash({"ab", "c"}), prompt_hash({"abc"}));
}

}  // namespace
}  // namespace hone
