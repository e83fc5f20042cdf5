#include "learners/developmental/pairs.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "core/rng.h"

namespace hone::developmental {

namespace {

std::vector<std::uint64_t> grams(std::string_view text) {
  std::string plain;
  for (const char c : lower(text)) {
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!blank) plain += c;
    else if (!plain.empty() && plain.back() != ' ') plain += ' ';
  }
  std::vector<std::uint64_t> out;
  for (std::size_t i = 0; i + 13 <= plain.size(); ++i) out.push_back(hash64(std::string_view(plain).substr(i, 13)));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

double jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::vector<std::uint64_t> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  const auto all = a.size() + b.size() - both.size();
  return all == 0 ? 0.0 : static_cast<double>(both.size()) / static_cast<double>(all);
}

double mean_difference(const std::vector<Pair>& pairs) {
  double chosen = 0.0, rejected = 0.0;
  for (const auto& p : pairs) chosen += p.tokens_chosen, rejected += p.tokens_rejected;
  return pairs.empty() ? 0.0 : (chosen - rejected) / std::max(chosen, rejected);
}

// Takes out the pair that pushes the means apart most until they are near enough.
int balance(std::vector<Pair>& pairs, double tolerance) {
  int out = 0;
  for (double d = mean_difference(pairs); std::abs(d) > tolerance; d = mean_difference(pairs), ++out) {
    const auto worst = std::max_element(pairs.begin(), pairs.end(), [&](const Pair& a, const Pair& b) {
      const int x = a.tokens_chosen - a.tokens_rejected, y = b.tokens_chosen - b.tokens_rejected;
      return d > 0 ? x < y : y < x;
    });
    pairs.erase(worst);
  }
  return out;
}

wire::Json chat(const char* role, const std::string& content) { return wire::Json::array({{{"role", role}, {"content", content}}}); }

}  // namespace

double overlap13(std::string_view a, std::string_view b) { return jaccard(grams(a), grams(b)); }

Selected select_pairs(const std::vector<Story>& stories, const Config& config, const std::function<int(std::string_view)>& count_tokens) {
  Selected out;
  std::vector<std::vector<std::uint64_t>> unseen;
  for (const auto& s : stories)
    if (s.situation.unseen) unseen.push_back(grams(s.situation.scenario));
  const auto drop = [&](std::string why) {
    std::replace(why.begin(), why.end(), ' ', '_');
    out.counts["dropped/" + why] += 1.0;
  };
  for (const auto& s : stories) {
    if (!s.accepted) {
      drop(s.dropped.empty() ? "not accepted" : s.dropped);
      continue;
    }
    (void)provenance(s);
    if (!s.situation.unseen) {
      const auto mine = grams(s.situation.scenario);
      if (std::any_of(unseen.begin(), unseen.end(), [&](const auto& other) { return jaccard(mine, other) > config.near_duplicate; })) {
        drop("like an unseen one");
        continue;
      }
    }
    const Pair pair{&s, count_tokens(s.last), count_tokens(s.first)};
    if (std::abs(pair.tokens_chosen - pair.tokens_rejected) > config.length_tolerance * std::max(pair.tokens_chosen, pair.tokens_rejected)) {
      drop("length");
      continue;
    }
    (s.situation.unseen ? out.unseen : out.train).push_back(pair);
  }
  for (auto* pairs : {&out.train, &out.unseen}) {
    if (config.variant == Variant::delexicalised) {
      const auto says = [](const Pair& p) { return has_buzzword(p.story->last); };
      const auto plain = static_cast<std::size_t>(std::count_if(pairs->begin(), pairs->end(), [&](const Pair& p) { return !says(p); }));
      std::size_t kept = 0;
      const std::size_t most = plain / 4;  // a fifth of all
      std::erase_if(*pairs, [&](const Pair& p) {
        if (!says(p) || kept++ < most) return false;
        drop("words");
        return true;
      });
    }
    for (int n = balance(*pairs, config.mean_length_tolerance); n > 0; --n) drop("length");
  }
  out.counts["pairs/train"] = static_cast<double>(out.train.size());
  out.counts["pairs/unseen"] = static_cast<double>(out.unseen.size());
  out.counts["length/mean_difference"] = mean_difference(out.train);
  out.counts["length/mean_difference_unseen"] = mean_difference(out.unseen);
  return out;
}

PreferenceRow row_of(const Pair& pair, Fields fields, bool swap) {
  const Story& s = *pair.story;
  const auto side = [&](const std::string& answer) {
    TrainingRow row;
    row.prompt = {{"user", task_prompt(s.situation, fields)}};
    row.completion = {{"assistant", answer}};
    row.where = "dilemma " + s.situation.id;
    return row;
  };
  return {side(swap ? s.first : s.last), side(swap ? s.last : s.first)};
}

void write_records(const std::string& folder, const std::vector<Story>& stories, const std::vector<Anchor>& anchors, const Calibration& calibration) {
  if (folder.empty()) return;
  std::error_code failure;
  std::filesystem::create_directories(folder, failure);
  if (failure) throw Error(Fault::io, folder + ": can't be made: " + failure.message());
  std::vector<wire::Json> lines;
  for (const auto& s : stories)
    for (const auto& r : s.records) lines.push_back(to_json(r));
  write_lines(std::filesystem::path(folder) / "records.jsonl", lines);
  lines.clear();
  for (std::size_t i = 0; i < calibration.stages.size() && i < anchors.size(); ++i) lines.push_back({{"id", anchors[i].id}, {"stage", anchors[i].stage}, {"rated", calibration.stages[i]}});
  write_lines(std::filesystem::path(folder) / "calibration.jsonl", lines);
}

void write_pairs(const std::string& folder, const Selected& selected, const Config& config, bool claims_stages, const std::vector<bool>& swapped) {
  if (folder.empty()) return;
  const std::filesystem::path to(folder);
  const auto write = [&](const std::vector<Pair>& pairs, const char* name, bool train) {
    std::vector<wire::Json> rows, meta, sft;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const Story& s = *pairs[i].story;
      const bool swap = train && swapped[i];
      const auto prompt = chat("user", task_prompt(s.situation, config.fields));
      rows.push_back({{"prompt", prompt}, {"chosen", chat("assistant", swap ? s.first : s.last)}, {"rejected", chat("assistant", swap ? s.last : s.first)}});
      sft.push_back({{"messages", {prompt[0], chat("assistant", swap ? s.first : s.last)[0]}}});
      const auto stage = [&](const Rating& r) { return claims_stages && r.stage > 0 ? wire::Json(r.stage) : wire::Json(); };
      meta.push_back({{"dilemma_id", s.situation.id}, {"from", provenance(s)}, {"stage_chosen", stage(swap ? s.first_rating : s.last_rating)}, {"stage_rejected", stage(swap ? s.last_rating : s.first_rating)},
                      {"len_chosen", swap ? pairs[i].tokens_rejected : pairs[i].tokens_chosen}, {"len_rejected", swap ? pairs[i].tokens_chosen : pairs[i].tokens_rejected}, {"swapped", swap}, {"checked", "machine_validated"}});
    }
    write_lines(to / (std::string(name) + ".jsonl"), rows);
    write_lines(to / (std::string(name) + ".meta.jsonl"), meta);
    if (train) write_lines(to / "sft.jsonl", sft);
  };
  write(selected.train, "dpo", true);
  write(selected.unseen, "unseen", false);
}

}  // namespace hone::developmental
