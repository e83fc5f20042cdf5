#include "pddl/plans_test_kit.h"

namespace hone::pddl {

namespace {

namespace fs = std::filesystem;

TEST(PddlPlans, AreThoseOfAnIndependentPlannerAndPassAnIndependentValidator) {
  const fs::path root = std::getenv("HONE_SOURCE_DIR");
  RecordedPlans recorded(30'000);
  const std::string errands = slurp(root / "tests/fixtures/pddl/errands.pddl"), task = slurp(root / "tests/fixtures/pddl/errands-1.pddl");
  recorded.compare("errands-1", errands, task);
  // Nobody can be at two places: no plan.
  const std::string goal = "(and (at ?p flat) (not (wet ?p)))";
  std::string nowhere = task;
  nowhere.replace(nowhere.find(goal), goal.size(), "(and (at ?p flat) (at ?p post))");
  recorded.compare("errands-nowhere", errands, nowhere);
  EXPECT_EQ(recorded.compared(), 2) << "the problems that are part of this repository";

  // pddlgym's, where they are there.
  const fs::path data = root / "../shared/data/pddl";
  for (const char* domain : {"gripper", "blocks", "blocks_operator_actions", "blocks_medium"}) {
    for (const char* suffix : {"", "_test"}) {
      std::error_code none;
      for (const auto& entry : fs::directory_iterator(data / (std::string(domain) + suffix), none)) {
        const std::string name = entry.path().stem().string();
        if (std::string_view(domain) == "blocks_medium" && name != "problem0" && name != "problem1") continue;  // each of the forty takes long
        recorded.compare(domain + std::string(suffix) + "/" + name, slurp(data / (std::string(domain) + ".pddl")), slurp(entry.path()));
      }
    }
  }
  RecordProperty("compared", recorded.compared());
}

}  // namespace

}  // namespace hone::pddl
