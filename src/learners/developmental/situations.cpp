// Where dilemmas come from.
#include <algorithm>

#include "core/error.h"
#include "embedded/learner_prompt.h"
#include "learners/developmental/cycle.h"

namespace hone::developmental {

namespace {

std::vector<wire::Json> shipped(const char* name) {
  std::vector<wire::Json> out;
  const std::string all(learner_prompt("developmental/data/" + std::string(name)));
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t end = std::min(all.find('\n', at), all.size());
    out.push_back(wire::parse(std::string_view(all).substr(at, end - at), name));
    at = end + 1;
  }
  return out;
}

Error too_few(const char* split, std::size_t has, int wanted) {
  return {Fault::bad_input, std::string(split) + ": expected at most " + std::to_string(has) + ", the number of dilemmas there are, got " + std::to_string(wanted)};
}

std::string with_name(std::string text, const std::string& name) {
  for (auto at = text.find("{who}"); at != std::string::npos; at = text.find("{who}", at + name.size())) text.replace(at, 5, name);
  return text;
}

void take(std::vector<Situation>& out, std::vector<Situation> from, const char* split, int wanted) {
  if (from.size() < static_cast<std::size_t>(wanted)) throw too_few(split, from.size(), wanted);
  from.resize(static_cast<std::size_t>(wanted));
  for (auto& s : from) out.push_back(std::move(s));
}

}  // namespace

std::vector<Situation> situations_of(const Config& config, Rng rng) {
  std::vector<Situation> out;
  if (!config.situations.empty()) {
    std::vector<Situation> train, unseen;
    for (auto& s : read_situations(config.situations)) (s.unseen ? unseen : train).push_back(std::move(s));
    take(out, std::move(train), "train", config.train);
    take(out, std::move(unseen), "unseen", config.unseen);
    return out;
  }
  const auto plots = shipped("plots.jsonl"), names = shipped("names.jsonl");
  for (const char* split : {"train", "unseen"}) {
    const bool unseen = std::string_view(split) == "unseen";
    std::vector<Situation> all;
    // In `invent` a plot gives its field and conflict only, again and again.
    for (int again = 0; again < (config.invent ? 1000 : 1); ++again)
      for (const auto& list : names) {
        if (list["split"] != split) continue;
        for (const auto& name : list["names"])
          for (const auto& plot : plots) {
            if (plot["split"] != split || all.size() >= 100000) continue;
            Situation s;
            s.who = name.get<std::string>();
            s.id = std::string(split) + "-" + std::to_string(all.size());
            s.domain = plot["domain"].get<std::string>();
            s.conflict = plot["conflict"].get<std::string>();
            s.unseen = unseen;
            s.source = config.invent ? "model" : "hand";
            if (!config.invent) {
              s.act = plot["act"].get<std::string>();
              s.rule = plot["rule"].get<std::string>();
              s.helped = plot["helped"].get<std::string>();
              s.scenario = with_name(plot["scenario"].get<std::string>(), s.who);
              s.question = "Should " + s.who + " " + s.act + "?";
            }
            all.push_back(std::move(s));
          }
      }
    rng.split(split).shuffle(all);
    take(out, std::move(all), split, unseen ? config.unseen : config.train);
  }
  return out;
}

}  // namespace hone::developmental
