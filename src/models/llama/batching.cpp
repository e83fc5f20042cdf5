// Free mode: continuous batching. Every decode takes the next token of each reply in the making, then as much of the
// waiting prompts and choice trees as fits. Prompts start from the longest prefix that any sequence, busy or idle, holds.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "core/error.h"
#include "models/llama/engine.h"

namespace hone::llama {
namespace {

using Clock = std::chrono::steady_clock;
constexpr int leaf_sequences = 2 * tree_leaves;  // so that two large choice requests, or many small ones, run side by side

// A request on its way. Exactly one of chat and choices.
struct Job {
  const Prompt* prompt = nullptr;
  Generation* generation = nullptr;
  const ChoiceWork* choices = nullptr;
  int cells = 0;  // the cache cells it may come to need
  Usage usage;
  std::promise<void> done;

  // Choice jobs: the trees one after another, and what is still to be fed.
  std::vector<ChoiceTree> trees;
  std::vector<TreeScores> scores;
  std::size_t tree = 0;
  int most_leaves = 0;               // of any of its trees
  std::vector<llama_seq_id> leaves;  // held from start to end
};

// A sequence of the cache: busy with a job, or idle and kept for its prefix.
struct Slot {
  llama_seq_id id = 0;
  Job* job = nullptr;
  std::vector<llama_token> held;  // tokens in the cache, from position 0
  std::uint64_t used = 0;
  std::deque<Item> pending;  // still to be decoded
  std::size_t fed = 0;       // items already decoded, of the current list
  int node0 = 0;             // index in the current list of the tree's first node
};

class BatchingEngine final : public Engine {
 public:
  explicit BatchingEngine(const EngineSetup& setup)
      : setup_(setup),
        cells_(setup.context * std::min(setup.options.parallel, 4) + tree_nodes),
        context_(make_engine_context(setup, cells_, setup.options.parallel + leaf_sequences)),
        vocabulary_(static_cast<std::size_t>(llama_vocab_n_tokens(setup.vocab))),
        slots_(static_cast<std::size_t>(setup.options.parallel)) {
    for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].id = static_cast<llama_seq_id>(i);
    for (int i = 0; i < leaf_sequences; ++i) free_leaves_.push_back(setup.options.parallel + i);
    thread_ = std::thread([this] { loop(); });
  }

  ~BatchingEngine() override {
    {
      const std::lock_guard hold(lock_);
      stop_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  Reply chat(const Prompt& prompt, Generation generation) override {
    Job job;
    job.prompt = &prompt;
    job.generation = &generation;
    job.cells = static_cast<int>(prompt.tokens.size()) + generation.most();
    submit(job).get();
    job.usage.generated_tokens = generation.generated();
    Reply reply = std::move(generation).reply();
    reply.usage = job.usage;
    return reply;
  }

  std::vector<ChoiceAnswer> score(std::span<const ChoiceWork> works) override {
    std::deque<Job> jobs(works.size());
    std::vector<std::future<void>> finished;
    for (std::size_t i = 0; i < works.size(); ++i) {
      plan(jobs[i], works[i]);
      finished.push_back(submit(jobs[i]));
    }
    for (auto& f : finished) f.wait();  // all, before the jobs may go
    std::vector<ChoiceAnswer> answers;
    for (std::size_t i = 0; i < works.size(); ++i) {
      finished[i].get();
      answers.push_back(answer_of(jobs[i]));
    }
    return answers;
  }

 private:
  void plan(Job& job, const ChoiceWork& work) const {
    job.prompt = &work.prompt;
    job.choices = &work;
    job.trees = choice_trees(work.choices, tree_leaves, tree_nodes);
    job.cells = static_cast<int>(work.prompt.tokens.size());
    std::size_t most = 0;
    for (const ChoiceTree& tree : job.trees) {
      job.scores.emplace_back(tree, setup_.ends);
      most = std::max(most, tree.nodes.size());
      job.most_leaves = std::max(job.most_leaves, tree.leaves);
    }
    job.cells += static_cast<int>(most);
  }

  static ChoiceAnswer answer_of(const Job& job) {
    ChoiceAnswer answer{std::vector<double>(job.choices->choices.size()), job.usage};
    for (std::size_t t = 0; t < job.trees.size(); ++t) {
      answer.usage.prompt_tokens += static_cast<std::int64_t>(job.trees[t].nodes.size());
      const std::vector<double> totals = job.scores[t].totals();
      for (std::size_t m = 0; m < totals.size(); ++m) answer.logp[job.trees[t].members[m]] = totals[m];
    }
    return answer;
  }

  std::future<void> submit(Job& job) {
    job.usage.calls = 1;
    job.usage.prompt_tokens = static_cast<std::int64_t>(job.prompt->tokens.size());
    auto finished = job.done.get_future();
    {
      const std::lock_guard hold(lock_);
      queue_.push_back(&job);
    }
    wake_.notify_one();
    return finished;
  }

  void loop() {
    while (true) {
      {
        std::unique_lock hold(lock_);
        wake_.wait(hold, [this] { return stop_ || !queue_.empty() || busy() > 0; });
        if (stop_ && queue_.empty() && busy() == 0) return;
      }
      try {
        admit_all();
        step();
      } catch (...) {
        fail_all(std::current_exception());
      }
    }
  }

  void admit_all() {
    const std::lock_guard hold(lock_);
    while (!queue_.empty() && admit(*queue_.front())) {
    }
  }

  std::size_t busy() const {
    return static_cast<std::size_t>(std::count_if(slots_.begin(), slots_.end(), [](const Slot& s) { return s.job != nullptr; }));
  }

  static std::size_t shared(const std::vector<llama_token>& a, const std::vector<llama_token>& b) {
    return static_cast<std::size_t>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  }

  // Takes the first of the queue. False when there is no slot, or not surely enough cells, until others have finished.
  bool admit(Job& job) {
    Slot* slot = nullptr;
    Slot* source = nullptr;
    std::size_t best = 0, coming = 0;
    int promised = 0;
    for (Slot& s : slots_) {
      if (s.job != nullptr) promised += s.job->cells;
      const std::size_t n = shared(s.held, job.prompt->tokens);
      if (n > best) best = n, source = &s;
      if (s.job != nullptr) coming = std::max(coming, shared(s.job->prompt->tokens, job.prompt->tokens));
      if (s.job == nullptr && (slot == nullptr || s.used < slot->used)) slot = &s;
    }
    if (slot == nullptr || (promised > 0 && promised + job.cells > cells_)) return false;
    if (free_leaves_.size() < static_cast<std::size_t>(job.most_leaves)) return false;
    if (coming > best + min_piece) return false;  // somebody is just computing what this one could share
    best = std::min(best, job.prompt->tokens.size() - 1);  // one token must be read for its logits
    if (source != nullptr && source->job == nullptr && source->held.size() == best) slot = source;  // grows in place
    // From the queue into the slot before anything can throw: fail_all then answers it, once.
    queue_.pop_front();
    slot->job = &job;
    llama_memory_t memory = llama_get_memory(context_.get());
    if (slot != source) {
      llama_memory_seq_rm(memory, slot->id, -1, -1);
      slot->held.clear();
      if (best > 0) {
        llama_memory_seq_cp(memory, source->id, slot->id, 0, static_cast<llama_pos>(best));
        slot->held.assign(source->held.begin(), source->held.begin() + static_cast<std::ptrdiff_t>(best));
      }
    } else {
      llama_memory_seq_rm(memory, slot->id, static_cast<llama_pos>(best), -1);
      slot->held.resize(best);
    }
    slot->used = ++clock_;
    job.usage.cached_tokens = static_cast<std::int64_t>(best);
    start(*slot);
    return true;
  }

  // Lists what is to be decoded next for a job whose slot holds part of the prompt.
  void start(Slot& slot) {
    Job& job = *slot.job;
    const int from = static_cast<int>(slot.held.size());
    const int size = static_cast<int>(job.prompt->tokens.size());
    slot.pending.clear();
    slot.fed = 0;
    std::vector<llama_seq_id> readers{slot.id};
    if (job.choices != nullptr) {
      take_leaves(slot);
      readers.insert(readers.end(), job.leaves.begin(), job.leaves.begin() + job.trees[job.tree].leaves);
    }
    for (Item& item : prompt_items(*job.prompt, from, size, readers)) slot.pending.push_back(std::move(item));
    slot.node0 = size - from;
    if (job.choices == nullptr) return;
    for (Item& item : tree_items(job.trees[job.tree], size, job.leaves)) slot.pending.push_back(std::move(item));
  }

  // Gives every leaf of the job's present tree the prompt as far as it is held.
  void take_leaves(Slot& slot) {
    Job& job = *slot.job;
    llama_memory_t memory = llama_get_memory(context_.get());
    while (job.leaves.size() < static_cast<std::size_t>(job.most_leaves)) {
      job.leaves.push_back(free_leaves_.back());
      free_leaves_.pop_back();
    }
    for (const llama_seq_id leaf : job.leaves) llama_memory_seq_rm(memory, leaf, -1, -1);
    for (int i = 0; i < job.trees[job.tree].leaves; ++i) llama_memory_seq_cp(memory, slot.id, job.leaves[i], -1, -1);
  }

  void give_leaves_back(Job& job) {
    for (const llama_seq_id leaf : job.leaves) {
      llama_memory_seq_rm(llama_get_memory(context_.get()), leaf, -1, -1);
      free_leaves_.push_back(leaf);
    }
    job.leaves.clear();
  }

  struct Fed {
    Slot* slot;
    std::size_t index;  // in the slot's current list
  };

  void step() {
    std::vector<Item> batch;
    std::vector<Fed> from;
    std::vector<Slot*> order;
    for (Slot& s : slots_)
      if (s.job != nullptr && !s.pending.empty()) order.push_back(&s);
    // Short lists first: replies in the making go on while long prompts are read.
    std::stable_sort(order.begin(), order.end(), [](const Slot* a, const Slot* b) { return a->pending.size() < b->pending.size(); });
    std::size_t outputs = 0;
    for (Slot* s : order) {
      std::size_t taken = 0;
      while (taken < s->pending.size() && batch.size() < batch_tokens) {
        const Item& item = s->pending[taken];
        if (item.output && outputs == batch_outputs) break;
        outputs += item.output ? 1 : 0;
        batch.push_back(item);
        from.push_back({s, s->fed + taken++});
      }
    }
    if (batch.empty()) return;
    const auto began = Clock::now();
    while (decode(*context_, batch) == 1)
      if (!drop_idle()) throw Error(Fault::internal, setup_.name + ": no room in the cache");
    for (std::size_t i = 0; i < batch.size(); ++i) {
      Slot& slot = *from[i].slot;
      slot.pending.pop_front();
      ++slot.fed;
      if (from[i].index < static_cast<std::size_t>(slot.node0)) slot.held.push_back(batch[i].token);
    }
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (batch[i].output) take(*from[i].slot, from[i].index, {llama_get_logits_ith(context_.get(), static_cast<int>(i)), vocabulary_});
    const double share = std::chrono::duration<double>(Clock::now() - began).count() / static_cast<double>(batch.size());
    for (const Fed& f : from)
      if (f.slot->job != nullptr) f.slot->job->usage.seconds += share;
    for (Slot* s : order)
      if (s->job != nullptr && s->pending.empty()) next(*s);
  }

  void take(Slot& slot, std::size_t index, std::span<const float> logits) {
    Job& job = *slot.job;
    if (job.generation != nullptr) {
      bool more = false;
      try {
        more = job.generation->advance(logits);
      } catch (...) {
        return finish(slot, std::current_exception());  // its own trouble, not the others'
      }
      if (!more) return;
      slot.pending.push_back({job.generation->last_token(), static_cast<llama_pos>(slot.held.size()), {slot.id}, true});
      slot.fed = 0;
      slot.node0 = 1;
      return;
    }
    const int node = static_cast<int>(index) - slot.node0;
    if (node >= 0) return job.scores[job.tree].take(node, logits);
    for (TreeScores& scores : job.scores) scores.take(-1, logits);
  }

  // Nothing is pending: the job's next tree, or its end. The slot stays as it is for later prefixes.
  void next(Slot& slot) {
    Job& job = *slot.job;
    if (++job.tree < job.trees.size()) return start(slot);
    give_leaves_back(job);
    finish(slot, nullptr);
  }

  void finish(Slot& slot, const std::exception_ptr& error) {
    // Moved out first: once the result is there, the job on its caller's stack may be gone.
    std::promise<void> done = std::move(slot.job->done);
    slot.job = nullptr;
    if (error) {
      done.set_exception(error);
    } else {
      done.set_value();
    }
  }

  bool drop_idle() {
    Slot* oldest = nullptr;
    for (Slot& s : slots_)
      if (s.job == nullptr && !s.held.empty() && (oldest == nullptr || s.used < oldest->used)) oldest = &s;
    if (oldest == nullptr) return false;
    llama_memory_seq_rm(llama_get_memory(context_.get()), oldest->id, -1, -1);
    oldest->held.clear();
    return true;
  }

  void fail_all(const std::exception_ptr& why) {
    llama_memory_clear(llama_get_memory(context_.get()), false);
    for (Slot& s : slots_) {
      s.held.clear();
      s.pending.clear();
      if (s.job == nullptr) continue;
      for (const llama_seq_id leaf : s.job->leaves) free_leaves_.push_back(leaf);
      finish(s, why);
    }
  }

  EngineSetup setup_;
  int cells_;
  ContextPtr context_;
  std::size_t vocabulary_;
  std::vector<Slot> slots_;
  std::vector<llama_seq_id> free_leaves_;
  std::uint64_t clock_ = 0;

  std::mutex lock_;  // around queue_ and stop_
  std::condition_variable wake_;
  std::deque<Job*> queue_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Engine> make_batching_engine(const EngineSetup& setup) { return std::make_unique<BatchingEngine>(setup); }

}  // namespace hone::llama
