#include "models/llama/canonical.h"

#include <algorithm>
#include <chrono>

#include "core/error.h"
#include "models/llama/engine.h"
#include "models/llama/worker.h"

namespace hone::llama {

int common_pieces(const Pieces& a, const Pieces& b) {
  std::size_t n = 0;
  int from = 0;
  while (n < a.cuts.size() && n < b.cuts.size() && a.cuts[n] == b.cuts[n] &&
         std::equal(a.tokens.begin() + from, a.tokens.begin() + a.cuts[n], b.tokens.begin() + from))
    from = a.cuts[n++];
  return static_cast<int>(n);
}

void CanonicalCache::truncate(int pieces) {
  live_.cuts.resize(static_cast<std::size_t>(pieces));
  const int tokens = pieces == 0 ? 0 : live_.cuts.back();
  live_.tokens.resize(static_cast<std::size_t>(tokens));
  llama_memory_seq_rm(llama_get_memory(&context_), 0, tokens, -1);
}

void CanonicalCache::trim() {
  llama_memory_seq_keep(llama_get_memory(&context_), 0);
  truncate(static_cast<int>(live_.cuts.size()));
}

void CanonicalCache::reset() {
  llama_memory_clear(llama_get_memory(&context_), false);
  live_ = {};
}

CanonicalCache::Kept* CanonicalCache::best_kept(const Pieces& pieces, int better_than, int* common) {
  Kept* best = nullptr;
  for (Kept& kept : kept_) {
    const int n = common_pieces(kept.pieces, pieces);
    if (n <= better_than) continue;
    better_than = *common = n;
    best = &kept;
  }
  return best;
}

// Copying a prefix out costs milliseconds, computing it again hundreds of them.
void CanonicalCache::keep_live() {
  int covered = 0;
  if (best_kept(live_, static_cast<int>(live_.cuts.size()) - 1, &covered) != nullptr) return;
  const auto size = static_cast<std::int64_t>(llama_state_seq_get_size(&context_, 0));
  if (live_.tokens.size() < static_cast<std::size_t>(2 * min_piece) || size > budget_) return;
  // A prefix of what is kept now adds nothing once the longer one is there.
  std::erase_if(kept_, [&](const Kept& k) { return common_pieces(k.pieces, live_) == static_cast<int>(k.pieces.cuts.size()); });
  std::int64_t total = size;
  for (const Kept& k : kept_) total += static_cast<std::int64_t>(k.state.size());
  while (total > budget_) {
    const auto oldest = std::min_element(kept_.begin(), kept_.end(), [](const Kept& a, const Kept& b) { return a.used < b.used; });
    total -= static_cast<std::int64_t>(oldest->state.size());
    kept_.erase(oldest);
  }
  Kept kept{live_, std::vector<std::uint8_t>(static_cast<std::size_t>(size)), ++clock_};
  kept.state.resize(llama_state_seq_get_data(&context_, kept.state.data(), kept.state.size(), 0));
  if (!kept.state.empty()) kept_.push_back(std::move(kept));
}

int CanonicalCache::hold(const Pieces& pieces) {
  int common = common_pieces(live_, pieces);
  if (common < static_cast<int>(live_.cuts.size()) && budget_ > 0) keep_live();
  int stored = 0;
  if (Kept* kept = best_kept(pieces, common, &stored)) {
    kept->used = ++clock_;
    reset();
    if (llama_state_seq_set_data(&context_, kept->state.data(), kept->state.size(), 0) == 0) {
      reset();
      stored = 0;
    } else {
      live_ = kept->pieces;
    }
    common = stored;
  }
  truncate(common);
  const int reused = static_cast<int>(live_.tokens.size());
  for (std::size_t n = static_cast<std::size_t>(common); n < pieces.cuts.size(); ++n) {
    int from = n == 0 ? 0 : pieces.cuts[n - 1];
    while (from < pieces.cuts[n]) {
      const int to = std::min(from + batch_tokens, pieces.cuts[n]);
      std::vector<Item> items;
      for (int i = from; i < to; ++i) items.push_back({pieces.tokens[i], i, {0}, false});
      if (decode(context_, items) != 0) throw Error(Fault::internal, "canonical cache: no room for " + std::to_string(to) + " tokens");
      from = to;
    }
    live_.tokens.insert(live_.tokens.end(), pieces.tokens.begin() + static_cast<std::ptrdiff_t>(live_.tokens.size()), pieces.tokens.begin() + from);
    live_.cuts.push_back(pieces.cuts[n]);
  }
  return reused;
}

namespace {

Pieces leading(const Prompt& prompt) {
  Pieces pieces;
  pieces.cuts.assign(prompt.cuts.begin(), prompt.cuts.end() - 1);
  if (!pieces.cuts.empty()) pieces.tokens.assign(prompt.tokens.begin(), prompt.tokens.begin() + pieces.cuts.back());
  return pieces;
}

class CanonicalEngine final : public Engine {
 private:
  template <class F>
  auto on_worker(F&& task) {
    return worker_.run([&] {
      try {
        return task();
      } catch (...) {
        cache_.reset();
        throw;
      }
    });
  }

 public:
  explicit CanonicalEngine(const EngineSetup& setup)
      : setup_(setup),
        context_(make_engine_context(setup, setup.context + tree_nodes, 1 + tree_leaves)),
        cache_(*context_, std::int64_t{setup.options.cache_mb} << 20),
        vocabulary_(static_cast<std::size_t>(llama_vocab_n_tokens(setup.vocab))) {}

  Reply chat(const Prompt& prompt, Generation generation) override {
    return on_worker([&] { return chat_now(prompt, generation); });
  }
  std::vector<ChoiceAnswer> score(std::span<const ChoiceWork> works) override {
    std::vector<ChoiceAnswer> answers;
    for (const ChoiceWork& work : works) answers.push_back(on_worker([&] { return score_now(work); }));
    return answers;
  }

 private:
  // Decodes the items in as few batches as fit; `row` gets each output's item index and logits.
  template <class F>
  void run(std::span<const Item> items, F&& row) {
    for (std::size_t done = 0; done < items.size();) {
      const auto share = items.subspan(done, batch_share(items.subspan(done)));
      if (decode(*context_, share) != 0) throw Error(Fault::internal, setup_.name + ": no room in the cache");
      for (std::size_t i = 0; i < share.size(); ++i)
        if (share[i].output) row(done + i, std::span<const float>(llama_get_logits_ith(context_.get(), static_cast<int>(i)), vocabulary_));
      done += share.size();
    }
  }

  Reply chat_now(const Prompt& prompt, Generation& generation) {
    const auto began = std::chrono::steady_clock::now();
    const int size = static_cast<int>(prompt.tokens.size());
    Usage usage{.calls = 1, .prompt_tokens = size};
    const Pieces lead = leading(prompt);
    usage.cached_tokens = cache_.hold(lead);
    bool more = true;
    const auto advance = [&](std::size_t, std::span<const float> logits) { more = generation.advance(logits); };
    run(prompt_items(prompt, static_cast<int>(lead.tokens.size()), size, {0}), advance);
    while (more) {
      const std::vector<Item> next{{generation.last_token(), size + generation.generated() - 1, {0}, true}};
      run(next, advance);
    }
    cache_.trim();
    usage.generated_tokens = generation.generated();
    usage.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    Reply reply = std::move(generation).reply();
    reply.usage = usage;
    return reply;
  }

  ChoiceAnswer score_now(const ChoiceWork& work) {
    const auto began = std::chrono::steady_clock::now();
    const int size = static_cast<int>(work.prompt.tokens.size());
    ChoiceAnswer answer;
    answer.usage = {.calls = 1, .prompt_tokens = size};
    const Pieces lead = leading(work.prompt);
    answer.usage.cached_tokens = cache_.hold(lead);
    const std::vector<ChoiceTree> trees = choice_trees(work.choices, tree_leaves, tree_nodes);
    std::vector<TreeScores> scores;
    for (const ChoiceTree& tree : trees) scores.emplace_back(tree, setup_.ends);
    for (std::size_t t = 0; t < trees.size(); ++t) {
      score_tree(work.prompt, t == 0 ? static_cast<int>(lead.tokens.size()) : size, trees[t], scores, t);
      answer.usage.prompt_tokens += static_cast<std::int64_t>(trees[t].nodes.size());
    }
    cache_.trim();
    answer.logp.resize(work.choices.size());
    for (std::size_t t = 0; t < trees.size(); ++t) {
      const std::vector<double> totals = scores[t].totals();
      for (std::size_t m = 0; m < totals.size(); ++m) answer.logp[trees[t].members[m]] = totals[m];
    }
    answer.usage.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    return answer;
  }

  // The first tree rides in the same batch as the rest of the prompt; the prompt's last row serves all trees.
  void score_tree(const Prompt& prompt, int from, const ChoiceTree& tree, std::vector<TreeScores>& scores, std::size_t which) {
    llama_memory_t memory = llama_get_memory(context_.get());
    llama_memory_seq_keep(memory, 0);
    const int size = static_cast<int>(prompt.tokens.size());
    std::vector<llama_seq_id> leaves;
    for (llama_seq_id s = 1; s <= tree.leaves; ++s) {
      leaves.push_back(s);
      llama_memory_seq_cp(memory, 0, s, -1, -1);
    }
    std::vector<llama_seq_id> all = leaves;
    all.insert(all.begin(), 0);
    std::vector<Item> items = prompt_items(prompt, from, size, all);
    const std::size_t prompt_part = items.size();
    for (Item& item : tree_items(tree, size, leaves)) items.push_back(std::move(item));
    run(items, [&](std::size_t i, std::span<const float> logits) {
      if (i >= prompt_part) return scores[which].take(static_cast<int>(i - prompt_part), logits);
      for (TreeScores& s : scores) s.take(-1, logits);
    });
  }

  EngineSetup setup_;
  ContextPtr context_;
  CanonicalCache cache_;
  std::size_t vocabulary_;
  Worker worker_;  // last: stops before what it works on goes
};

}  // namespace

std::unique_ptr<Engine> make_canonical_engine(const EngineSetup& setup) { return std::make_unique<CanonicalEngine>(setup); }

}  // namespace hone::llama
