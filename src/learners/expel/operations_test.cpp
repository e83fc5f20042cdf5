#include "learners/expel/operations.h"

#include <gtest/gtest.h>

namespace hone::expel {
namespace {

using Rules = std::vector<Rule>;
using Kinds = std::vector<OpKind>;

Rules after(const Rules& rules, const std::string& reply, const ListOptions& options = {}) {
  Rules out;
  for (const auto& changed : apply_operations(rules, parse_operations(reply, options.strict_parity), options).rules)
    out.push_back(changed.rule);
  return out;
}

std::vector<std::string> texts(const std::string& reply, bool strict = false) {
  std::vector<std::string> out;
  for (const auto& op : parse_operations(reply, strict)) out.push_back(op.text);
  return out;
}

Kinds kinds(const std::string& reply, bool strict = false) {
  Kinds out;
  for (const auto& op : parse_operations(reply, strict)) out.push_back(op.kind);
  return out;
}

using Texts = std::vector<std::string>;
const ListOptions released{.max_insights = 20, .strict_parity = true, .hard_cap = false};

// Both ways of reading must agree wherever section 9 does not ask for a difference.
class Operations : public testing::TestWithParam<bool> {
 protected:
  ListOptions options(int m = 20) const { return {.max_insights = m, .strict_parity = GetParam(), .hard_cap = false}; }
};
INSTANTIATE_TEST_SUITE_P(Both, Operations, testing::Bool());

// ---- expel.md section 10, item 1
TEST_P(Operations, CounterTable) {
  const Rules r{{"A.", 2}, {"B.", 3}};
  EXPECT_EQ(after(r, "ADD 3: C.", options()), (Rules{{"B.", 3}, {"A.", 2}, {"C.", 2}}));
  EXPECT_EQ(after(r, "EDIT 2: new.", options()), (Rules{{"new.", 4}, {"A.", 2}}));
  EXPECT_EQ(after(r, "EDIT 3: new.", options()), (Rules{{"B.", 3}, {"A.", 2}}));
  EXPECT_EQ(after(r, "AGREE 2: A.", options()), (Rules{{"A.", 3}, {"B.", 3}}));  // the text decides, not the number
  EXPECT_EQ(after(r, "AGREE 1: Unknown.", options()), (Rules{{"B.", 3}, {"A.", 2}}));
}

// ---- item 2
TEST_P(Operations, RemovalAndRescueInTheSameReply) {
  EXPECT_EQ(after({{"A.", 1}}, "REMOVE 1: A.", options()), Rules{});
  EXPECT_EQ(after({{"A.", 1}}, "REMOVE 1: A.\nAGREE 1: A.", options()), (Rules{{"A.", 1}}));
  EXPECT_EQ(after({{"A.", 1}}, "AGREE 1: A.\nREMOVE 1: A.", options()), (Rules{{"A.", 1}}));
  EXPECT_EQ(after({{"A.", 1}}, "REMOVE 1: A.\nEDIT 1: Better.", options()), (Rules{{"Better.", 1}}));
}

TEST_P(Operations, RemovalCostsThreeFromFiveAboveTheTargetSize) {
  const auto list = [](int count, int others) {
    Rules rules{{"Target.", count}};
    for (int i = 0; i < others; ++i) rules.push_back({"Other " + std::to_string(i) + ".", 9});
    return rules;
  };
  const auto count_after = [&](int count, int others) {
    for (const auto& rule : after(list(count, others), "REMOVE 1: Target.", options(2)))
      if (rule.text == "Target.") return rule.count;
    return 0;
  };
  EXPECT_EQ(count_after(3, 5), 2);  // size 6 < M + 5
  EXPECT_EQ(count_after(3, 6), 0);  // size 7 = M + 5: full
  EXPECT_EQ(count_after(4, 6), 1);
}

// ---- item 3
TEST_P(Operations, ContainmentHasADirection) {
  EXPECT_EQ(after({{"A rule.", 2}}, "ADD 2: Also, A rule.", options()), (Rules{{"A rule.", 2}}));
  EXPECT_EQ(after({{"Also, A rule.", 2}}, "ADD 2: A rule.", options()), (Rules{{"Also, A rule.", 2}, {"A rule.", 2}}));
  EXPECT_EQ(after({{"A rule.", 2}}, "ADD 2: Also, a rule.", options()), (Rules{{"A rule.", 2}, {"Also, a rule.", 2}}));  // case counts
  EXPECT_EQ(after({{"A rule.", 2}, {"B.", 2}}, "EDIT 2: As said, A rule.", options()), (Rules{{"A rule.", 3}, {"B.", 2}}));  // an AGREE
  EXPECT_EQ(after({{"x.", 2}, {"A x.", 2}}, "AGREE 2: A x.", options()), (Rules{{"x.", 3}, {"A x.", 2}}));  // first match wins
}

// ---- item 4
TEST_P(Operations, ParserVectors) {
  const bool strict = GetParam();
  EXPECT_EQ(texts("ADD 1: no full stop", strict), Texts{});
  EXPECT_EQ(texts("EDIT 2: Never ADD things.", strict), Texts{});
  EXPECT_EQ(texts("EDIT 2: They AGREE on it.", strict), Texts{});
  EXPECT_EQ(texts("AGREE 2: Do not EDIT it.", strict), Texts{});
  EXPECT_EQ(texts("ADD 2: Do not REMOVE it.", strict), Texts{"Do not REMOVE it."});
  EXPECT_EQ(texts("ADD 3: New rule: X.", strict), Texts{"X."});
  EXPECT_EQ(texts("1. ADD 1: Hi.", strict), Texts{"Hi."});
  EXPECT_EQ(texts("add 1: Hi.", strict), Texts{});
  EXPECT_EQ(texts("ADD <1>: Hi.", strict), Texts{});
  EXPECT_EQ(texts("ADD 1 : Hi.", strict), Texts{});
  EXPECT_EQ(texts("ADD  1: Hi.", strict), Texts{});
  EXPECT_EQ(texts("ADD 1:Hi.", strict), Texts{});
  EXPECT_EQ(texts("ADD: Hi.", strict), Texts{"Hi."});
  EXPECT_EQ(texts("ADD 1:    Hi.  \r\n", strict), Texts{"Hi."});
  EXPECT_EQ(texts("ADD 1:  .", strict), Texts{"."});  // not empty and ends with a full stop
  EXPECT_EQ(texts("ADD 1: ", strict), Texts{});
  EXPECT_EQ(texts("READD 4: Hi.", strict), Texts{"Hi."});  // not anchored
  EXPECT_EQ(texts("ADD 1: One. ADD 2: Two.", strict), Texts{});  // one line is one text, and this one holds a keyword
  EXPECT_EQ(texts("", strict), Texts{});
  EXPECT_EQ(texts("\xff\xfe garbage :: ADD REMOVE\n\n: .", strict), Texts{});
}

TEST_P(Operations, AGreedyPrefixIsCut) {
  const bool strict = GetParam();
  EXPECT_EQ(texts("ADD 1: When stuck do this: search.", strict), Texts{"search."});
  EXPECT_EQ(texts("ADD 1: When stuck, do this: search.", strict), Texts{"When stuck, do this: search."});
  EXPECT_EQ(texts("ADD 1: a: b: c.", strict), Texts{"b: c."});
  EXPECT_EQ(texts("ADD 1: Two\nlines: kept.", strict), Texts{"kept."});  // the run goes over line breaks
  EXPECT_EQ(texts("ADD 1: note:kept.", strict), Texts{"note:kept."});
}

TEST_P(Operations, GarbageChangesNothing) {
  const Rules r{{"A.", 3}, {"B.", 2}};
  for (const char* reply : {"", "I think the rules are fine.", "ADD", "EDIT 1", "REMOVE 1:", "AGREE 2: A", "ADD 1: Hi"})
    EXPECT_EQ(after(r, reply, options()), r) << reply;
}

TEST_P(Operations, NumbersAndKindsAreRead) {
  const auto ops = parse_operations("AGREE 1: A.\nREMOVE 22: B.\nEDIT 3: C.\nADD 4: D.\nEDIT: E.\nEDIT 99999999999999999999: F.", GetParam());
  ASSERT_EQ(ops.size(), 6U);
  EXPECT_EQ(ops[0], (Operation{OpKind::upvote, 1, "A."}));
  EXPECT_EQ(ops[1], (Operation{OpKind::downvote, 22, "B."}));
  EXPECT_EQ(ops[2], (Operation{OpKind::edit, 3, "C."}));
  EXPECT_EQ(ops[3], (Operation{OpKind::add, std::nullopt, "D."}));  // its number is discarded
  EXPECT_EQ(ops[4], (Operation{OpKind::edit, std::nullopt, "E."}));
  EXPECT_GT(ops[5].number, 1000000);
  EXPECT_EQ(after({{"A.", 2}}, "EDIT: E.\nEDIT 99999999999999999999: F.", options()), (Rules{{"A.", 2}}));
}

TEST_P(Operations, MoreThanFourOperationsAreApplied) {
  EXPECT_EQ(after({}, "ADD 1: A.\nADD 2: B.\nADD 3: C.\nADD 4: D.\nADD 5: E.", options()).size(), 5U);
}

TEST_P(Operations, ThereIsNoCapOnTheListItself) {
  Rules rules;
  for (int i = 0; i < 30; ++i) rules.push_back({"Rule " + std::to_string(i) + ".", 2});
  EXPECT_EQ(after(rules, "ADD 1: One more.", options(3)).size(), 31U);
}

TEST_P(Operations, EqualCountsKeepTheirOrder) {
  Rules rules;
  for (int i = 0; i < 60; ++i) rules.push_back({"Rule " + std::to_string(i) + " of many.", 2 + i % 2});
  Rules expected;
  for (const int count : {3, 2})
    for (const auto& rule : rules)
      if (rule.count == count) expected.push_back(rule);
  EXPECT_EQ(after(rules, "nothing", options()), expected);
}

TEST_P(Operations, OrderWithinAReplyDoesNotMatterBetweenKinds) {
  // EDIT speaks of the numbers before the reply, although a rule in front of it goes.
  EXPECT_EQ(after({{"A.", 1}, {"B.", 1}}, "EDIT 2: C.\nREMOVE 1: A.", options()), (Rules{{"C.", 2}}));
  EXPECT_EQ(after({{"A.", 1}, {"B.", 1}}, "REMOVE 1: A.\nEDIT 2: C.", options()), (Rules{{"C.", 2}}));
  EXPECT_EQ(after({{"A.", 2}}, "ADD 2: New.\nAGREE 1: New.", options()), (Rules{{"A.", 2}, {"New.", 2}}));  // judged before
}

// ---- section 9: both pairs of names; EDIT 0 and duplicates are errors unless parity is asked for
TEST(OperationNames, BothPairsAreReadButTheReleaseReadsOne) {
  const std::string reply = "UPVOTE 1: A.\nDOWNVOTE 2: B.\nAGREE 1: A.\nREMOVE 2: B.";
  EXPECT_EQ(kinds(reply), (Kinds{OpKind::upvote, OpKind::downvote, OpKind::upvote, OpKind::downvote}));
  EXPECT_EQ(kinds(reply, true), (Kinds{OpKind::upvote, OpKind::downvote}));
  EXPECT_EQ(texts("ADD 1: Always UPVOTE.", false), Texts{});
}

TEST(OperationErrors, EditZeroEditsTheLastRuleOnlyUnderParity) {
  const Rules r{{"A.", 3}, {"B.", 2}};
  EXPECT_EQ(after(r, "EDIT 0: new."), r);
  EXPECT_EQ(after(r, "EDIT 0: new.", released), (Rules{{"A.", 3}, {"new.", 3}}));
  EXPECT_EQ(after({}, "EDIT 0: new.", released), Rules{});
  const auto dropped = apply_operations(r, parse_operations("EDIT 0: new."), {}).dropped;
  ASSERT_EQ(dropped.size(), 1U);
  EXPECT_EQ(dropped[0].why, "rules are numbered from 1");
}

TEST(OperationErrors, TheSameNewTextTwiceStaysTwiceOnlyUnderParity) {
  EXPECT_EQ(after({}, "ADD 1: X.\nADD 2: X."), (Rules{{"X.", 2}}));
  EXPECT_EQ(after({}, "ADD 1: X.\nADD 2: X.", released), (Rules{{"X.", 2}, {"X.", 2}}));
  EXPECT_EQ(after({{"A.", 2}}, "ADD 2: X.\nEDIT 1: X."), (Rules{{"X.", 3}}));
  EXPECT_EQ(after({{"A.", 2}}, "ADD 2: X.\nEDIT 1: X.", released), (Rules{{"X.", 3}, {"X.", 2}}));
  EXPECT_EQ(apply_operations({}, parse_operations("ADD 1: X.\nADD 2: X."), {}).dropped.size(), 1U);
}

TEST(OperationErrors, EveryDroppedOperationSaysWhy) {
  const Rules r{{"A.", 2}};
  const auto dropped = apply_operations(r, parse_operations("ADD 2: So, A.\nEDIT 7: C.\nAGREE 1: Z.\nREMOVE 1: Y."), {}).dropped;
  Texts why;
  for (const auto& d : dropped) why.push_back(d.why);
  EXPECT_EQ(why, (Texts{"it contains an existing rule", "no rule has that number", "its text is no existing rule", "its text is no existing rule"}));
}

TEST(HardCap, IsOffByDefaultAndKeepsTheListAtMWhenOn) {
  const Rules r{{"A.", 3}, {"B.", 1}};
  const ListOptions capped{.max_insights = 2, .strict_parity = false, .hard_cap = true};
  EXPECT_EQ(after(r, "ADD 3: C.", {.max_insights = 2}), (Rules{{"A.", 3}, {"C.", 2}, {"B.", 1}}));
  EXPECT_EQ(after(r, "ADD 3: C.", capped), r);
  EXPECT_EQ(after(r, "REMOVE 2: B.\nADD 3: C.", capped), (Rules{{"A.", 3}, {"C.", 2}}));  // a rule that goes makes room
  EXPECT_EQ(after({}, "ADD 1: A.\nADD 2: B.\nADD 3: C.", capped), (Rules{{"A.", 2}, {"B.", 2}}));
}

TEST(Full, IsAskedForFromMAndCostsThreeFromMPlusFive) {
  const ListOptions options{.max_insights = 8};
  EXPECT_FALSE(asks_to_hold_back(7, options));
  EXPECT_TRUE(asks_to_hold_back(8, options));
  EXPECT_FALSE(list_full(12, options));
  EXPECT_TRUE(list_full(13, options));
}

TEST(Numbered, ShowsNoCountsAndAnEmptyListAsOneEmptyItem) {
  EXPECT_EQ(numbered(Rules{}), "1. ");
  EXPECT_EQ(numbered(Rules{{"A.", 17}, {"B.", 3}}), "1. A.\n2. B.");
}

TEST(ChangedRules, SayWhereTheyComeFrom) {
  const auto applied = apply_operations(Rules{{"A.", 2}, {"B.", 2}, {"C.", 1}}, parse_operations("AGREE 2: B.\nREMOVE 3: C.\nADD 4: D."), {});
  ASSERT_EQ(applied.rules.size(), 3U);
  EXPECT_EQ(applied.rules[0].from, 1);
  EXPECT_TRUE(applied.rules[0].touched);
  EXPECT_EQ(applied.rules[1].from, 0);
  EXPECT_FALSE(applied.rules[1].touched);
  EXPECT_EQ(applied.rules[2].from, -1);
  EXPECT_TRUE(applied.rules[2].touched);
}

// ---- the grammar of constrained replies; whether a sampler accepts it is tested with local models
std::string before_words(const std::string& grammar) { return grammar.substr(0, grammar.find("sentence ::=")); }

TEST(Grammar, OfAnEmptyListOffersAddOnly) {
  EXPECT_EQ(before_words(operations_grammar({}, true, false)),
            R"(root ::= add ("\n" add){0,3}
add ::= "ADD 1: " sentence
)");
}

TEST(Grammar, HasOneLineForEachExistingRuleInOrderThenAdds) {
  EXPECT_EQ(before_words(operations_grammar(Rules{{R"(Say "no" \ often.)", 2}, {"B.", 1}}, false, true)),
            R"(root ::= line-1 on-2-3 | line-2 ("\n" add){0,3} | add ("\n" add){0,3}
add ::= "ADD 3: " sentence
line-1 ::= ("AGREE" | "REMOVE") " 1: Say \"no\" \\ often." | "EDIT 1: " sentence
line-2 ::= ("AGREE" | "REMOVE") " 2: B." | "EDIT 2: " sentence
on-2-1 ::= "\n" line-2 "" | ("\n" add){0,1}
on-2-2 ::= "\n" line-2 ("\n" add){0,1} | ("\n" add){0,2}
on-2-3 ::= "\n" line-2 ("\n" add){0,2} | ("\n" add){0,3}
)");
}

TEST(Grammar, WithoutAddEndsWithTheLastRule) {
  EXPECT_EQ(before_words(operations_grammar(Rules{{"A.", 1}, {"B.", 1}}, true, false)),
            R"(root ::= line-1 on-2-3 | line-2 ""
line-1 ::= ("UPVOTE" | "DOWNVOTE") " 1: A." | "EDIT 1: " sentence
line-2 ::= ("UPVOTE" | "DOWNVOTE") " 2: B." | "EDIT 2: " sentence
on-2-1 ::= "\n" line-2 "" | ""
on-2-2 ::= "\n" line-2 "" | ""
on-2-3 ::= "\n" line-2 "" | ""
)");
}

TEST(Grammar, OffersNoVoteThatCouldNotBeReadBack) {
  const auto grammar = operations_grammar(Rules{{"First: look.", 2}, {"B.", 1}}, true, true);
  EXPECT_NE(grammar.find("line-1 ::= \"EDIT 1: \" sentence\n"), std::string::npos);
  EXPECT_NE(grammar.find("line-2 ::= (\"UPVOTE\" | \"DOWNVOTE\") \" 2: B.\""), std::string::npos);
}

}  // namespace
}  // namespace hone::expel
