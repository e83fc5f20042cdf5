// The prompts of gathering and extraction, from the templates in prompts/ (expel.md section 3b). One user message each.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "core/env.h"
#include "learners/expel/expel.h"
#include "learners/expel/extract.h"

namespace hone::expel {

using CountTokens = std::function<int(std::string_view)>;

struct PromptContext {
  const WorldFacts& world;
  const ExpelConfig& config;
  CountTokens count_tokens;
};

struct Prompt {
  std::string text;
  std::string hash;  // of the templates
};

// "" or " A try fails here when A, B, or C."
std::string reasons_sentence(const WorldFacts& world);

Prompt reflection_prompt(const TaskRecord& record, const Try& failed, const PromptContext& context);
// What a reflection is kept as: its first line without the cue word in front and blanks around; may be empty.
std::string reflection_line(std::string_view reply);

Prompt insight_prompt(const InsightCall& call, std::span<const TaskRecord> records, std::span<const Rule> rules,
                      const PromptContext& context);

}  // namespace hone::expel
