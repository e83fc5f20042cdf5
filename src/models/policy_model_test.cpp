#include "models/policy_model.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "core/error.h"
#include "core/letters_test_kit.h"
#include "core/policy_test_kit.h"
#include "models/policy_module.h"

namespace hone {
namespace {

// Says the prompt's last letters backwards; a token's log-prob is minus its id over 100.
class Echo : public IdlePolicy {
 public:
  std::vector<Sampled> sample(std::span<const SampleRequest> requests) override {
    ++batches;
    most = std::max(most, requests.size());
    std::vector<Sampled> out;
    for (const auto& r : requests) {
      if (r.prompt.back() == '!') throw Error(Fault::bad_input, "refused");
      Sampled s;
      for (int i = 0; i < r.sampling.max_tokens && i < static_cast<int>(r.prompt.size()); ++i) s.ids.push_back(r.prompt[r.prompt.size() - 1 - i]);
      if (s.ids.size() < static_cast<std::size_t>(r.sampling.max_tokens)) s.ids.push_back(0);
      else s.why = StopReason::length;
      s.logp.assign(s.ids.size(), -0.5F);
      s.entropy.assign(s.ids.size(), 0.1F);
      out.push_back(std::move(s));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(3));
    return out;
  }
  std::vector<SequenceScores> score(std::span<const TokenSequence> sequences, float, Which) override {
    std::vector<SequenceScores> out;
    for (const auto& s : sequences) {
      out.emplace_back();
      for (std::size_t i = 0; i < s.ids.size(); ++i)
        if (s.trained[i]) out.back().logp.push_back(-static_cast<float>(s.ids[i]) / 100.0F);
    }
    return out;
  }
  std::atomic<int> batches = 0;
  std::size_t most = 0;
};

struct Kit {
  Echo policy;
  Letters tokenizer;
  PolicyModel model{policy, tokenizer, {"echo", "sha", "test", 100, 1}};
};

TEST(PolicyModel, SpeaksInTheChatFormAndKeepsTheTrace) {
  Kit kit;
  Sampling sampling;
  sampling.max_tokens = 4;
  sampling.logprobs = true;
  const std::vector<Message> messages{{"user", "hi"}, {"text", "abc"}};
  const Reply reply = kit.model.chat(messages, sampling);
  EXPECT_EQ(reply.text, "cba:");
  EXPECT_EQ(reply.why, StopReason::length);
  EXPECT_EQ(kit.tokenizer.decode(reply.trace.prompt_ids, true), "<user:hi><assistant:abc");
  EXPECT_EQ(reply.trace.logp, std::vector<float>(4, -0.5F));
  EXPECT_EQ(reply.usage.generated_tokens, 4);
  sampling.stop = {"b"};
  EXPECT_EQ(kit.model.chat(messages, sampling).text, "c");
  sampling.max_tokens = 100;
  sampling.stop = {};
  const Reply whole = kit.model.chat(std::vector<Message>{{"text", "xy"}}, sampling);
  EXPECT_EQ(whole.text, "yx");
  EXPECT_EQ(whole.trace.ids, (std::vector<int>{'y', 'x', 0}));
  EXPECT_THROW(kit.model.chat(std::vector<Message>{{"text", "a"}, {"user", "b"}}, sampling), Error);
  EXPECT_THROW(kit.model.chat(std::vector<Message>{}, sampling), Error);
}

TEST(PolicyModel, ScoresChoicesToTheirEndAfterTheLead) {
  Kit kit;
  const std::vector<ChoiceRequest> requests{{{{"user", "q"}}, "Pick:", {"a", "bb"}, std::vector<Message>{{"user", ""}}}, {{{"user", "q"}}, "", {"a"}, std::nullopt}};
  const auto scores = kit.model.score(requests);
  EXPECT_NEAR(scores[0].logp[0], -(' ' + 'a') / 100.0, 1e-6);  // the lead itself is given
  EXPECT_NEAR(scores[0].logp[1], -(' ' + 'b' + 'b') / 100.0, 1e-6);
  EXPECT_EQ(scores[0].tokens, (std::vector<int>{3, 4}));
  EXPECT_EQ(scores[0].prior.size(), 2U);
  EXPECT_NEAR(scores[1].logp[0], -'a' / 100.0, 1e-6);
  EXPECT_TRUE(scores[1].prior.empty());
}

TEST(PolicyModel, ManyCallersShareBatchesAndOneBadRequestFailsAlone) {
  Kit kit;
  std::vector<std::thread> callers;
  std::atomic<int> right = 0, refused = 0;
  for (int i = 0; i < 16; ++i)
    callers.emplace_back([&, i] {
      Sampling sampling;
      sampling.max_tokens = 1;
      try {
        const std::string text = i == 5 ? "!" : std::string(1, static_cast<char>('a' + i));
        right += kit.model.chat(std::vector<Message>{{"text", text}}, sampling).text == text;
      } catch (const Error&) {
        ++refused;
      }
    });
  for (auto& c : callers) c.join();
  EXPECT_EQ(right, 15);
  EXPECT_EQ(refused, 1);
  EXPECT_GT(kit.policy.most, 1U);
}

// Errors cross the door of the shared object as what they are.
TEST(PolicyModule, OpensTrainsAndRefuses) {
  if (const auto why = why_no_policy(); !why.empty()) GTEST_SKIP() << why;
  PolicyOptions options;
  EXPECT_THROW(open_policy(options), Error);
  options.arch = {.vocab = 256, .width = 32, .layers = 2, .heads = 2, .kv_heads = 1, .head_dim = 16, .ff = 64, .context = 64};
  options.precision = Precision::f32;
  const auto policy = open_policy(options);
  const std::vector<TokenSequence> sequences{{{'a', 'b', 'c', 0}, {0, 1, 1, 1}}};
  const Loss loss = [](auto, auto scores, auto gradients) {
    double sum = 0.0;
    for (const float l : scores[0].logp) sum -= l;
    gradients[0].d_logp.assign(scores[0].logp.size(), -1.0F);
    return sum;
  };
  double first = 0.0, last = 0.0;
  for (int i = 0; i < 30; ++i) {
    last = policy->step(sequences, loss, {.lr = 1e-2}).loss;
    if (i == 0) first = last;
  }
  EXPECT_LT(last, first / 5);
  Letters letters;
  PolicyModel model(*policy, letters, {"tiny", "sha", "llama", 64, 1});
  EXPECT_THROW(model.chat(std::vector<Message>{{"text", std::string(64, 'a')}}, {}), Error) << "longer than the context";
  Sampling sampling;
  sampling.max_tokens = 3;
  EXPECT_EQ(model.chat(std::vector<Message>{{"text", "a"}}, sampling).text, std::string("bc\0", 3)) << "no end token was named";
  sampling.grammar = "root ::= \"xy\" | \"zzz\"";
  sampling.max_tokens = 10;
  const Reply held = model.chat(std::vector<Message>{{"text", "a"}}, sampling);
  EXPECT_TRUE(held.text == "xy" || held.text == "zzz") << held.text;
  sampling.grammar = "root ::= [a-z]+";
  EXPECT_THROW(model.chat(std::vector<Message>{{"text", "a"}}, sampling), Error);
}

}  // namespace
}  // namespace hone
