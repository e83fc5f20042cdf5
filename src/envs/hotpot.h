// hotpot: answer a question by searching and reading paragraphs of a local file (HotpotQA, Yang et al. 2018, arXiv 1809.09600),
// with the three actions that ReAct and ExpeL play it by: Search[title], Lookup[word], Finish[answer].
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/env.h"
#include "envs/splits.h"

namespace hone {

enum class HotpotCorpus { own, all };

struct HotpotConfig {
  std::string questions;
  SplitConfig splits{.train = 60, .validation = 10, .test = 30, .fit = false, .split_seed = 1};
  HotpotCorpus corpus = HotpotCorpus::own;
  int max_steps = 7;
  int sentences = 5;
  int similar = 5, mentions = 3;
};

template <class V>
void visit(V& v, HotpotConfig& c) {
  v.field("questions", c.questions, "file of questions with their paragraphs: JSONL, or the list that HotpotQA publishes");
  visit(v, c.splits);
  v.choice("corpus", c.corpus, {{"own", HotpotCorpus::own}, {"all", HotpotCorpus::all}},
           "what Search looks through: the question's own paragraphs, or those of every question in the file");
  v.field("max_steps", c.max_steps, "H: actions per question", {.min = 1, .max = 1000});
  v.field("sentences", c.sentences, "sentences of a paragraph that Search shows; 0 = all", {.min = 0, .max = 1e6});
  v.field("similar", c.similar, "titles that Search names when none fits", {.min = 0, .max = 1000});
  v.field("mentions", c.mentions, "further titles that Search names then, of paragraphs that have the text in them", {.min = 0, .max = 1000});
}

struct Page {
  std::string title;
  std::vector<std::string> sentences;  // one line each
};

struct HotpotItem {
  std::string id, question, answer, type;
  std::vector<Page> pages;
  int line = 0;  // in its file, or its place in the list, from 1
};

// `text` is JSONL, or one list of all questions. Of each: id (or _id), question, answer, context (two lists `title` and
// `sentences`, or a list of [title, sentences]) and, optional, type; the rest is ignored. Of questions that are equal but for
// case, punctuation and articles the first is kept, and so is the first of equal titles in one question.
// Throws Error{bad_input} with file, line and field for what is missing or of another type, for an empty question, answer,
// title or context, and for an id that belongs to two different questions.
std::vector<HotpotItem> parse_hotpot(std::string_view text, const std::string& name);

struct HotpotAction {
  enum Kind { search, lookup, finish, none } kind = none;
  std::string text;
};

// "Search[x]", whatever the case and the blanks; a missing last bracket is added, brackets inside count, what follows is ignored.
HotpotAction parse_hotpot_action(std::string_view action);

std::unique_ptr<World> open_hotpot(const Settings& settings);

extern constinit const EnvEntry env_hotpot;

}  // namespace hone
