// A try as text: for prompts, and as what a Case remembers.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/env.h"
#include "core/episode.h"
#include "core/lesson.h"

namespace hone {

// One text per step; a step closes at the observation that follows its move:
//
//   <what was seen first>         only before the first step, and not when it is empty or repeats the task's text
//   Thought: <thought>            when there is one
//   <action word>: <action>       WorldFacts::action_word, "Action" when it has none
//   <what was seen next>          the last one is the verdict
//
// Neither the task's text, nor the prompt, nor the list of legal choices is part of it. For a world of one decision it is as
// short as "Queue: refunds\nSolved.". Invalid UTF-8 is repaired.
std::vector<std::string> transcript_steps(const Episode& episode, const WorldFacts& world);
std::string transcript_of(const Episode& episode, const WorldFacts& world);  // the steps, joined by line breaks

// The way of a try without its detours, as indices of its steps: between two times at which the agent could do the same (equal choices)
// everything is left out, and of several moves in a row that changed nothing (Observation::changed) only the last is kept.
// A guess at what mattered, not a plan that was checked. Worlds without choices or without `changed` keep all of it.
std::vector<std::size_t> direct_steps(const Episode& episode);

// The steps joined; while they count more than `limit` tokens the longest one left (in bytes, the first of equals) is replaced
// by a mark. limit <= 0 = no limit.
std::string elided(const std::vector<std::string>& steps, int limit, const std::function<int(std::string_view)>& count_tokens);

// The Case of a try: its keys (only of the kinds in `kinds`, no empty text, none twice) are the task, each thought, each action,
// each step and each reflection that the try was given; its evidence is the episode. `direct`: of the steps only direct_steps.
Lesson case_of(const Episode& episode, const WorldFacts& world, const std::vector<RecallKey>& kinds, bool direct = false);

}  // namespace hone
