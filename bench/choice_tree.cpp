// Choosing among 24 queues: all choices as one token tree against each choice as a sequence of its own. The right answer is
// stated too: a tree whose scores differ from the separate ones by more than `limit` nats on average is reported as an error.
#include <benchmark/benchmark.h>

#include <cmath>

#include "models/catalogue.h"
#include "models/local.h"

namespace {

constexpr const char* model_name = "smollm2-135m";
constexpr double limit = 0.1;  // int8 rounding of activations, see models/backend.h

hone::ChoiceRequest request() {
  hone::ChoiceRequest r;
  r.prompt = {{"system", "You route what customers of a bank write to one of its queues. Answer with the name of the queue and nothing else. "
                         "Read the whole request first: it may name one product and mean another."},
              {"user", "Somebody took my card while I was on holiday and I need to pay the hotel tomorrow."}};
  r.lead = "Queue:";
  r.choices = {"card", "card lost", "card stolen", "refund", "opening an account", "closing an account", "change of address", "mortgage",
               "interest rates", "savings", "fraud", "app login", "password", "transfer abroad", "direct debit", "standing order",
               "cash machine", "exchange rate", "pension", "insurance", "complaints", "branch hours", "cheque", "overdraft"};
  return r;
}

hone::LocalModel* model() {
  static const auto opened = hone::model_status(model_name).present
                                 ? std::make_unique<hone::LocalModel>(hone::LocalFile{hone::path_of(model_name).string(), model_name}, hone::ModelOptions{})
                                 : nullptr;
  return opened.get();
}

void score_as_a_tree(benchmark::State& state) {
  if (model() == nullptr) return state.SkipWithError("smollm2-135m is not pulled");
  const hone::ChoiceRequest r = request();
  const hone::Score separate = model()->score_separately(r);
  double distance = 0.0;
  for (auto _ : state) {
    const hone::Score tree = model()->score({&r, 1})[0];
    distance = 0.0;
    for (std::size_t i = 0; i < r.choices.size(); ++i) distance += std::abs(tree.logp[i] - separate.logp[i]) / static_cast<double>(r.choices.size());
  }
  state.counters["distance"] = distance;
  if (distance > limit) state.SkipWithError("the tree's scores are not those of separate sequences");
}
BENCHMARK(score_as_a_tree)->Unit(benchmark::kMillisecond)->UseRealTime();

void score_separately(benchmark::State& state) {
  if (model() == nullptr) return state.SkipWithError("smollm2-135m is not pulled");
  const hone::ChoiceRequest r = request();
  for (auto _ : state) benchmark::DoNotOptimize(model()->score_separately(r));
}
BENCHMARK(score_separately)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
