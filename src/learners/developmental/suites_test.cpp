#include "learners/developmental/suites.h"

#include "core/letters_test_kit.h"
#include "core/policy_test_kit.h"
#include "learners/developmental/developmental_test_kit.h"

namespace hone::developmental {
namespace {

using namespace test;

// Refuses every third request, else says how it was asked; keeps the seeds.
class Saying : public IdlePolicy {
 public:
  std::vector<Sampled> sample(std::span<const SampleRequest> requests) override {
    std::vector<Sampled> out;
    for (const auto& r : requests) {
      seeds.push_back(r.sampling.seed);
      prompts.push_back(Letters().decode(r.prompt, false));
      Sampled s;
      s.ids = Letters().encode(seeds.size() % 3 == 0 ? "I'm sorry, I can't." : "I would ask them all.", true);
      s.ids.push_back(0);
      out.push_back(std::move(s));
    }
    return out;
  }
  std::vector<std::uint64_t> seeds;
  std::vector<std::string> prompts;
};

// A judge of fixed words beside a policy and letters as tokens.
class SuiteTools final : public Tools {
 public:
  explicit SuiteTools(std::function<std::string(const Request&)> say) : judge_(std::move(say)) {}
  std::vector<Generation> generate(std::span<const Request> requests) override { return judge_.generate(requests); }
  std::vector<Episode> play(std::span<const Trial>) override { return {}; }
  int count_tokens(std::string_view text) override { return static_cast<int>(text.size()); }
  Policy* policy() override { return &saying; }
  const Tokenizer* tokenizer() override { return &letters_; }
  Rng rng(std::string_view label) override { return Rng(1).split(label); }
  bool report(std::string_view, const Metrics&) override { return false; }
  const std::vector<Request>& asked() const { return judge_.asked; }

  Saying saying;

 private:
  FakeTools judge_;
  Letters letters_;
};

TEST(DevelopmentalSuites, FourRequestsTenTimesWithThePersonaAndWithoutItAndFifteenQuestions) {
  const auto items = suite_items();
  std::map<std::string, int> n;
  for (const auto& item : items) {
    ++n[item.suite];
    EXPECT_EQ(item.system.empty(), item.suite != "adversarial") << item.id;
  }
  EXPECT_EQ(n, (std::map<std::string, int>{{"adversarial", 4}, {"adversarial_plain", 4}, {"helpful", 15}}));
  SuiteTools tools([](const Request&) { return std::string("Y"); });
  const Config config = small();
  const auto before = answer_suites(items, "before", config, Rng(5), tools);
  EXPECT_EQ(before.size(), 4U * 10 * 2 + 15);
  const auto first = tools.saying.seeds;
  EXPECT_EQ(std::set<std::uint64_t>(first.begin(), first.end()).size(), first.size()) << "each run has a seed of its own";
  EXPECT_NE(tools.saying.prompts[0].find("system:You are Orrin"), std::string::npos);
  EXPECT_EQ(before[0].text, "I would ask them all.") << "without its end token";
  EXPECT_EQ(before[0].seed, first[0]);
  tools.saying.seeds.clear();
  answer_suites(items, "after", config, Rng(5), tools);
  EXPECT_EQ(tools.saying.seeds, first) << "both models are asked with the same seeds";
}

TEST(DevelopmentalSuites, RefusalsAreCountedApartAndTheJudgeSeesNoPersona) {
  const auto items = suite_items();
  SuiteTools tools([](const Request& r) { return std::string(r.prompt[0].content.find("1 to 5") != std::string::npos ? "4" : r.prompt[0].content.find("deceive or mislead") != std::string::npos ? "Y" : "N"); });
  Config config = small();
  config.suite_runs = 3;
  auto answers = answer_suites(items, "before", config, Rng(5), tools);
  const auto judge = make_judge(config);
  rate_suites(answers, items, config, *judge, false, tools);
  // 24 adversarial answers and 15 others, every third refused; seven labels of the 16 that are left, helpfulness of ten.
  EXPECT_EQ(tools.asked().size(), 16U * 7 + 10);
  for (const auto& r : tools.asked()) {
    EXPECT_EQ(r.prompt[0].content.find("Orrin"), std::string::npos);
    EXPECT_EQ(r.prompt[0].content.find("before"), std::string::npos);
    EXPECT_EQ(r.asked, Helper::judge);
    EXPECT_FALSE(r.sampling.grammar.empty());
  }
  for (const auto& a : answers) {
    EXPECT_EQ(a.stage, 0) << "this judge may claim none";
    EXPECT_EQ(a.labels.size(), a.refusal || a.suite == "helpful" ? 0U : 7U);
    EXPECT_EQ(a.helpful, a.suite == "helpful" && !a.refusal ? 4 : 0);
  }
  const auto m = suite_metrics(answers);
  EXPECT_DOUBLE_EQ(m.at("adversarial/before/refusal"), 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(m.at("adversarial/A1/before/refusal"), 1.0 / 3.0);
  EXPECT_DOUBLE_EQ(m.at("adversarial/A1/before/deception_advised"), 1.0) << "of answers that are no refusal";
  EXPECT_DOUBLE_EQ(m.at("adversarial_plain/before/power_grab"), 0.0);
  EXPECT_DOUBLE_EQ(m.at("helpful/before/helpful"), 4.0);
  EXPECT_FALSE(m.contains("helpful/H1/before/words"));
}

TEST(DevelopmentalSuites, WithoutAModelAsJudgeNothingIsLabelled) {
  const auto items = suite_items();
  SuiteTools tools([](const Request&) { return std::string("Y"); });
  Config config = small();
  config.judge = JudgeKind::rules;
  auto answers = answer_suites(items, "before", config, Rng(5), tools);
  const auto judge = make_judge(config);
  rate_suites(answers, items, config, *judge, true, tools);
  EXPECT_TRUE(tools.asked().empty());
  for (const auto& a : answers) EXPECT_TRUE(a.labels.empty() && a.helpful == 0);
  for (const auto& [name, value] : suite_metrics(answers)) EXPECT_EQ(name.find("deception"), std::string::npos) << name;
}

TEST(DevelopmentalSuites, AnswersComeBackFromTheirLines) {
  SuiteAnswer a{.suite = "adversarial", .item = "A2", .model = "after", .run = 7, .seed = 18446744073709551557U, .text = "No.", .refusal = false, .cut = true, .stage = 5, .helpful = 0, .labels = {{"power_grab", false}}};
  const auto json = to_json(a);
  EXPECT_EQ(wire::dump(to_json(suite_answer_from_json(json, "here"))), wire::dump(json));
  EXPECT_EQ(suite_answer_from_json(json, "here").seed, a.seed);
  EXPECT_TRUE(json["helpful"].is_null());
}

// No request or question is near a dilemma that is trained or judged by.
TEST(DevelopmentalSuites, NothingOfThemIsTrained) {
  Config config;
  config.written_by = WrittenBy::hand;
  const auto situations = situations_of(config, Rng(1));
  for (const auto& item : suite_items())
    for (const auto& s : situations) EXPECT_LT(overlap13(item.prompt, s.scenario + " " + s.question), 0.1) << item.id << " " << s.id;
}

}  // namespace
}  // namespace hone::developmental
