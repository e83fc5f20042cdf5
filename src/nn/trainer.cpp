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

constexpr const char* first_words = "hone-policy-2";

void put_floats(Sink& sink, const at::Tensor& t) { sink.write(std::as_bytes(std::span(data<float>(t), static_cast<std::size_t>(t.numel())))); }
void get_floats(Source& source, const at::Tensor& t) { source.read(std::as_writable_bytes(std::span(data<float>(t), static_cast<std::size_t>(t.numel())))); }

// There or not, then the numbers.
void put_optional(Sink& sink, const at::Tensor& t) {
  put(sink, static_cast<std::uint8_t>(t.defined()));
  if (t.defined()) put_floats(sink, t);
}
at::Tensor get_optional(Source& source, std::int64_t total) {
  std::uint8_t there = 0;
  get(source, there);
  if (there == 0) return {};
  const at::Tensor t = at::empty({total});
  get_floats(source, t);
  return t;
}

}  // namespace

Trainer::Trainer(const Arch& arch, Compute compute, GenerateOptions generation, const LoraOptions& lora, int frozen)
    : parameters_(arch, compute, lora.rank > 0),
      adapters_(lora.rank > 0 ? std::make_unique<Adapters>(parameters_, lora, frozen) : nullptr),
      decoder_(parameters_, adapters_.get()),
      head_(parameters_, adapters_ == nullptr),
      generation_(std::move(generation)),
      frozen_(frozen) {
  decoder_.freeze_below(frozen);
}

Learning Trainer::learning() {
  if (adapters_) return {adapters_->values(), adapters_->gradient(), &adapters_->named(), 0};
  const Layout& layout = parameters_.layout();
  return {parameters_.master(), parameters_.gradient(), &layout.named, frozen_ > 0 ? layout.layers[frozen_].attention_norm.offset : 0};
}

std::vector<Sampled> Trainer::sample(std::span<const SampleRequest> requests) { return generate(decoder_, requests, generation_); }

std::vector<SequenceScores> Trainer::score(std::span<const TokenSequence> sequences, float temperature, Which weights) {
  if (weights == Which::current) return score_with(parameters_, sequences, temperature);
  if (reference_) return score_with(*reference_, sequences, temperature);
  if (!reference_adapters_.defined()) throw Error(Fault::usage, "policy: no reference was kept");
  struct Swapped {
    Adapters& adapters;
    at::Tensor now;
    Swapped(Adapters& a, const at::Tensor& then) : adapters(a), now(a.values().clone()) { put(then); }
    ~Swapped() { put(now); }
    void put(const at::Tensor& values) const {
      adapters.values().copy_(values);
      adapters.merge();
    }
  } const swapped(*adapters_, reference_adapters_);
  return score_with(parameters_, sequences, temperature);
}

std::vector<SequenceScores> Trainer::score_with(Parameters& p, std::span<const TokenSequence> sequences, float temperature) {
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
  const Learning what = learning();
  what.gradient.zero_();
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
  result.gradient_norm = norm_of(what.gradient);
  if (!std::isfinite(result.loss) || !std::isfinite(result.gradient_norm))
    throw Error(Fault::bad_input, "policy: step " + std::to_string(optimizer_.steps() + 1) + " is not finite (loss " + std::to_string(result.loss) + ", gradient norm " +
                                      std::to_string(result.gradient_norm) + "); the weights are as before it");
  result.skipped = o.skip_above > 0.0 && result.gradient_norm > o.skip_above;
  if (!result.skipped) {
    if (o.ema > 0.0 && !average_.defined()) average_ = what.values.clone();
    optimizer_.update(what, o, o.clip > 0.0 && result.gradient_norm > o.clip ? o.clip / (result.gradient_norm + 1e-6) : 1.0);
    if (o.ema > 0.0) average_.lerp_(what.values, 1.0 - o.ema);
    weights_changed();
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return result;
}

void Trainer::keep_reference() {
  if (adapters_) {
    reference_adapters_ = adapters_->values().clone();
    return;
  }
  reference_ = std::make_unique<Parameters>(parameters_.arch(), parameters_.compute());
  reference_->master().copy_(parameters_.master());
  reference_->refresh();
}

std::vector<PolicyWeight> Trainer::weights(WeightSet which) {
  if (which == WeightSet::average && !average_.defined()) return {};
  const bool all = which == WeightSet::all;
  const at::Tensor flat = all ? parameters_.master() : which == WeightSet::average ? average_ : learning().values;
  std::vector<PolicyWeight> out;
  for (const auto& n : all || !adapters_ ? parameters_.layout().named : adapters_->named()) {
    std::vector<std::int64_t> shape{n.at.columns};
    if (!n.vector) shape.insert(shape.begin(), n.at.rows);
    out.push_back({n.name, std::move(shape), {data<float>(flat) + n.at.offset, static_cast<std::size_t>(n.at.count())}});
  }
  return out;
}

void Trainer::weights_changed() {
  parameters_.refresh();
  if (adapters_) adapters_->merge();
}

void Trainer::read(const std::string& name, std::span<float> out) {
  const auto& named = parameters_.layout().named;
  const auto n = std::find_if(named.begin(), named.end(), [&](const auto& x) { return x.name == name; });
  if (n == named.end()) throw Error(Fault::usage, "policy: no weight is called " + excerpt(name));
  if (static_cast<std::int64_t>(out.size()) != n->at.count())
    throw Error(Fault::usage, "policy: " + name + " has " + std::to_string(n->at.count()) + " numbers, the place for them " + std::to_string(out.size()));
  const at::Tensor values = adapters_ ? adapters_->merged(n->at) : parameters_.master(n->at);
  std::copy_n(data<float>(values), out.size(), out.begin());
}

void Trainer::save(Sink& sink) const {
  put_text(sink, first_words);
  const at::Tensor values = adapters_ ? adapters_->values() : parameters_.master();
  put(sink, values.numel());
  put(sink, adapters_ ? norm_of(parameters_.master()) : 0.0);  // adapters are saved without their base, which must be the same again
  put_floats(sink, values);
  optimizer_.save(sink);
  put_optional(sink, average_);
  put_optional(sink, adapters_ ? reference_adapters_ : reference_ ? reference_->master() : at::Tensor());
}

void Trainer::load(Source& source) {
  if (get_text(source) != first_words) throw Error(Fault::corrupt, "checkpoint: not one of a policy");
  const at::Tensor values = learning().values;
  std::int64_t total = 0;
  double base = 0.0;
  get(source, total);
  get(source, base);
  if (total != values.numel())
    throw Error(Fault::corrupt, "checkpoint: of a model that trains " + std::to_string(total) + " numbers, this one trains " + std::to_string(values.numel()));
  if (adapters_ && base != norm_of(parameters_.master())) throw Error(Fault::corrupt, "checkpoint: of adapters of other weights than these");
  get_floats(source, values);
  weights_changed();
  optimizer_.load(source, total);
  average_ = get_optional(source, total);
  reference_adapters_ = at::Tensor();
  reference_.reset();
  const at::Tensor reference = get_optional(source, total);
  if (!reference.defined()) return;
  if (adapters_) {
    reference_adapters_ = reference;
    return;
  }
  reference_ = std::make_unique<Parameters>(parameters_.arch(), parameters_.compute());
  reference_->master().copy_(reference);
  reference_->refresh();
}

std::unique_ptr<Trainer> make_trainer(const PolicyOptions& o) {
  validate(o.arch, "policy");
  if (o.frozen_layers < 0 || o.frozen_layers >= o.arch.layers)
    throw Error(Fault::bad_input, "policy: frozen_layers: expected 0 to " + std::to_string(o.arch.layers - 1) + ", got " + std::to_string(o.frozen_layers));
  if (o.lora.rank < 0 || o.lora.rank > o.arch.width)
    throw Error(Fault::bad_input, "policy: lora rank: expected 0 to " + std::to_string(o.arch.width) + ", got " + std::to_string(o.lora.rank));
  const Compute compute = o.precision == Precision::automatic ? best_compute() : o.precision == Precision::f32 ? Compute::f32 : Compute::bf16;
  auto trainer = std::make_unique<Trainer>(o.arch, compute, GenerateOptions{.end_ids = o.end_ids, .tokenizer = o.tokenizer, .batch = o.batch, .fixed = o.fixed_batches}, o.lora,
                                           o.frozen_layers);
  trainer->decoder().checkpointing(o.checkpointing);
  trainer->parameters().initialise(o.seed);
  if (trainer->adapters() != nullptr) trainer->adapters()->initialise(o.seed);
  trainer->weights_changed();
  return trainer;
}

}  // namespace hone::nn
