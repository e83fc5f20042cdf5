#include "embedded/household_data.h"
#include "envs/household/house.h"
#include "pddl/plans_test_kit.h"

namespace hone::household {

namespace {

// Rooms of every kind with a goal of every family they offer.
TEST(HouseholdPlans, AreThoseOfAnIndependentPlannerAndPassAnIndependentValidator) {
  const std::string domain(household_data("household.pddl"));
  pddl::RecordedPlans recorded(60'000);
  for (const RoomKind& kind : tables().rooms) {
    for (const Family family : families) {
      if (!offers(kind, family)) continue;
      for (std::uint64_t seed = 0;; ++seed) {
        const House house = furnish(draw_room(kind, 10, Rng(seed)), family, Rng(seed).split("things"));
        if (house.goal.empty()) continue;
        const std::string name = kind.name + "-" + std::string(name_of(family)), problem = problem_text(house);
        recorded.compare(name, domain, problem);
        // Without the appliance the goal is out of reach.
        const std::string appliance = family == Family::heat ? " microwavetype)" : family == Family::cool ? " fridgetype)" : family == Family::clean ? " sinkbasintype)" : "";
        if (appliance.empty()) break;
        std::istringstream in(problem);
        std::string without;
        for (std::string line; std::getline(in, line);) {
          for (std::size_t at; (at = line.find(appliance)) != std::string::npos && line.rfind("(receptacletype", at) != std::string::npos;) {
            const std::size_t from = line.rfind("(receptacletype", at);
            line.erase(from, at + appliance.size() - from);
          }
          without += line + "\n";
        }
        ASSERT_NE(without, problem);
        recorded.compare(name + "-without", domain, without);
        break;
      }
    }
  }
  EXPECT_GE(recorded.compared(), 18);
}

}  // namespace

}  // namespace hone::household
