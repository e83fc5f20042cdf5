// Vocabularies from scratch, for models from scratch. Both have the control tokens <|endoftext|>, <|im_start|>, <|im_end|> (ids 0, 1, 2),
// then the 256 bytes, and a chat form in the ChatML way; both are written and read like any other (vocabulary.h).
#pragma once

#include <span>
#include <string>

#include "models/weights/vocabulary.h"

namespace hone {

// Byte-level BPE (Sennrich et al. 2016, arXiv 1508.07909) of `size` tokens in all: digits stand alone, words keep the space before them;
// the most frequent pair is merged first, of equally frequent ones the one with the lower ids. Fewer tokens come when no pair is there
// `least` times. Texts are taken as valid UTF-8. Pure.
Vocabulary train_bpe(std::span<const std::string> texts, int size, int least = 2);

// A token per byte, no merges.
Vocabulary byte_vocabulary();

}  // namespace hone
