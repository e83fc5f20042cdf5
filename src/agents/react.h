// react: reasons and acts by turns (Yao et al. 2022, ReAct, arXiv 2210.03629) with what was learned in its prompt: solved cases
// as examples and insights as advice (ExpeL, arXiv 2308.10144). Where the world gives choices, the model scores them and the best is taken
// (sampled at a temperature above 0); else it writes lines.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "agents/react_config.h"
#include "core/agent.h"

namespace hone {

// One generated line as ReAct reads it.
struct ReactLine {
  enum Kind { thought, action, invalid } kind = thought;
  std::string text;
};

// In this order: starts with "think" or "thought" ('>' before allowed) = thought; starts with "Action" or with `action_word`
// and a colon = action; exactly one Word[...] anywhere = that is the action (a missing ] is added), more than one = invalid;
// else thought. Case does not matter; a number before the colon ("Action 3:") is skipped; an action without text is invalid.
ReactLine parse_react_line(std::string_view line, std::string_view action_word);

std::unique_ptr<Agent> make_react(const Settings& settings, const AgentTools& tools);

extern constinit const AgentEntry agent_react;

}  // namespace hone
