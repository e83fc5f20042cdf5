#include "engine/meter.h"

#include <gtest/gtest.h>

#include "core/error.h"

namespace hone {
namespace {

class Priced final : public Model {
 public:
  explicit Priced(Usage usage) : usage_(usage) {}
  const ModelFacts& facts() const override { return facts_; }
  Reply chat(std::span<const Message>, const Sampling&) override { return {.text = "x", .why = StopReason::end, .trace = {}, .usage = usage_}; }
  int count_tokens(std::string_view) override { return 1; }

 private:
  Usage usage_;
  ModelFacts facts_;
};

double money_for(Usage usage) {
  Priced model(usage);
  Meter meter(&model, nullptr, {.prompt = 2.0, .generated = 6.0}, {});
  meter.chat({}, {});
  EXPECT_EQ(meter.usage().prompt_tokens, usage.prompt_tokens);
  return meter.usage().money;
}

// As a server's model does whose reply was refused.
class Refusing final : public Model {
 public:
  const ModelFacts& facts() const override { return facts_; }
  Reply chat(std::span<const Message>, const Sampling&) override {
    Errand::spend({.calls = 1, .prompt_tokens = 1000, .cached_tokens = 0, .generated_tokens = 500, .seconds = 0.5});
    throw Error(Fault::bad_input, "no reply");
  }
  int count_tokens(std::string_view) override { return 1; }

 private:
  ModelFacts facts_;
};

TEST(Meter, TakesThePriceOfEmbeddedTokensForThemAlone) {
  const auto money = [](double embedded) {
    Refusing model;
    Errand errand({}, nullptr);
    Meter meter(&model, nullptr, {.prompt = 2.0, .generated = 6.0, .embedded = embedded}, {});
    EXPECT_THROW(meter.chat({}, {}), Error);  // 0.005, whatever embedding costs
    Errand::spend({.calls = 0, .prompt_tokens = 1000, .cached_tokens = 0, .generated_tokens = 0, .seconds = 0.1});
    meter.also(errand);
    return meter.usage().money;
  };
  EXPECT_DOUBLE_EQ(money(0.5), 0.0055);
  EXPECT_DOUBLE_EQ(money(0.0), 0.005);
  EXPECT_DOUBLE_EQ(money(-1.0), 0.007) << "as prompt tokens";
}

TEST(Meter, ChargesWhatAFailedCallUsedAndWhatAnEmbedderRead) {
  Refusing model;
  Errand errand({}, nullptr);
  Meter meter(&model, nullptr, {.prompt = 2.0, .generated = 6.0}, {});
  for (int n = 1; n <= 3; ++n) {
    EXPECT_THROW(meter.chat({}, {}), Error);
    EXPECT_EQ(meter.usage().prompt_tokens, 1000 * n);
    EXPECT_DOUBLE_EQ(meter.usage().money, 0.005 * n);
  }
  EXPECT_TRUE(errand.take().empty()) << "charged once";
  Errand::spend({.calls = 0, .prompt_tokens = 500, .cached_tokens = 500, .generated_tokens = 0, .seconds = 0.0});  // remembered
  Errand::spend({.calls = 0, .prompt_tokens = 500, .cached_tokens = 0, .generated_tokens = 0, .seconds = 0.1});
  meter.also(errand);
  EXPECT_EQ(meter.usage().prompt_tokens, 4000);
  EXPECT_DOUBLE_EQ(meter.usage().money, 0.016);
  EXPECT_EQ(meter.usage().calls, 3);
}

TEST(Meter, ChargesWhatWasAskedOfTheModelAndNotWhatWasRemembered) {
  const Usage fresh{.calls = 1, .prompt_tokens = 1000, .cached_tokens = 0, .generated_tokens = 500, .seconds = 0.5};
  EXPECT_DOUBLE_EQ(money_for(fresh), 0.005);  // 1000 at 2 and 500 at 6 a million
  Usage remembered = fresh;
  remembered.cached_tokens = 1000;
  EXPECT_DOUBLE_EQ(money_for(remembered), 0.005) << "cached on the other side: it took time and has its price";
  remembered.seconds = 0.0;
  EXPECT_EQ(money_for(remembered), 0.0);
}

}  // namespace
}  // namespace hone
