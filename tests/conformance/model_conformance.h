// What every back end of models/backend.h must do, whatever stands behind it. A new entry of backend_catalog() is tested by
// being listed: model_conformance_test.cpp walks the list.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"
#include "models/backend.h"
#include "wire/json.h"

namespace hone::conformance {

inline std::vector<Message> question() {
  return {{"system", "You answer in one short sentence."}, {"user", "Name a colour of the rainbow, please."}};
}

inline Sampling short_reply(int max_tokens = 12) {
  Sampling s;
  s.max_tokens = max_tokens;
  s.logprobs = true;
  return s;
}

template <class F>
Fault fault_of(F&& call) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_FALSE(std::string(e.what()).empty());
    return e.fault();
  }
  ADD_FAILURE() << "expected an Error";
  return Fault::internal;
}

inline void expect_same(const Reply& a, const Reply& b) {
  EXPECT_EQ(a.text, b.text);
  EXPECT_EQ(a.why, b.why);
  EXPECT_EQ(a.trace.prompt_ids, b.trace.prompt_ids);
  EXPECT_EQ(a.trace.ids, b.trace.ids);
  ASSERT_EQ(a.trace.logp.size(), b.trace.logp.size());
  EXPECT_EQ(0, std::memcmp(a.trace.logp.data(), b.trace.logp.data(), a.trace.logp.size() * sizeof(float)));
  EXPECT_EQ(0, std::memcmp(a.trace.entropy.data(), b.trace.entropy.data(), a.trace.entropy.size() * sizeof(float)));
}

inline void facts_are_filled(Model& model) {
  EXPECT_FALSE(model.facts().name.empty());
  EXPECT_FALSE(model.facts().artifact_sha.empty());
  EXPECT_FALSE(model.facts().architecture.empty());
  EXPECT_GE(model.facts().context, 0);  // 0: a server that doesn't tell
}

inline void equal_requests_give_equal_replies(Model& model) {
  const Reply first = model.chat(question(), short_reply());
  expect_same(first, model.chat(question(), short_reply()));
  Sampling warm = short_reply();
  warm.temperature = 1.0F;
  warm.seed = 7;
  expect_same(model.chat(question(), warm), model.chat(question(), warm));
}

inline void traces_and_usage_fit_the_reply(Model& model) {
  const Reply reply = model.chat(question(), short_reply());
  EXPECT_GE(reply.trace.ids.size(), 1U);
  EXPECT_EQ(reply.trace.logp.size(), reply.trace.ids.size());
  EXPECT_EQ(reply.trace.entropy.size(), reply.trace.ids.size());
  for (const float v : reply.trace.logp) EXPECT_LE(v, 1e-4F);
  for (const float v : reply.trace.entropy) EXPECT_GE(v, 0.0F);
  EXPECT_EQ(reply.usage.calls, 1);
  EXPECT_EQ(reply.usage.generated_tokens, static_cast<std::int64_t>(reply.trace.ids.size()));
  EXPECT_GT(reply.usage.prompt_tokens, 0);
  if (!reply.trace.prompt_ids.empty()) {  // servers don't tell
    EXPECT_EQ(reply.usage.prompt_tokens, static_cast<std::int64_t>(reply.trace.prompt_ids.size()));
  }
  EXPECT_LE(reply.usage.cached_tokens, reply.usage.prompt_tokens);
  EXPECT_GE(reply.usage.seconds, 0.0);
  EXPECT_EQ(reply.text, wire::valid_utf8(reply.text));
  Sampling plain = short_reply();
  plain.logprobs = false;
  const Reply bare = model.chat(question(), plain);
  EXPECT_TRUE(bare.trace.logp.empty());
  EXPECT_TRUE(bare.trace.entropy.empty());
  EXPECT_EQ(bare.text, reply.text);
}

inline void length_is_limited(Model& model) {
  const Reply reply = model.chat(question(), short_reply(1));
  EXPECT_EQ(reply.trace.ids.size(), 1U);
  EXPECT_EQ(reply.why, StopReason::length);
}

inline void stop_words_end_the_reply_and_are_not_part_of_it(Model& model) {
  const Reply whole = model.chat(question(), short_reply());
  ASSERT_GE(whole.text.size(), 4U);
  const std::string word = whole.text.substr(2, 2);
  Sampling s = short_reply();
  s.stop = {"never in any reply \x01", word};
  const Reply reply = model.chat(question(), s);
  EXPECT_EQ(reply.why, StopReason::stop_word);
  EXPECT_EQ(reply.text, whole.text.substr(0, whole.text.find(word)));
}

inline void nonsense_is_refused(Model& model) {
  EXPECT_EQ(fault_of([&] { model.chat({}, short_reply()); }), Fault::bad_input);
  EXPECT_EQ(fault_of([&] { model.chat(std::vector<Message>{{"user", ""}}, short_reply()); }), Fault::bad_input);
  EXPECT_EQ(fault_of([&] { model.chat(question(), short_reply(0)); }), Fault::bad_input);
}

inline void invalid_utf8_does_no_harm(Model& model) {
  const Reply reply = model.chat(std::vector<Message>{{"user", "caf\xC3 \xFF\xFE and \xE2\x82 more"}}, short_reply(4));
  EXPECT_EQ(reply.text, wire::valid_utf8(reply.text));
}

inline void tokens_are_counted(Model& model) {
  EXPECT_EQ(model.count_tokens(""), 0);
  EXPECT_GE(model.count_tokens("one two three"), 3);
  EXPECT_GT(model.count_tokens("one two three four five six"), model.count_tokens("one two three"));
}

inline ChoiceRequest choice_request() {
  ChoiceRequest request;
  request.prompt = {{"user", "Which queue takes a stolen card?"}};
  request.lead = "Queue:";
  request.choices = {"card", "card stolen", "mortgage", "Übersetzung"};
  request.content_free = std::vector<Message>{{"user", "Which queue takes N/A?"}};
  return request;
}

inline void choices_are_scored(ChoiceModel& chooser) {
  const ChoiceRequest request = choice_request();
  const std::vector<ChoiceRequest> two{request, request};
  const std::vector<Score> scores = chooser.score(two);
  ASSERT_EQ(scores.size(), 2U);
  for (const Score& score : scores) {
    ASSERT_EQ(score.logp.size(), request.choices.size());
    ASSERT_EQ(score.prior.size(), request.choices.size());
    ASSERT_EQ(score.tokens.size(), request.choices.size());
    double total = 0.0;
    for (std::size_t i = 0; i < score.logp.size(); ++i) {
      EXPECT_TRUE(std::isfinite(score.logp[i]));
      EXPECT_TRUE(std::isfinite(score.prior[i]));
      EXPECT_GE(score.tokens[i], 1);
      total += std::exp(score.logp[i]);
    }
    EXPECT_LE(total, 1.0 + 1e-4);  // they exclude each other
    EXPECT_EQ(score.usage.calls, 1);
    EXPECT_GT(score.usage.prompt_tokens, 0);
  }
  EXPECT_EQ(scores[0].logp, scores[1].logp);
  EXPECT_EQ(scores[0].prior, scores[1].prior);
  ChoiceRequest bare = request;
  bare.content_free.reset();
  const Score without = chooser.score({&bare, 1})[0];
  EXPECT_TRUE(without.prior.empty());
  EXPECT_EQ(without.logp, scores[0].logp);
}

inline void bad_choices_are_refused(ChoiceModel& chooser) {
  const auto with = [&](std::vector<std::string> choices) {
    ChoiceRequest request = choice_request();
    request.choices = std::move(choices);
    return fault_of([&] { chooser.score({&request, 1}); });
  };
  EXPECT_EQ(with({}), Fault::bad_input);
  EXPECT_EQ(with({"a", ""}), Fault::bad_input);
  EXPECT_EQ(with({"a", "b", "a"}), Fault::bad_input);
}

inline void many_threads_may_call(Model& model) {
  const Reply alone = model.chat(question(), short_reply());
  std::vector<Reply> replies(6);
  std::vector<std::thread> threads;
  for (Reply& r : replies) threads.emplace_back([&] { r = model.chat(question(), short_reply()); });
  for (std::thread& t : threads) t.join();
  for (const Reply& r : replies) expect_same(alone, r);
}

inline void check_model(Model& model) {
  facts_are_filled(model);
  equal_requests_give_equal_replies(model);
  traces_and_usage_fit_the_reply(model);
  length_is_limited(model);
  stop_words_end_the_reply_and_are_not_part_of_it(model);
  nonsense_is_refused(model);
  invalid_utf8_does_no_harm(model);
  tokens_are_counted(model);
  many_threads_may_call(model);
}

inline void check_chooser(ChoiceModel& chooser) {
  choices_are_scored(chooser);
  bad_choices_are_refused(chooser);
}

inline void check_embedder(Embedder& embedder) {
  ASSERT_GT(embedder.dimensions(), 0);
  const auto width = static_cast<std::size_t>(embedder.dimensions());
  const std::vector<std::string_view> texts{"my card was stolen", "", "my card was stolen", "caf\xC3 \xFF", "stolen card"};
  std::vector<float> rows(texts.size() * width), again(texts.size() * width);
  embedder.embed(texts, rows);
  for (std::size_t t = 0; t < texts.size(); ++t) {
    double square = 0.0;
    for (std::size_t i = 0; i < width; ++i) square += double{rows[t * width + i]} * rows[t * width + i];
    EXPECT_NEAR(square, 1.0, 1e-4) << "text " << t;
  }
  EXPECT_EQ(0, std::memcmp(rows.data(), rows.data() + 2 * width, width * sizeof(float)));
  embedder.embed(texts, again);
  EXPECT_EQ(rows, again);
  std::vector<float> none;
  embedder.embed({}, none);
  std::vector<float> small(width - 1);
  EXPECT_EQ(fault_of([&] { embedder.embed(std::span(texts).first(1), small); }), Fault::internal);
}

}  // namespace hone::conformance
