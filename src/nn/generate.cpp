#include "nn/generate.h"

#include <map>
#include <memory>

#include "core/error.h"
#include "nn/head.h"
#include "nn/product.h"
#include "nn/sampler.h"
#include "nn/tensors.h"

namespace hone::nn {

namespace {

// Keys and values of a stretch of tokens: [layers, 2, room, kv_width].
struct Cache {
  at::Tensor held;
  int length = 0;
  template <class T>
  T* at(int layer, int which) const {
    return data<T>(held) + (layer * 2 + which) * held.size(2) * held.size(3);
  }
};

struct Running {
  std::size_t request = 0;
  std::shared_ptr<const Cache> prompt;
  Cache own;
  Rng rng;
  std::string text;  // so far, when there are stop words
  std::vector<std::size_t> open;  // which allowed replies begin as this one does
};

// Next tokens of all running continuations: one row each.
template <class T>
class Steps {
 public:
  Steps(Decoder& decoder, int slab) : slab_(slab), decoder_(decoder), p_(decoder.parameters()), a_(p_.arch()) {}

  Cache room(int tokens) const { return {empty<T>({a_.layers, 2, tokens, a_.kv_width()}), 0}; }

  // Hidden states [prompts, width] of each prompt's last token; caches filled.
  at::Tensor prefill(const std::vector<std::vector<int>>& prompts, std::vector<std::shared_ptr<Cache>>& caches) {
    for (const auto& prompt : prompts) caches.push_back(std::make_shared<Cache>(room(static_cast<int>(prompt.size()))));
    at::Tensor last = empty<T>({static_cast<std::int64_t>(prompts.size()), a_.width});
    for (std::size_t first = 0; first < prompts.size();) {
      Flat flat;
      std::size_t end = first;
      do flat.append(prompts[end++]);
      while (slab_ == 0 && end < prompts.size() && flat.ids.size() + prompts[end].size() < 8192);
      const at::Tensor hidden = decoder_.forward(flat, [&](int layer, const at::Tensor& qkv) {
        for (std::size_t s = first; s < end; ++s)
          for (std::size_t i = 0; i < prompts[s].size(); ++i)
            keep(data<T>(qkv) + (flat.starts[s - first] + static_cast<std::int64_t>(i)) * qkv.size(1), *caches[s], layer, static_cast<int>(i));
      });
      for (std::size_t s = first; s < end; ++s) {
        caches[s]->length = static_cast<int>(prompts[s].size());
        last[static_cast<std::int64_t>(s)].copy_(hidden[flat.starts[s - first + 1] - 1]);
      }
      first = end;
    }
    return last;
  }

  int slab() const { return slab_; }
  // So many rows up to the next full slab.
  std::size_t padded(std::size_t rows) const {
    const auto slab = static_cast<std::size_t>(std::max(slab_, 1));
    return (rows + slab - 1) / slab * slab;
  }

  // Hidden states after these tokens, one row for each running continuation (with fixed batches, rows of nothing after them).
  at::Tensor step(std::vector<Running>& running, std::vector<int> tokens) {
    const auto n = static_cast<std::int64_t>(running.size());
    std::vector<int> positions;
    for (const auto& r : running) positions.push_back(r.prompt->length + r.own.length);
    tokens.resize(padded(tokens.size()));
    positions.resize(tokens.size());
    const at::Tensor hidden = decoder_.forward_rows(tokens, positions, [&](int layer, const at::Tensor& qkv) {
      at::Tensor out = at::zeros({qkv.size(0), a_.q_width()}, at::TensorOptions().dtype(scalar_of<T>));
      at::parallel_for(0, n, 1, [&](std::int64_t b, std::int64_t e) {
        for (auto i = b; i < e; ++i) attend(running[i], layer, data<T>(qkv) + i * qkv.size(1), data<T>(out) + i * a_.q_width());
      });
      return out;
    }, slab_);
    for (auto& r : running) ++r.own.length;
    return hidden;
  }

 private:
  void keep(const T* qkv, const Cache& cache, int layer, int at) const {
    std::copy_n(qkv + a_.q_width(), a_.kv_width(), cache.at<T>(layer, 0) + static_cast<std::int64_t>(at) * a_.kv_width());
    std::copy_n(qkv + a_.q_width() + a_.kv_width(), a_.kv_width(), cache.at<T>(layer, 1) + static_cast<std::int64_t>(at) * a_.kv_width());
  }

  void attend(Running& r, int layer, const T* qkv, T* out) const {
    keep(qkv, r.own, layer, r.own.length);
    const auto& k = kernels().rows<T>();
    const float scale = 1.0F / std::sqrt(static_cast<float>(a_.head_dim));
    std::vector<float> q(a_.head_dim), sum(a_.head_dim), scores(std::max(r.prompt->length, r.own.length + 1));
    for (int head = 0; head < a_.heads; ++head) {
      const int column = head / (a_.heads / a_.kv_heads) * a_.head_dim;
      k.to_float(qkv + head * a_.head_dim, q.data(), a_.head_dim);
      std::fill(sum.begin(), sum.end(), 0.0F);
      float top = -INFINITY, total = 0.0F;
      for (const auto& [cache, length] : {std::pair<const Cache&, int>{*r.prompt, r.prompt->length}, {r.own, r.own.length + 1}})
        k.attend(q.data(), cache.template at<T>(layer, 0) + column, cache.template at<T>(layer, 1) + column, a_.kv_width(), length, scale, scores.data(), sum.data(),
                 &top, &total, a_.head_dim);
      for (float& x : sum) x /= total;
      k.from_float(sum.data(), out + head * a_.head_dim, a_.head_dim);
    }
  }

  int slab_;  // rows of every product, 0 = as many as there are
  Decoder& decoder_;
  Parameters& p_;
  const Arch& a_;
};

template <class T>
class Generation {
 public:
  Generation(Decoder& decoder, std::span<const SampleRequest> requests, const GenerateOptions& options)
      : steps_(decoder, options.fixed ? steady_rows(decoder.parameters(), options.batch) : 0), head_(decoder.parameters()), requests_(requests), options_(options), out_(requests.size()) {}

  std::vector<Sampled> run() {
    while (next_ < requests_.size() || !running_.empty()) {
      // Room for many at once, so that prompts are read in large pieces.
      if (next_ < requests_.size() && (running_.empty() || options_.batch - static_cast<int>(running_.size()) >= std::max(1, options_.batch / 4))) admit();
      if (running_.empty()) continue;
      choose(steps_.step(running_, tokens_));
    }
    return std::move(out_);
  }

 private:
  // The next requests: each distinct prompt is read once, and every continuation draws its first token.
  void admit() {
    std::vector<std::vector<int>> prompts;
    std::map<std::vector<int>, std::size_t> known;
    std::vector<std::pair<std::size_t, std::size_t>> fresh;  // request, prompt
    for (; next_ < requests_.size() && running_.size() + fresh.size() < static_cast<std::size_t>(options_.batch); ++next_) {
      const auto& prompt = requests_[next_].prompt;
      if (requests_[next_].sampling.max_tokens <= 0) {
        out_[next_].why = StopReason::length;
        continue;
      }
      const auto [it, added] = known.emplace(prompt, prompts.size());
      if (added) prompts.push_back(prompt);
      fresh.emplace_back(next_, it->second);
    }
    if (fresh.empty()) return;
    std::vector<std::shared_ptr<Cache>> caches;
    const at::Tensor last = steps_.prefill(prompts, caches);
    std::vector<Running> waiting = std::move(running_);
    std::vector<int> tokens = std::move(tokens_);
    running_.clear();
    std::vector<std::int64_t> rows;
    for (const auto& [request, prompt] : fresh) {
      running_.push_back({request, caches[prompt], steps_.room(requests_[request].sampling.max_tokens), Rng(requests_[request].sampling.seed), {}, {}});
      for (std::size_t i = 0; i < requests_[request].allowed.size(); ++i) running_.back().open.push_back(i);
      rows.push_back(static_cast<std::int64_t>(prompt));
    }
    choose(last.index_select(0, at::tensor(rows)));
    std::move(running_.begin(), running_.end(), std::back_inserter(waiting));
    tokens.insert(tokens.end(), tokens_.begin(), tokens_.end());
    running_ = std::move(waiting);
    tokens_ = std::move(tokens);
  }

  // One token for each running continuation from its hidden state; those that end leave.
  void choose(at::Tensor hidden) {
    const auto n = static_cast<std::int64_t>(running_.size());
    const auto rows_wanted = static_cast<std::int64_t>(steps_.padded(static_cast<std::size_t>(hidden.size(0))));
    if (hidden.size(0) < rows_wanted) hidden = at::cat({hidden, at::zeros({rows_wanted - hidden.size(0), hidden.size(1)}, hidden.options())});
    std::vector<int> rows(static_cast<std::size_t>(hidden.size(0)));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int>(i);
    const at::Tensor logits = head_.logits(hidden, rows, steps_.slab());
    std::vector<Drawn> drawn(static_cast<std::size_t>(n));
    at::parallel_for(0, n, 1, [&](std::int64_t b, std::int64_t e) {
      std::vector<int> order;
      for (auto i = b; i < e; ++i)
        drawn[i] = next({data<float>(logits) + i * logits.size(1), static_cast<std::size_t>(logits.size(1))}, running_[i], order);
    });
    std::vector<Running> on;
    tokens_.clear();
    for (std::size_t i = 0; i < running_.size(); ++i) {
      if (!take(running_[i], drawn[i])) continue;
      tokens_.push_back(drawn[i].id);
      on.push_back(std::move(running_[i]));
    }
    running_ = std::move(on);
  }

  Drawn next(std::span<const float> logits, Running& r, std::vector<int>& order) const {
    const SampleRequest& request = requests_[r.request];
    if (request.allowed.empty()) return draw(logits, request.sampling, r.rng, order);
    const auto place = out_[r.request].ids.size();
    order.clear();
    for (const auto i : r.open) order.push_back(request.allowed[i][place]);
    std::sort(order.begin(), order.end());
    order.erase(std::unique(order.begin(), order.end()), order.end());
    return draw_among(logits, order, request.sampling.temperature, r.rng);
  }

  // False when the continuation is over.
  bool take(Running& r, const Drawn& drawn) {
    const Sampling& how = requests_[r.request].sampling;
    Sampled& out = out_[r.request];
    const auto& allowed = requests_[r.request].allowed;
    std::erase_if(r.open, [&](std::size_t i) { return allowed[i].size() == out.ids.size() || allowed[i][out.ids.size()] != drawn.id; });
    out.ids.push_back(drawn.id);
    out.logp.push_back(drawn.logp);
    out.entropy.push_back(drawn.entropy);
    if (std::find(options_.end_ids.begin(), options_.end_ids.end(), drawn.id) != options_.end_ids.end()) {
      out.why = StopReason::end;
      return false;
    }
    if (!r.open.empty() && std::all_of(r.open.begin(), r.open.end(), [&](std::size_t i) { return allowed[i].size() == out.ids.size(); })) {
      out.why = StopReason::end;
      return false;
    }
    if (!how.stop.empty() && options_.tokenizer != nullptr) {
      r.text += options_.tokenizer->decode(std::span(&drawn.id, 1), false);
      for (const auto& word : how.stop)
        if (!word.empty() && r.text.find(word) != std::string::npos) {
          out.why = StopReason::stop_word;
          return false;
        }
    }
    if (static_cast<int>(out.ids.size()) < how.max_tokens) return true;
    out.why = StopReason::length;
    return false;
  }

  Steps<T> steps_;
  Head head_;
  std::span<const SampleRequest> requests_;
  const GenerateOptions& options_;
  std::vector<Sampled> out_;
  std::size_t next_ = 0;
  std::vector<Running> running_;
  std::vector<int> tokens_;  // the last of each running continuation
};

}  // namespace

std::vector<Sampled> generate(Decoder& decoder, std::span<const SampleRequest> requests, const GenerateOptions& options) {
  const int context = decoder.parameters().arch().context;
  for (const auto& r : requests) {
    if (r.prompt.empty()) throw Error(Fault::bad_input, "generate: an empty prompt");
    if (static_cast<int>(r.prompt.size()) + r.sampling.max_tokens > context)
      throw Error(Fault::bad_input, "generate: prompt (" + std::to_string(r.prompt.size()) + ") and max_tokens (" + std::to_string(r.sampling.max_tokens) +
                                        ") are more than the model's context of " + std::to_string(context));
    for (const auto& reply : r.allowed) {
      if (reply.empty()) throw Error(Fault::bad_input, "generate: an allowed reply is empty");
      for (const auto& other : r.allowed)
        if (&other != &reply && other.size() > reply.size() && std::equal(reply.begin(), reply.end(), other.begin()))
          throw Error(Fault::bad_input, "generate: an allowed reply is the start of another: expected each to end with an end token");
      for (const int id : reply)
        if (id < 0 || id >= decoder.parameters().arch().vocab) throw Error(Fault::bad_input, "generate: an allowed reply holds token " + std::to_string(id));
    }
    if (!r.sampling.grammar.empty() || !r.sampling.json_schema.empty()) throw Error(Fault::usage, "generate: a model that trains can't be held to a grammar");
  }
  if (decoder.parameters().compute() == Compute::f32) return Generation<float>(decoder, requests, options).run();
  return Generation<bf16_t>(decoder, requests, options).run();
}

}  // namespace hone::nn
