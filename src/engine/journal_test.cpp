#include "engine/journal.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "engine/engine_test_kit.h"

namespace hone {
namespace {

Episode episode(const std::string& key) {
  Episode e;
  e.key = key;
  e.task.id = key;
  e.score = 1.0;
  return e;
}

TEST(Journal, AnUnfinishedLastLineIsDroppedAndOnlyThat) {
  test::Folder scratch;
  const auto path = (scratch / "j.jsonl").string();
  {
    Journal j(path);
    j.append(episode("a"));
    j.append(episode("b"));
  }
  std::ofstream(path, std::ios::app) << "{\"id\":\"cut";
  Journal again(path);
  EXPECT_TRUE(again.find("a").has_value());
  EXPECT_TRUE(again.find("b").has_value());
  again.append(episode("c"));
  EXPECT_TRUE(Journal(path).find("c").has_value());
}

TEST(Journal, ABadLineInTheMiddleNamesItsPlace) {
  test::Folder scratch;
  const auto path = (scratch / "j.jsonl").string();
  std::ofstream(path) << "not json\n";
  try {
    Journal j(path);
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("j.jsonl:1"), std::string::npos);
  }
  EXPECT_THROW(Journal("/nowhere/at/all.jsonl"), Error);
}

}  // namespace
}  // namespace hone
