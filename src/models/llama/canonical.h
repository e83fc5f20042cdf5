// The key-value cache of deterministic mode: sequence 0 always lies from cell 0 without gaps and always comes from the same
// decodes, whether computed now or kept from before. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/llama/prompt.h"

namespace hone::llama {

// How many leading pieces two cut prompts have in common, and the tokens in them. Pure.
struct Pieces {
  std::vector<llama_token> tokens;
  std::vector<int> cuts;  // rising; the last equals tokens.size() (none for no tokens)
};
int common_pieces(const Pieces& a, const Pieces& b);

class CanonicalCache {
 public:
  CanonicalCache(llama_context& context, std::int64_t budget_bytes) : context_(context), budget_(budget_bytes) {}
  // Makes sequence 0 hold exactly these pieces, each decoded on its own. Returns the tokens that needed no computing.
  int hold(const Pieces& pieces);
  // Drops everything but the held pieces: what was decoded behind them, in any sequence.
  void trim();
  // After a failed decode: forgets all, so that the next request starts clean.
  void reset();

 private:
  struct Kept {
    Pieces pieces;
    std::vector<std::uint8_t> state;
    std::uint64_t used = 0;
  };
  void truncate(int pieces);
  void keep_live();
  Kept* best_kept(const Pieces& pieces, int better_than, int* common);

  llama_context& context_;
  std::int64_t budget_;
  Pieces live_;
  std::vector<Kept> kept_;
  std::uint64_t clock_ = 0;
};

}  // namespace hone::llama
