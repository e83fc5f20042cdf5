// Provenance (developmental_support, section 6, item 6) and what is read from files.
#include "learners/developmental/records.h"

#include <fstream>

#include "core/folder_test_kit.h"
#include "learners/developmental/developmental_test_kit.h"

namespace hone::developmental {
namespace {

using test::lived;
using test::thrown;

TEST(DevelopmentalRecords, EveryPairNamesItsWholeCycleByIdAndHash) {
  const Story s = lived();
  const auto from = provenance(s);
  ASSERT_EQ(from.size(), 6U);
  for (const char* role : {"dilemma", "experience", "reflection", "analysis", "hypothesis", "revision"}) {
    ASSERT_TRUE(from.contains(role)) << role;
    EXPECT_EQ(from[role]["hash"].get<std::string>().size(), 64U) << role;
  }
  EXPECT_EQ(from["revision"]["id"], "d1/attempt/2");
  EXPECT_EQ(from["analysis"]["id"], "d1/analysis/2");
}

TEST(DevelopmentalRecords, WithoutAnyOneOfThemThereIsNoPair) {
  const Story whole = lived();
  const auto from = provenance(whole);
  for (const auto& [role, link] : from.items()) {
    Story s = whole;
    std::erase_if(s.records, [&](const Record& r) { return r.id == link["id"]; });
    EXPECT_EQ(s.records.size() + 1, whole.records.size());
    EXPECT_NE(thrown([&] { provenance(s); }).find(link["id"].get<std::string>() + ", which is not there"), std::string::npos) << role;
    EXPECT_NE(thrown([&] { select_pairs({s}, test::small(), [](std::string_view t) { return static_cast<int>(t.size()); }); }).find("not there"), std::string::npos) << role;
  }
}

TEST(DevelopmentalRecords, AChangedRecordIsNamed) {
  Story s = lived();
  for (auto& r : s.records)
    if (r.kind == "reflection") r.body["values_used"] = {"something nicer"};
  EXPECT_NE(thrown([&] { provenance(s); }).find("d1/reflection/1 was changed"), std::string::npos);
  EXPECT_NE(thrown([&] { story_from_json(to_json(s), "here"); }).find("was changed"), std::string::npos);
}

TEST(DevelopmentalRecords, AStoryComesBackFromItsJsonAsItWas) {
  const Story s = lived();
  const auto json = to_json(s);
  EXPECT_EQ(wire::dump(to_json(story_from_json(json, "here"))), wire::dump(json));
}

TEST(DevelopmentalRecords, RecordsHoldWhatTheSpecificationLists) {
  const Story s = lived();
  for (const auto& r : s.records) {
    const auto has = [&](std::initializer_list<const char*> names) {
      for (const char* name : names) EXPECT_TRUE(r.body.contains(name)) << r.id << ": " << name;
    };
    if (r.kind == "dilemma") has({"split", "domain", "scenario", "question", "source"});
    if (r.kind == "attempt") has({"role", "model", "sampling", "action", "reason", "raw"});
    if (r.kind == "reflection") has({"how_i_thought", "values_used", "who_was_considered", "who_was_ignored", "raw"});
    if (r.kind == "analysis") has({"stage", "evidence", "ceiling_reason", "raw"});
    if (r.kind == "hypothesis") has({"next_stage_target", "change_in_thinking", "change_in_action", "raw"});
  }
  EXPECT_EQ(s.records.size(), 1U + 1U + 1U + 3U * 2U);  // two rounds
}

TEST(DevelopmentalRecords, SituationsFromAFileAreCheckedLineByLine) {
  const hone::test::Folder folder;
  const std::string path = (folder / "situations.jsonl").string();
  const auto with = [&](const std::string& text) {
    std::ofstream(path) << text;
    return thrown([&] { read_situations(path); });
  };
  EXPECT_NE(with("{\"id\":\"a\",\"split\":\"train\",\"scenario\":\"s\"}\n").find("situations.jsonl:1.question"), std::string::npos) << with("{\"id\":\"a\",\"split\":\"train\",\"scenario\":\"s\"}\n");
  EXPECT_NE(with("{\"id\":\"a\",\"split\":\"dev\",\"scenario\":\"s\",\"question\":\"q\"}\n").find("expected train or unseen, got 'dev'"), std::string::npos);
  const std::string good = "{\"id\":\"a\",\"split\":\"unseen\",\"scenario\":\"s\",\"question\":\"q\"}\n";
  EXPECT_NE(with(good + good).find(":2: two dilemmas have the id 'a'"), std::string::npos);
  EXPECT_NE(with("\n").find("expected at least one line"), std::string::npos);
  std::ofstream(path) << good;
  EXPECT_TRUE(read_situations(path).at(0).unseen);
}

}  // namespace
}  // namespace hone::developmental
