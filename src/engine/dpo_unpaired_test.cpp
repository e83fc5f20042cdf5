// dpo on single replies, KTO and APO-zero: pairs taken apart, and rows of a reply with a label.
#include <gtest/gtest.h>

#include "core/error.h"
#include "engine/engine_test_kit.h"
#include "engine/run.h"
#include "models/policy_module.h"

namespace hone {
namespace {

using test::Folder;

using Rounds = std::map<std::int64_t, std::map<std::string, double>>;

// Metrics of each round.
Rounds run(const Folder& scratch, const std::string& name, const std::string& settings, bool labels = false) {
  std::ofstream data(scratch / "pairs.jsonl"), unseen(scratch / "unseen.jsonl");
  for (int i = 0; i < 8; ++i)
    for (const std::string queue : {"fruit", "metal", "music", "water"}) {
      const std::string prompt = R"({"prompt": "send )" + queue + std::to_string(i) + '"';
      if (i >= 6) unseen << prompt << R"(, "chosen": " )" << queue << R"(", "rejected": " nothing"})" << '\n';
      else if (!labels) data << prompt << R"(, "chosen": " )" << queue << R"(", "rejected": " nothing"})" << '\n';
      else if (i % 2 == 0) data << prompt << R"(, "completion": " )" << queue << R"(", "label": true})" << '\n';
      else data << prompt << R"(, "completion": " nothing", "label": false})" << '\n';  // no prompt has both
    }
  data.close(), unseen.close();
  const auto recipe = parse_recipe("name: kit\nenv: {name: desk, requests: " + test::write_requests(scratch).string() +
                                       ", train: 4, validation: 4, test: 4, train_tries: 1, eval_tries: 1}\nagent: {name: chat, hold: true}\n"
                                       "model: {name: tiny, width: 32, layers: 2, heads: 2, context: 256, batch: 8, precision: f32}\nembedder: none\nmethod: {name: dpo, data: " +
                                       (scratch / "pairs.jsonl").string() + ", unseen: " + (scratch / "unseen.jsonl").string() + ", " + settings + "}\nevaluation: {enabled: false}\n",
                                   "kit.yaml");
  const auto done = run_recipe(recipe, {.home = scratch / name, .listener = {}, .stop = {}, .fresh = false, .from_store = std::nullopt});
  Rounds out;
  for (const auto& m : Store(store_path(scratch / name), {.create = false, .read_only = true}).metrics(done.run)) out[m.round][m.name] = m.value;
  return out;
}

TEST(DpoUnpaired, StartsAtAHalfAndLearnsWhatIsGood) {
  if (const auto why = why_no_policy(); !why.empty()) GTEST_SKIP() << why;
  Folder scratch;
  for (const std::string kind : {"kto", "apo_zero"}) {
    auto rounds = run(scratch, kind, "unpaired: " + kind + ", passes: 12, lr: 0.002, sequences_per_step: 48");
    ASSERT_EQ(rounds.size(), 12U);
    // Policy = reference: sigmoid(0) for every reply (48 in one step), whatever its mark.
    EXPECT_NEAR(rounds[1].at("loss"), 0.5, 1e-4) << kind;
    EXPECT_LT(rounds[12].at("loss"), 0.4) << kind;
    EXPECT_GE(rounds[12].at("unseen/accuracy"), 0.9) << kind;
    EXPECT_GT(rounds[12].at("rewards/chosen"), rounds[12].at("rewards/rejected")) << kind;
    EXPECT_EQ(rounds[1].contains("kl"), true) << kind;
  }
}

TEST(DpoUnpaired, WeightsOfOneSideScaleItsLossAlone) {
  if (const auto why = why_no_policy(); !why.empty()) GTEST_SKIP() << why;
  Folder scratch;
  auto rounds = run(scratch, "weighed", "unpaired: kto, passes: 1, lr: 0.0001, sequences_per_step: 48, desirable_weight: 3, undesirable_weight: 0");
  EXPECT_NEAR(rounds[1].at("loss"), 0.75, 1e-4);  // half the replies, three times 0.5
}

TEST(DpoUnpaired, RowsOfOneReplyAndItsLabelAreLearned) {
  if (const auto why = why_no_policy(); !why.empty()) GTEST_SKIP() << why;
  Folder scratch;
  for (const std::string kind : {"kto", "apo_zero"}) {
    auto rounds = run(scratch, "labels" + kind, "unpaired: " + kind + ", passes: 12, lr: 0.002, sequences_per_step: 9", true);
    ASSERT_EQ(rounds.size(), 12U);
    EXPECT_LT(rounds[12].at("loss"), 0.4) << kind;
    EXPECT_GE(rounds[12].at("unseen/accuracy"), 0.9) << kind;
    EXPECT_EQ(rounds[1].at("rows_left_out"), 0.0);
    EXPECT_EQ(rounds[1].contains("pairs_left_out"), false);
  }
  // Policy = reference in the only step of the first pass: 0.5 a reply.
  EXPECT_NEAR(run(scratch, "first", "unpaired: kto, passes: 1, lr: 0.0001, sequences_per_step: 24", true)[1].at("loss"), 0.5, 1e-4);
}

TEST(DpoUnpaired, LabelsWithoutUnpairedAreRefusedWithWhatToDo) {
  if (const auto why = why_no_policy(); !why.empty()) GTEST_SKIP() << why;
  Folder scratch;
  for (const auto& [settings, expected] : {std::pair<std::string, std::string>{"passes: 1", "pairs.jsonl: replies with a label: expected pairs of chosen and rejected, or `unpaired: kto`"},
                                           {"unpaired: kto, passes: 1, max_length: 3", "pairs.jsonl: no reply fits max_length (3)"}}) {
    try {
      run(scratch, "refused", settings, true);
      ADD_FAILURE() << settings;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(expected), std::string::npos) << e.what();
    }
  }
}

}  // namespace
}  // namespace hone
