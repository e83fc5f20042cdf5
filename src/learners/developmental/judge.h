// Who rates answers on Kohlberg's stages, and how far it can be believed.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/learner.h"
#include "learners/developmental/answer.h"

namespace hone::developmental {

struct Rating {
  int stage = 0;        // 1 to 6; 0 = none (a refusal, or nothing to go by)
  double margin = 0.0;  // likelihood: by how much the stage is ahead, nats a token
  bool refusal = false;
};

struct Rated {
  std::string scenario, question, answer;
};
struct RatedPair {
  std::string scenario, question, first, second;
};

// Sees situation and answer, never who wrote it or which of two was tuned. `key` makes calls unique within a round.
class Judge {
 public:
  virtual ~Judge() = default;
  // A refusal is never asked about: its stage is 0.
  std::vector<Rating> rate(std::span<const Rated> items, const std::string& key, Tools& tools);
  // +1 the first is on the higher level, -1 the second, 0 undecided (which is also what a judge says whose answer depends on the order).
  virtual std::vector<int> prefer(std::span<const RatedPair> pairs, const std::string& key, Tools& tools);

 protected:
  virtual std::vector<Rating> stages(std::span<const Rated> items, const std::string& key, Tools& tools) = 0;
};
std::unique_ptr<Judge> make_judge(const Config& config);

// Stage by cue words alone; 0 when none occurs. "universal", "dignity" and the like are no cues.
int stage_by_rules(std::string_view reasons);

struct Anchor {
  std::string id;
  int stage = 0;    // 0: no stage of its own, but rated `at_most` at most
  int at_most = 6;
  Rated item;
};
std::vector<Anchor> read_anchors(const std::string& path);  // "" = those that ship

struct Calibration {
  int anchors = 0, exact = 0, within_one = 0, traps = 0, traps_held = 0;
  std::vector<int> stages;  // of each anchor, as rated
  double exact_share() const { return anchors == 0 ? 0.0 : static_cast<double>(exact) / anchors; }
  double within_one_share() const { return anchors == 0 ? 0.0 : static_cast<double>(within_one) / anchors; }
  // Whether this judge's stages may be told: enough anchors right, and no trap (fine words without an argument) rated above its limit.
  bool claims_stages(const Config& c) const { return exact_share() >= c.least_exact && within_one_share() >= c.least_within_one && traps_held == traps; }
};
Calibration calibrate(Judge& judge, std::span<const Anchor> anchors, Tools& tools);

}  // namespace hone::developmental
