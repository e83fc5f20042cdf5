#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "models/llama/handle.h"
#include "models/llama/worker.h"
#include "models/local.h"
#include "wire/json.h"

namespace hone {
namespace {

constexpr int together = 16;      // texts of one decode in free mode
constexpr int together_tokens = 2048;

}  // namespace

struct LocalEmbedder::Impl {
  Impl(const LocalFile& file, const ModelOptions& options)
      : model(llama::load_model(file.path)), vocab(llama_model_get_vocab(model.get())), alone(options.deterministic) {
    facts = llama::facts_of(*model, file);
    facts.context = llama_model_n_ctx_train(model.get());
    // Such a model looks at all tokens at once, so a decode must take the longest text whole.
    llama_context_params params = llama_context_default_params();
    const int tokens = alone ? facts.context : std::max(facts.context, together_tokens);
    params.n_ctx = params.n_batch = params.n_ubatch = static_cast<std::uint32_t>(tokens);
    params.n_seq_max = alone ? 1 : together;
    params.n_threads = params.n_threads_batch = llama::thread_count(options);
    params.embeddings = true;
    params.kv_unified = true;
    params.no_perf = true;
    context = llama::make_context(*model, params, facts.name);
    const enum llama_pooling_type pooling = ::llama_pooling_type(context.get());
    if (pooling != LLAMA_POOLING_TYPE_MEAN && pooling != LLAMA_POOLING_TYPE_CLS && pooling != LLAMA_POOLING_TYPE_LAST)
      throw Error(Fault::bad_input, file.path + ": expected an embedding model, got architecture " + facts.architecture + " without pooling");
    limit = tokens;
  }

  // [CLS] text [SEP] for BERT; what the tokenizer of the file asks for in general. Cut at the window, its end token kept.
  std::vector<llama_token> tokens(std::string_view text) const {
    std::vector<llama_token> ids = llama::tokenize(*vocab, wire::valid_utf8(text), false);
    const bool bert = llama_vocab_type(vocab) == LLAMA_VOCAB_TYPE_WPM;
    const llama_token first = llama_vocab_bos(vocab);
    const llama_token last = bert ? llama_vocab_sep(vocab) : llama_vocab_eos(vocab);
    const bool add_first = first != LLAMA_TOKEN_NULL && (bert || llama_vocab_get_add_bos(vocab));
    const bool add_last = last != LLAMA_TOKEN_NULL && (bert || llama_vocab_get_add_eos(vocab));
    const int room = facts.context - (add_first ? 1 : 0) - (add_last ? 1 : 0);
    if (static_cast<int>(ids.size()) > room) ids.resize(static_cast<std::size_t>(room));
    if (add_first) ids.insert(ids.begin(), first);
    if (add_last) ids.push_back(last);
    if (ids.empty()) ids.push_back(0);
    return ids;
  }

  // On the worker's thread: one decode of these texts, vectors into `out`.
  void decode(std::span<const std::vector<llama_token>> texts, std::span<float> out) {
    std::vector<llama::Item> items;
    for (std::size_t s = 0; s < texts.size(); ++s)
      for (std::size_t i = 0; i < texts[s].size(); ++i)
        items.push_back({texts[s][i], static_cast<llama_pos>(i), {static_cast<llama_seq_id>(s)}, true});
    if (llama_memory_t memory = llama_get_memory(context.get())) llama_memory_clear(memory, true);
    if (llama::decode(*context, items) != 0) throw Error(Fault::internal, facts.name + ": no room for " + std::to_string(items.size()) + " tokens");
    const auto width = static_cast<std::size_t>(llama_model_n_embd_out(model.get()));
    for (std::size_t s = 0; s < texts.size(); ++s) {
      const float* row = llama_get_embeddings_seq(context.get(), static_cast<llama_seq_id>(s));
      if (row == nullptr) throw Error(Fault::internal, facts.name + ": no vector came back: " + llama::take_errors());
      double square = 0.0;
      for (std::size_t i = 0; i < width; ++i) square += double{row[i]} * row[i];
      const double scale = square > 0.0 ? 1.0 / std::sqrt(square) : 0.0;
      for (std::size_t i = 0; i < width; ++i) out[s * width + i] = static_cast<float>(row[i] * scale);
    }
  }

  void embed(std::span<const std::vector<llama_token>> texts, std::span<float> out) {
    const auto width = static_cast<std::size_t>(llama_model_n_embd_out(model.get()));
    for (std::size_t done = 0; done < texts.size();) {
      std::size_t n = 1;
      auto used = static_cast<int>(texts[done].size());
      while (!alone && done + n < texts.size() && n < together && used + static_cast<int>(texts[done + n].size()) <= limit)
        used += static_cast<int>(texts[done + n++].size());
      decode(texts.subspan(done, n), out.subspan(done * width, n * width));
      done += n;
    }
  }

  llama::ModelPtr model;
  const llama_vocab* vocab;
  bool alone;
  int limit = 0;  // tokens of one decode
  ModelFacts facts;
  llama::ContextPtr context;
  llama::Worker worker;  // last: stops before what it works on goes
};

LocalEmbedder::LocalEmbedder(const LocalFile& file, const ModelOptions& options) : impl_(std::make_unique<Impl>(file, options)) {}
LocalEmbedder::~LocalEmbedder() = default;

const ModelFacts& LocalEmbedder::facts() const { return impl_->facts; }
int LocalEmbedder::dimensions() const { return llama_model_n_embd_out(impl_->model.get()); }
std::vector<int> LocalEmbedder::tokens(std::string_view text) const { return impl_->tokens(text); }

void LocalEmbedder::embed(std::span<const std::string_view> texts, std::span<float> out) {
  if (out.size() != texts.size() * static_cast<std::size_t>(dimensions()))
    throw Error(Fault::internal, "embed: expected room for " + std::to_string(texts.size()) + " x " + std::to_string(dimensions()) +
                                     " numbers, got " + std::to_string(out.size()));
  std::vector<std::vector<llama_token>> tokens;
  for (const std::string_view text : texts) tokens.push_back(impl_->tokens(text));
  if (!tokens.empty()) impl_->worker.run([&] { impl_->embed(tokens, out); });
}

}  // namespace hone
