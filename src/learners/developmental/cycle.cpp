#include "learners/developmental/cycle.h"

#include <algorithm>
#include <functional>
#include <map>

#include "embedded/learner_prompt.h"
#include "learners/prompt.h"

namespace hone::developmental {

namespace {

std::string_view prompt_file(const char* name) { return learner_prompt("developmental/prompts/" + std::string(name)); }

using Take = std::function<bool(std::size_t story, const Generation& reply)>;  // false: can't be read, ask again

// One phase for some stories at once. Those whose reply can't be read after all retries are dropped.
class Phases {
 public:
  Phases(std::vector<Story>& stories, CycleContext& context) : stories_(stories), context_(context) {}

  std::vector<std::size_t> open() const {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < stories_.size(); ++i)
      if (stories_[i].dropped.empty() && !stories_[i].accepted) out.push_back(i);
    return out;
  }

  void ask(const std::string& role, int round, const std::function<std::string(const Story&)>& prompt, const Take& take) {
    auto waiting = open();
    for (int attempt = 0; attempt <= context_.config.retries && !waiting.empty(); ++attempt) {
      std::vector<Request> requests;
      for (const auto i : waiting) {
        Request r{.key = stories_[i].situation.id + "/" + role + "/" + std::to_string(round) + "/" + std::to_string(attempt), .role = role, .prompt = {{"user", prompt(stories_[i])}}, .sampling = {}, .asked = Helper::writer};
        r.sampling.temperature = static_cast<float>(context_.config.temperature);
        r.sampling.max_tokens = context_.config.reply_tokens;
        requests.push_back(std::move(r));
      }
      const auto replies = context_.tools.generate(requests);
      std::vector<std::size_t> again;
      for (std::size_t k = 0; k < waiting.size(); ++k)
        if (!take(waiting[k], replies[k])) again.push_back(waiting[k]);
      waiting = std::move(again);
    }
    for (const auto i : waiting) stories_[i].dropped = "unreadable " + role;
  }

 private:
  std::vector<Story>& stories_;
  CycleContext& context_;
};

wire::Json attempt(const std::string& role, const Generation& g, const Answer& a, Fields fields) {
  wire::Json out{{"role", role}, {"model", g.by.model}, {"sampling", wire::to_json(g.trace.sampling)}};
  if (fields == Fields::four) out["thought"] = a.thought, out["reason1"] = a.reason;
  out["action"] = a.action;
  out[fields == Fields::four ? "reason2" : "reason"] = a.why;
  out["raw"] = g.text;
  return out;
}

bool refused(Story& story) {
  story.dropped = "refusal";
  return true;
}

const Record& last_of(const Story& s, std::string_view kind) {
  return *std::find_if(s.records.rbegin(), s.records.rend(), [&](const Record& r) { return r.kind == kind; });
}

std::string joined(const wire::Json& list) {
  std::string out;
  for (const auto& item : list) out += (out.empty() ? "" : "; ") + item.get<std::string>();
  return out;
}

// The rubric's lines above this stage, two at most.
std::string next_stages(int stage) {
  std::string out;
  const std::string rubric = render_prompt(prompt_file("rubric.md"), {});
  for (int s = stage + 1; s <= std::min(6, stage + 2); ++s) {
    const auto from = rubric.find(std::to_string(s) + " = ");
    out += (out.empty() ? "" : "\n") + rubric.substr(from, rubric.find('\n', from) - from);
  }
  return out.empty() ? "none: 6 is the highest; make the reasons clearer" : out;
}

void invent(Phases& phases, std::vector<Story>& stories, CycleContext& c) {
  std::string used;
  for (std::size_t i = c.used.size() - std::min<std::size_t>(c.used.size(), 12); i < c.used.size(); ++i) used += (used.empty() ? "" : "\n") + ("- " + c.used[i]);
  if (used.empty()) used = "- (none yet)";
  phases.ask("situation", 0,
             [&](const Story& s) { return render_prompt(prompt_file("situation.md"), {{"domain", s.situation.domain}, {"conflict", s.situation.conflict}, {"used", used}}); },
             [&](std::size_t i, const Generation& g) {
               const auto read = labelled(g.text, {"SCENARIO", "QUESTION"});
               if (!read || std::count(read->at("QUESTION").begin(), read->at("QUESTION").end(), '?') != 1) return false;
               Situation& s = stories[i].situation;
               s.scenario = read->at("SCENARIO");
               s.question = read->at("QUESTION");
               s.source = "model";
               return true;
             });
  for (const auto& s : stories)
    if (s.dropped.empty()) c.used.push_back(s.situation.scenario);
}

// Independent of who wrote them: the first answer and the latest, and whether that is good enough.
void judge(std::vector<Story>& stories, const std::vector<std::size_t>& open, int round, CycleContext& c) {
  std::vector<Rated> items;
  std::vector<RatedPair> pairs;
  for (const auto i : open) {
    const Story& s = stories[i];
    items.push_back({s.situation.scenario, s.situation.question, s.first});
    items.push_back({s.situation.scenario, s.situation.question, s.last});
    pairs.push_back({s.situation.scenario, s.situation.question, s.last, s.first});
  }
  const std::string key = "judge/" + (open.empty() ? std::string() : stories[open[0]].situation.id) + "/" + std::to_string(round);
  std::vector<Rating> ratings;
  std::vector<int> votes;
  if (c.claims_stages) ratings = c.judge.rate(items, key, c.tools);
  else votes = c.judge.prefer(pairs, key, c.tools);
  for (std::size_t k = 0; k < open.size(); ++k) {
    Story& s = stories[open[k]];
    if (!c.claims_stages) {
      s.accepted = votes[k] > 0;
      continue;
    }
    s.first_rating = ratings[2 * k];
    s.last_rating = ratings[2 * k + 1];
    s.accepted = s.last_rating.stage >= c.config.target_stage && s.first_rating.stage > 0 && s.first_rating.stage < s.last_rating.stage;
  }
}

}  // namespace

std::vector<Story> live_through(std::vector<Situation> situations, CycleContext& c) {
  const Fields fields = c.config.fields;
  std::vector<Story> stories(situations.size());
  for (std::size_t i = 0; i < situations.size(); ++i) stories[i].situation = std::move(situations[i]);
  Phases phases(stories, c);
  if (c.config.invent) invent(phases, stories, c);
  for (auto& s : stories)
    if (s.dropped.empty()) s.records.push_back(make_record("dilemma", s.situation, 0, {{"split", s.situation.unseen ? "test" : "train"}, {"domain", s.situation.domain}, {"scenario", s.situation.scenario}, {"question", s.situation.question}, {"source", s.situation.source}}));

  phases.ask("experience", 0, [&](const Story& s) { return task_prompt(s.situation, fields); }, [&](std::size_t i, const Generation& g) {
    const auto answer = parse_answer(g.text, fields);
    if (is_refusal(g.text)) return refused(stories[i]);
    if (!answer) return false;
    stories[i].first = stories[i].last = write_answer(*answer, fields);
    stories[i].records.push_back(make_record("attempt", stories[i].situation, 0, attempt("experience", g, *answer, fields)));
    return true;
  });
  phases.ask("introspection", 1, [&](const Story& s) { return render_prompt(prompt_file("introspection.md"), {{"task", task_prompt(s.situation, fields)}, {"answer", s.first}}); },
             [&](std::size_t i, const Generation& g) {
               const auto read = labelled(g.text, {"THOUGHT", "VALUES", "CONSIDERED", "OVERLOOKED"});
               if (!read) return false;
               const auto overlooked = lower(read->at("OVERLOOKED")).starts_with("nobody") ? std::vector<std::string>{} : entries(read->at("OVERLOOKED"));
               stories[i].records.push_back(make_record("reflection", stories[i].situation, 1,
                                                        {{"how_i_thought", entries(read->at("THOUGHT"))}, {"values_used", entries(read->at("VALUES"))}, {"who_was_considered", entries(read->at("CONSIDERED"))},
                                                         {"who_was_ignored", overlooked}, {"model", g.by.model}, {"raw", g.text}}));
               return true;
             });
  for (int round = 1; round <= c.config.rounds; ++round) {
    phases.ask("analysis", round,
               [&](const Story& s) {
                 return render_prompt(prompt_file("analysis.md"), {{"rubric", render_prompt(prompt_file("rubric.md"), {})}, {"examples", render_prompt(prompt_file("rubric_examples.md"), {})},
                                                                   {"task", task_prompt(s.situation, fields)}, {"answer", s.last}, {"reflection", joined(last_of(s, "reflection").body["how_i_thought"])}});
               },
               [&](std::size_t i, const Generation& g) {
                 const auto read = labelled(g.text, {"STAGE", "EVIDENCE", "CEILING"});
                 if (!read) return false;
                 const auto digit = read->at("STAGE").find_first_of("123456");
                 if (digit == std::string::npos) return false;
                 const int stage = read->at("STAGE")[digit] - '0';
                 std::string quote = read->at("EVIDENCE");
                 while (!quote.empty() && (quote.front() == '"' || quote.front() == ' ')) quote.erase(0, 1);
                 while (!quote.empty() && (quote.back() == '"' || quote.back() == ' ')) quote.pop_back();
                 const bool verbatim = !quote.empty() && stories[i].last.find(quote) != std::string::npos;
                 stories[i].records.push_back(make_record("analysis", stories[i].situation, round,
                                                          {{"stage", stage}, {"evidence", {{{"quote", quote}, {"stage", stage}, {"verbatim", verbatim}}}}, {"ceiling_reason", read->at("CEILING")},
                                                           {"of", stories[i].situation.id + "/attempt/" + std::to_string(round - 1)}, {"model", g.by.model}, {"raw", g.text}}));
                 return true;
               });
    phases.ask("hypothesis", round,
               [&](const Story& s) {
                 const auto& analysis = last_of(s, "analysis").body;
                 const int stage = analysis["stage"].get<int>();
                 return render_prompt(prompt_file("hypothesis.md"), {{"scenario", s.situation.scenario}, {"question", s.situation.question}, {"answer", s.last}, {"stage", std::to_string(stage)},
                                                                     {"ceiling", analysis["ceiling_reason"].get<std::string>()}, {"next", next_stages(stage)}});
               },
               [&](std::size_t i, const Generation& g) {
                 const auto read = labelled(g.text, {"THINKING", "DOING"});
                 if (!read) return false;
                 const int stage = last_of(stories[i], "analysis").body["stage"].get<int>();
                 stories[i].records.push_back(make_record("hypothesis", stories[i].situation, round,
                                                          {{"next_stage_target", std::min(6, stage + 2)}, {"change_in_thinking", entries(read->at("THINKING"))}, {"change_in_action", entries(read->at("DOING"))},
                                                           {"model", g.by.model}, {"raw", g.text}}));
                 return true;
               });
    phases.ask("revision", round,
               [&](const Story& s) {
                 const auto& body = last_of(s, "hypothesis").body;
                 return render_prompt(prompt_file("revision.md"), {{"task", task_prompt(s.situation, fields)}, {"advice", joined(body["change_in_thinking"]) + "; " + joined(body["change_in_action"])}});
               },
               [&](std::size_t i, const Generation& g) {
                 const auto answer = parse_answer(g.text, fields);
                 if (is_refusal(g.text)) return refused(stories[i]);
                 if (!answer || mentions_cycle(g.text)) return false;
                 stories[i].last = write_answer(*answer, fields);
                 stories[i].rounds = round;
                 stories[i].records.push_back(make_record("attempt", stories[i].situation, round, attempt("revision", g, *answer, fields)));
                 return true;
               });
    judge(stories, phases.open(), round, c);
  }
  for (auto& s : stories)
    if (s.dropped.empty() && !s.accepted) s.dropped = "not accepted";
  return stories;
}

std::vector<Story> by_hand(std::vector<Situation> situations, CycleContext& c, const Rng& rng) {
  struct Sentence {
    int stage;
    bool unseen;
    std::string text;
  };
  std::vector<Sentence> sentences;
  const std::string all(learner_prompt("developmental/data/arguments.jsonl"));
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('\n', at), all.size());
    const auto json = wire::parse(std::string_view(all).substr(at, end - at), "arguments.jsonl");
    sentences.push_back({json["stage"].get<int>(), json["split"] == "unseen", json["text"].get<std::string>()});
    at = end + 1;
  }
  const auto filled = [](std::string text, const Situation& s) {
    for (const auto& [slot, value] : {std::pair<std::string_view, const std::string*>{"{who}", &s.who}, {"{helped}", &s.helped}, {"{rule}", &s.rule}})
      for (auto at = text.find(slot); at != std::string::npos; at = text.find(slot, at + value->size())) text.replace(at, slot.size(), *value);
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 32);
    return text;
  };
  std::vector<Story> stories;
  for (auto& situation : situations) {
    Story s;
    s.situation = std::move(situation);
    Rng draw = rng.split(s.situation.id);
    const int below = 1 + static_cast<int>(draw.below(5));
    const auto some = [&](int stage) {
      std::vector<std::string> out;
      for (const auto& x : sentences)
        if (x.stage == stage && x.unseen == s.situation.unseen) out.push_back(filled(x.text, s.situation));
      return out;
    };
    const auto low = some(below), high = some(6);
    const std::string first = low[draw.below(low.size())];
    // Of two wordings drawn for the revision the one nearer in length.
    const std::string a = high[draw.below(high.size())], b = high[draw.below(high.size())];
    const auto apart = [&](const std::string& x) { return x.size() > first.size() ? x.size() - first.size() : first.size() - x.size(); };
    const std::string& last = apart(b) < apart(a) ? b : a;
    const std::string action = s.situation.who + " should " + s.situation.act + ".";
    const auto answer = [&](const std::string& why) { return Answer{c.config.fields == Fields::four ? "It is about " + s.situation.helped + "." : "", c.config.fields == Fields::four ? why : "", action, why}; };
    const auto record = [&](const char* kind, int round, wire::Json body) {
      body["source"] = "hand";
      s.records.push_back(make_record(kind, s.situation, round, std::move(body)));
    };
    record("dilemma", 0, {{"split", s.situation.unseen ? "test" : "train"}, {"domain", s.situation.domain}, {"scenario", s.situation.scenario}, {"question", s.situation.question}});
    record("attempt", 0, {{"role", "experience"}, {"action", action}, {"reason", first}});
    record("reflection", 1, {{"how_i_thought", {first}}, {"values_used", wire::Json::array()}, {"who_was_considered", {s.situation.who}}, {"who_was_ignored", {s.situation.helped}}});
    record("analysis", 1, {{"stage", below}, {"evidence", {{{"quote", first}, {"stage", below}}}}, {"ceiling_reason", "nothing that could be accepted from " + s.situation.helped + "'s place"}});
    record("hypothesis", 1, {{"next_stage_target", 6}, {"change_in_thinking", {first + " -> " + last}}, {"change_in_action", wire::Json::array()}});
    record("attempt", 1, {{"role", "revision"}, {"action", action}, {"reason", last}});
    s.first = write_answer(answer(first), c.config.fields);
    s.last = write_answer(answer(last), c.config.fields);
    s.rounds = 1;
    stories.push_back(std::move(s));
  }
  std::vector<std::size_t> every;
  for (std::size_t i = 0; i < stories.size(); ++i) every.push_back(i);
  judge(stories, every, 1, c);
  for (auto& s : stories)
    if (s.dropped.empty() && !s.accepted) s.dropped = "not accepted";
  return stories;
}

}  // namespace hone::developmental
