// One optimiser step of supervised fine-tuning on a model of SmolLM2-135M's shape (random weights, random tokens), and the share of
// the machine's measured matrix product that it reaches:
//   train_step [f32|bf16] [sequences] [tokens each] [steps] [checkpointing: 0|1] [rank of adapters, 0 = none]
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <string>
#include <vector>

#include "core/rng.h"
#include "nn/machine.h"
#include "nn/trainer.h"

namespace {

using namespace hone;
using namespace hone::nn;

double seconds_of(const auto& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// GFLOP/s of the step's own commonest product, the best of some.
double peak(Compute compute, int tokens) {
  const c10::InferenceMode no_autograd;
  const auto type = compute == Compute::f32 ? at::kFloat : at::kBFloat16;
  const at::Tensor a = at::randn({tokens, 576}).to(type), b = at::randn({3072, 576}).to(type);
  double best = 1e9;
  for (int i = 0; i < 20; ++i) best = std::min(best, seconds_of([&] { at::mm(a, b.t()); }));
  return 2.0 * tokens * 576 * 3072 / best / 1e9;
}

}  // namespace

int main(int argc, char** argv) {
  prepare_machine();
  const std::vector<std::string> args(argv + 1, argv + argc);
  const auto number = [&](std::size_t i, int standard) { return args.size() > i ? std::stoi(args[i]) : standard; };
  const Compute compute = !args.empty() && args[0] == "f32" ? Compute::f32 : Compute::bf16;
  const int sequences = number(1, 8), tokens = number(2, 512), steps = number(3, 4);
  Trainer trainer({.family = Family::llama, .vocab = 49152, .width = 576, .layers = 30, .heads = 9, .kv_heads = 3, .head_dim = 64, .ff = 1536, .context = 8192,
                   .rope_theta = 100000.0F, .norm_eps = 1e-5F, .tied = true}, compute, {}, {.rank = number(5, 0)});
  trainer.decoder().checkpointing(number(4, 0) != 0);
  trainer.parameters().initialise(1);
  if (trainer.adapters() != nullptr) trainer.adapters()->initialise(1);
  trainer.weights_changed();
  Rng rng(1);
  std::vector<TokenSequence> batch;
  for (int s = 0; s < sequences; ++s) {
    TokenSequence q;
    for (int t = 0; t < tokens; ++t) q.ids.push_back(static_cast<int>(rng.below(49152))), q.trained.push_back(t > 0);
    batch.push_back(std::move(q));
  }
  const double n = static_cast<double>(sequences) * (tokens - 1);
  const Loss loss = [n](auto, auto scores, auto gradients) {
    double sum = 0.0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      for (const float l : scores[i].logp) sum -= l / n;
      gradients[i].d_logp.assign(scores[i].logp.size(), static_cast<float>(-1.0 / n));
    }
    return sum;
  };
  const StepOptions options{.lr = 1e-9, .microbatch_tokens = 2048};
  trainer.step(batch, loss, options);
  double best = 1e9;
  StepResult last;
  for (int i = 0; i < steps; ++i) best = std::min(best, seconds_of([&] { last = trainer.step(batch, loss, options); }));
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const double parameters = static_cast<double>(trainer.parameters().count());
  // Forward and backward: six operations a weight and token; attention twice tokens/2 keys, scores and values, times three.
  const double flops = n * (6.0 * parameters + 30.0 * 6.0 * 2.0 * (tokens / 2.0) * 576);
  const double top = peak(compute, 2048);
  fmt::print("{{\"side\": \"hone\", \"dtype\": \"{}\", \"sequences\": {}, \"tokens\": {}, \"tokens_per_second\": {:.1f}, \"step_seconds\": {:.2f}, \"gflops\": {:.0f}, \"gemm_gflops\": {:.0f}, \"share\": {:.3f}, \"loss\": {:.4f}, \"peak_mib\": {}}}\n",
             compute == Compute::f32 ? "f32" : "bf16", sequences, tokens, n / best, best, flops / best / 1e9, top, flops / best / 1e9 / top, last.loss, used.ru_maxrss / 1024);
}
