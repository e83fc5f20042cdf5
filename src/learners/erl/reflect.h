// Texts of a reflection: what it is asked with, what is read out of it, what the second try is told.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/env.h"
#include "learners/erl/erl.h"

namespace hone::erl {

// How the round's first tries did; said in the reflection's prompt.
struct Batch {
  double score = 0.0, solved = 0.0;
  std::size_t size = 0;
};

// The agent's first message, as agent chat makes it of what the world says, unless one is given.
std::string initial_prompt(const ErlConfig& config, const WorldFacts& world);

// What happened in a first try: task, turns (what was seen and done, never what was thought), score, what the world says of it.
std::string record_of(const Episode& first, const WorldFacts& world, Style style);

// Prompt of a reflection: system and user. `base`: the text from memory, or the agent's own first message.
std::vector<Message> reflection_prompt(const std::string& base, const Batch& batch, const Episode& first, const WorldFacts& world, Style style);

// What stands in the first <prompt> ... </prompt> (in any case), ends trimmed; nothing when there is no such block or it is empty.
std::optional<std::string> parse_reflection(std::string_view reply);

// First message of the second try, as notes for the agent.
std::vector<std::string> told(const ErlConfig& config, const WorldFacts& world, const std::string& initial, const std::string& reflection);
// The same without a reflection (ablation): the agent's own first message, one line, and the record.
std::vector<std::string> told_record(const std::string& initial, const Batch& batch, const Episode& first, const WorldFacts& world, Style style);

}  // namespace hone::erl
