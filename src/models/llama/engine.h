// What turns prompts into logits. Two ways: canonical (deterministic mode) and batching (free mode).
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "models/llama/generation.h"
#include "models/llama/prompt.h"
#include "models/llama/tree.h"

namespace hone::llama {

struct ChoiceWork {
  Prompt prompt;
  std::vector<std::vector<int>> choices;  // tokens of each
};
struct ChoiceAnswer {
  std::vector<double> logp;  // [choices]
  Usage usage;
};

// Both calls block and are safe from many threads. Several works in one call are as several calls from as many threads.
class Engine {
 public:
  virtual ~Engine() = default;
  virtual Reply chat(const Prompt& prompt, Generation generation) = 0;
  virtual std::vector<ChoiceAnswer> score(std::span<const ChoiceWork> works) = 0;
};

struct EngineSetup {
  llama_model* model = nullptr;
  const llama_vocab* vocab = nullptr;
  std::span<const int> ends;
  ModelOptions options;
  int context = 0;  // tokens of one request
  std::string name;
};
std::unique_ptr<Engine> make_canonical_engine(const EngineSetup& setup);
std::unique_ptr<Engine> make_batching_engine(const EngineSetup& setup);

// ---- shared by both
constexpr int batch_tokens = 512;   // of one decode
constexpr int batch_outputs = 128;  // rows of logits of one decode
constexpr int tree_leaves = 64;     // sequences of choice trees at one time
constexpr int tree_nodes = 1024;    // cache cells set aside for them

// Error{bad_input} when `needed` tokens exceed `context`.
void check_room(std::int64_t needed, int context, const std::string& name);
int tokens_needed(const ChoiceWork& work);
ContextPtr make_engine_context(const EngineSetup& setup, int cells, int sequences);

// The part [from, to) of a prompt, read by `sequences`.
std::vector<Item> prompt_items(const Prompt& prompt, int from, int to, const std::vector<llama_seq_id>& sequences);
// The nodes of a tree behind `start` tokens of prompt, leaf i being sequence leaf_sequences[i].
std::vector<Item> tree_items(const ChoiceTree& tree, int start, std::span<const llama_seq_id> leaf_sequences);
// How many of the items one decode may take.
std::size_t batch_share(std::span<const Item> items);

}  // namespace hone::llama
