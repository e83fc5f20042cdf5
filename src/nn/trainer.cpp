#include "nn/trainer.h"

#include <chrono>

#include "core/error.h"
#include "nn/tensors.h"

namespace hone::nn {

namespace {

// What one pass looks at: sequences [first, last), flat, and the rows that predict trained tokens.
struct Piece {
  std::size_t first = 0, last = 0;
  Flat flat;
  std::vector<int> rows, targets;
};

void check(const TokenSequence& s, std::size_t index) {
  const auto at = [&] { return "sequence " + std::to_string(index) + ": "; };
  if (s.trained.size() != s.ids.size())
    throw Error(Fault::bad_input, at() + "expected a mark for each of " + std::to_string(s.ids.size()) + " tokens, got " + std::to_string(s.trained.size()));
  if (!s.trained.empty() && s.trained[0] != 0) throw Error(Fault::bad_input, at() + "its first token can't be trained: nothing comes before it");
}

// `together` consecutive sequences stay in one piece; a piece holds at most `most` tokens unless one unit alone has more. Tokens after
// the last trained one are not computed.
std::vector<Piece> pieces_of(std::span<const TokenSequence> sequences, int most, int together) {
  if (together < 1 || sequences.size() % static_cast<std::size_t>(together) != 0)
    throw Error(Fault::bad_input, "policy: " + std::to_string(sequences.size()) + " sequences can't be taken " + std::to_string(together) + " at a time");
  std::vector<Piece> out;
  for (std::size_t unit = 0; unit < sequences.size(); unit += static_cast<std::size_t>(together)) {
    std::vector<std::size_t> used;
    std::size_t tokens = 0;
    for (std::size_t i = unit; i < unit + static_cast<std::size_t>(together); ++i) {
      check(sequences[i], i);
      std::size_t n = sequences[i].ids.size();
      while (n > 0 && sequences[i].trained[n - 1] == 0) --n;
      used.push_back(n == 0 ? 0 : n - 1);  // the last trained token is only predicted
      tokens += used.back();
    }
    if (out.empty() || (!out.back().flat.ids.empty() && out.back().flat.ids.size() + tokens > static_cast<std::size_t>(most))) out.push_back({unit, unit, {}, {}, {}});
    Piece& piece = out.back();
    for (std::size_t i = unit; i < unit + static_cast<std::size_t>(together); ++i) {
      const auto& s = sequences[i];
      const auto start = static_cast<int>(piece.flat.ids.size());
      for (std::size_t t = 1; t <= used[i - unit]; ++t)
        if (s.trained[t] != 0) piece.rows.push_back(start + static_cast<int>(t) - 1), piece.targets.push_back(s.ids[t]);
      piece.flat.append({s.ids.begin(), s.ids.begin() + static_cast<std::ptrdiff_t>(used[i - unit])});
      piece.last = i + 1;
    }
  }
  return out;
}

std::size_t trained_tokens(const TokenSequence& s) { return static_cast<std::size_t>(std::count_if(s.trained.begin(), s.trained.end(), [](auto t) { return t != 0; })); }

// The scores of a piece's rows, cut into its sequences.
std::vector<SequenceScores> split(const Piece& piece, std::span<const TokenSequence> sequences, const TokenScores& scores) {
  std::vector<SequenceScores> out;
  std::ptrdiff_t at = 0;
  for (auto i = piece.first; i < piece.last; ++i) {
    const auto n = static_cast<std::ptrdiff_t>(trained_tokens(sequences[i]));
    out.push_back({{scores.logp.begin() + at, scores.logp.begin() + at + n}, {scores.entropy.begin() + at, scores.entropy.begin() + at + n}});
    at += n;
  }
  return out;
}

// Back to one number per row. Throws for gradients that don't fit or aren't finite.
void join(const Piece& piece, const std::vector<SequenceScores>& scores, const std::vector<SequenceGradient>& gradients, std::vector<float>& d_logp, std::vector<float>& d_entropy) {
  const bool with_entropy = std::any_of(gradients.begin(), gradients.end(), [](const auto& g) { return !g.d_entropy.empty(); });
  for (std::size_t i = 0; i < gradients.size(); ++i) {
    const auto n = scores[i].logp.size();
    if (gradients[i].d_logp.size() != n || (!gradients[i].d_entropy.empty() && gradients[i].d_entropy.size() != n))
      throw Error(Fault::internal, "policy: the loss gave sequence " + std::to_string(piece.first + i) + " gradients for " + std::to_string(gradients[i].d_logp.size()) +
                                       " tokens, expected " + std::to_string(n));
    d_logp.insert(d_logp.end(), gradients[i].d_logp.begin(), gradients[i].d_logp.end());
    if (!with_entropy) continue;
    if (gradients[i].d_entropy.empty()) d_entropy.insert(d_entropy.end(), n, 0.0F);
    else d_entropy.insert(d_entropy.end(), gradients[i].d_entropy.begin(), gradients[i].d_entropy.end());
  }
}

}  // namespace

Trainer::Trainer(const Arch& arch, Compute compute, GenerateOptions generation)
    : parameters_(arch, compute), decoder_(parameters_), head_(parameters_), optimizer_(parameters_), generation_(std::move(generation)) {}

void Trainer::freeze_below(int layer) {
  frozen_ = layer;
  decoder_.freeze_below(layer);
}

std::vector<Sampled> Trainer::sample(std::span<const SampleRequest> requests) { return generate(decoder_, requests, generation_); }

std::vector<SequenceScores> Trainer::score(std::span<const TokenSequence> sequences, float temperature, Which weights) {
  if (weights == Which::reference && !reference_) throw Error(Fault::usage, "policy: no reference was kept");
  Parameters& p = weights == Which::reference ? *reference_ : parameters_;
  Decoder decoder(p);
  Head head(p);
  std::vector<SequenceScores> out;
  for (const auto& piece : pieces_of(sequences, StepOptions{}.microbatch_tokens, 1)) {
    const auto scores = piece.rows.empty() ? TokenScores{} : head.scores(decoder.forward(piece.flat), piece.rows, piece.targets, temperature);
    for (auto& s : split(piece, sequences, scores)) out.push_back(std::move(s));
  }
  return out;
}

StepResult Trainer::step(std::span<const TokenSequence> sequences, const Loss& loss, const StepOptions& o) {
  const auto started = std::chrono::steady_clock::now();
  StepResult result;
  parameters_.gradient().zero_();
  for (const auto& piece : pieces_of(sequences, o.microbatch_tokens, o.together)) {
    std::vector<std::size_t> which;
    for (auto i = piece.first; i < piece.last; ++i) which.push_back(i);
    Memory memory;
    const at::Tensor hidden = piece.rows.empty() ? at::Tensor() : decoder_.forward(piece.flat, &memory);
    const auto scores = split(piece, sequences, piece.rows.empty() ? TokenScores{} : head_.scores(hidden, piece.rows, piece.targets, o.temperature));
    std::vector<SequenceGradient> gradients(which.size());
    result.loss += loss(which, scores, gradients);
    std::vector<float> d_logp, d_entropy;
    join(piece, scores, gradients, d_logp, d_entropy);
    result.tokens += static_cast<std::int64_t>(piece.flat.ids.size());
    result.trained += static_cast<std::int64_t>(piece.rows.size());
    if (piece.rows.empty()) continue;
    decoder_.backward(piece.flat, memory, head_.backward(hidden, piece.rows, piece.targets, o.temperature, d_logp, d_entropy));
  }
  result.gradient_norm = gradient_norm(parameters_);
  if (!std::isfinite(result.loss) || !std::isfinite(result.gradient_norm))
    throw Error(Fault::bad_input, "policy: step " + std::to_string(optimizer_.steps() + 1) + " is not finite (loss " + std::to_string(result.loss) + ", gradient norm " +
                                      std::to_string(result.gradient_norm) + "); the weights are as before it");
  result.skipped = o.skip_above > 0.0 && result.gradient_norm > o.skip_above;
  if (!result.skipped) optimizer_.update(o, o.clip > 0.0 && result.gradient_norm > o.clip ? o.clip / (result.gradient_norm + 1e-6) : 1.0, frozen_);
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return result;
}

void Trainer::keep_reference() {
  reference_ = std::make_unique<Parameters>(parameters_.arch(), parameters_.compute());
  reference_->master().copy_(parameters_.master());
  reference_->refresh();
}

std::vector<PolicyWeight> Trainer::weights() {
  std::vector<PolicyWeight> out;
  for (const auto& n : parameters_.layout().named) {
    const at::Tensor values = parameters_.named(n);
    out.push_back({n.name, values.sizes().vec(), {data<float>(values), static_cast<std::size_t>(values.numel())}});
  }
  return out;
}

void Trainer::save(Sink& sink) const {
  put_text(sink, "hone-policy-1");
  put(sink, parameters_.layout().total);
  sink.write(std::as_bytes(std::span(data<float>(parameters_.master()), static_cast<std::size_t>(parameters_.layout().total))));
  optimizer_.save(sink);
  put(sink, static_cast<std::uint8_t>(reference_ != nullptr));
  if (reference_) sink.write(std::as_bytes(std::span(data<float>(reference_->master()), static_cast<std::size_t>(parameters_.layout().total))));
}

void Trainer::load(Source& source) {
  if (get_text(source) != "hone-policy-1") throw Error(Fault::corrupt, "checkpoint: not one of a policy");
  std::int64_t total = 0;
  get(source, total);
  if (total != parameters_.layout().total)
    throw Error(Fault::corrupt, "checkpoint: of a model with " + std::to_string(total) + " numbers, this one has " + std::to_string(parameters_.layout().total));
  const auto read = [&](Parameters& p) {
    source.read(std::as_writable_bytes(std::span(data<float>(p.master()), static_cast<std::size_t>(total))));
    p.refresh();
  };
  read(parameters_);
  optimizer_.load(source);
  std::uint8_t kept = 0;
  get(source, kept);
  reference_.reset();
  if (kept == 0) return;
  reference_ = std::make_unique<Parameters>(parameters_.arch(), parameters_.compute());
  read(*reference_);
}

std::unique_ptr<Trainer> make_trainer(const PolicyOptions& o) {
  validate(o.arch, "policy");
  if (o.frozen_layers < 0 || o.frozen_layers >= o.arch.layers)
    throw Error(Fault::bad_input, "policy: frozen_layers: expected 0 to " + std::to_string(o.arch.layers - 1) + ", got " + std::to_string(o.frozen_layers));
  const Compute compute = o.precision == Precision::automatic ? best_compute() : o.precision == Precision::f32 ? Compute::f32 : Compute::bf16;
  auto trainer = std::make_unique<Trainer>(o.arch, compute, GenerateOptions{.end_ids = o.end_ids, .tokenizer = o.tokenizer, .batch = o.batch, .fixed = o.fixed_batches});
  trainer->decoder().checkpointing(o.checkpointing);
  trainer->freeze_below(o.frozen_layers);
  trainer->parameters().initialise(o.seed);
  return trainer;
}

}  // namespace hone::nn
