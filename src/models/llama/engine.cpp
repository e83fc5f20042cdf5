#include "models/llama/engine.h"

#include <algorithm>

#include "core/error.h"

namespace hone::llama {

void check_room(std::int64_t needed, int context, const std::string& name) {
  if (needed > context)
    throw Error(Fault::bad_input, name + ": the request needs " + std::to_string(needed) + " tokens (prompt and reply), the context has " +
                                      std::to_string(context) + "; shorten the prompt, lower max_tokens or raise the model's context");
}

int tokens_needed(const ChoiceWork& work) {
  std::size_t longest = 0;
  for (const auto& choice : work.choices) longest = std::max(longest, choice.size());
  return static_cast<int>(work.prompt.tokens.size() + longest + 1);
}

ContextPtr make_engine_context(const EngineSetup& setup, int cells, int sequences) {
  llama_context_params params = llama_context_default_params();
  params.n_ctx = static_cast<std::uint32_t>(cells);
  params.n_batch = params.n_ubatch = batch_tokens;
  params.n_seq_max = static_cast<std::uint32_t>(sequences);
  params.n_outputs_max = static_cast<std::uint32_t>(std::max(batch_outputs, sequences));
  params.n_threads = params.n_threads_batch = thread_count(setup.options);
  params.kv_unified = true;  // sequences share cells: prefixes and tree nodes are stored once
  params.no_perf = true;
  // Flash attention on the CPU sums values in half precision for some batch sizes and not for others.
  params.flash_attn_type = setup.options.exact ? LLAMA_FLASH_ATTN_TYPE_DISABLED : LLAMA_FLASH_ATTN_TYPE_AUTO;
  params.type_k = params.type_v = setup.options.exact ? GGML_TYPE_F32 : GGML_TYPE_F16;
  return make_context(*setup.model, params, setup.name);
}

std::vector<Item> prompt_items(const Prompt& prompt, int from, int to, const std::vector<llama_seq_id>& sequences) {
  std::vector<Item> items;
  for (int i = from; i < to; ++i) items.push_back({prompt.tokens[i], i, sequences, i + 1 == static_cast<int>(prompt.tokens.size())});
  return items;
}

std::vector<Item> tree_items(const ChoiceTree& tree, int start, std::span<const llama_seq_id> leaf_sequences) {
  std::vector<Item> items;
  for (const ChoiceTree::Node& node : tree.nodes) {
    const auto mine = leaf_sequences.subspan(node.first, node.last - node.first);
    items.push_back({node.token, start + node.depth, {mine.begin(), mine.end()}, true});
  }
  return items;
}

std::size_t batch_share(std::span<const Item> items) {
  std::size_t n = 0;
  int outputs = 0;
  while (n < items.size() && n < batch_tokens && outputs + (items[n].output ? 1 : 0) <= batch_outputs) outputs += items[n++].output ? 1 : 0;
  return n;
}

}  // namespace hone::llama
