#include "learners/passes.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "learners/packing.h"

namespace hone {

namespace {

// What each step of a pass takes: places of `lengths`, shuffled, so many at a time or so many tokens.
std::vector<std::vector<std::size_t>> steps_of(const std::vector<std::size_t>& lengths, std::size_t at_a_time, int tokens_per_step, Rng rng) {
  std::vector<std::size_t> order(lengths.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  rng.shuffle(order);
  std::vector<std::vector<std::size_t>> steps;
  if (tokens_per_step == 0) {
    for (std::size_t first = 0; first < order.size(); first += at_a_time) {
      const auto from = order.begin() + static_cast<std::ptrdiff_t>(first);
      steps.emplace_back(from, from + static_cast<std::ptrdiff_t>(std::min(at_a_time, order.size() - first)));
    }
    return steps;
  }
  std::vector<std::size_t> shuffled;
  for (const std::size_t i : order) shuffled.push_back(lengths[i]);
  steps = pack(shuffled, static_cast<std::size_t>(tokens_per_step));
  for (auto& step : steps)
    for (std::size_t& i : step) i = order[i];
  rng.split("steps").shuffle(steps);  // they come with the longest sequences first
  return steps;
}

// The first step of this pass: every pass has as many.
AtStep within(AtStep pass, std::size_t steps) { return {pass.step * static_cast<std::int64_t>(steps), pass.steps * static_cast<std::int64_t>(steps)}; }

// Tokens of so many sequences at a time.
std::vector<std::size_t> lengths_of(const std::vector<TokenSequence>& sequences, std::size_t together) {
  std::vector<std::size_t> out(sequences.size() / together);
  for (std::size_t i = 0; i < sequences.size(); ++i) out[i / together] += sequences[i].ids.size();
  return out;
}

objective::Reply reply_of(const SequenceScores& s) { return {.tokens = static_cast<int>(s.logp.size()), .ref = sum_of(s.logp), .ref_tokens = s.logp}; }

int trained_in(const TokenSequence& s) { return static_cast<int>(std::count(s.trained.begin(), s.trained.end(), 1)); }

}  // namespace

void validate(const PassConfig& c, int max_length, int sides) {
  if (c.tokens_per_step > 0 && c.tokens_per_step < sides * max_length)
    throw Error(Fault::bad_input, "tokens_per_step: expected 0 or at least " + std::string(sides > 1 ? "twice " : "") + "max_length (" + std::to_string(max_length) + "), got " +
                                      std::to_string(c.tokens_per_step));
}

double sum_of(const std::vector<float>& logp) { return std::accumulate(logp.begin(), logp.end(), 0.0); }

Metrics imitate(std::vector<TokenSequence> sequences, const PassConfig& train, const objective::SftConfig& config, AtStep pass, Rng rng, Policy& policy) {
  const auto steps = steps_of(lengths_of(sequences, 1), per_step(train, sequences.size()), train.tokens_per_step, rng);
  AtStep at = within(pass, steps.size());
  Metrics out;
  double loss = 0.0, tokens = 0.0;
  for (const auto& places : steps) {
    const StepOptions options = step_options(train, at, 1.0F);
    ++at.step;
    std::vector<TokenSequence> part;
    std::vector<int> trained;
    for (const std::size_t i : places) {
      trained.push_back(trained_in(sequences[i]));
      part.push_back(std::move(sequences[i]));
    }
    objective::SftObjective objective(trained, config);
    const auto result = policy.step(part, objective.loss(), options);
    loss += result.loss * static_cast<double>(result.trained);
    tokens += static_cast<double>(result.trained);
    out["gradient_norm"] = result.gradient_norm;
    out["lr"] = options.lr;
  }
  out["loss"] = loss / tokens;
  out["tokens"] = tokens;
  out["steps"] = static_cast<double>(steps.size());
  return out;
}

Pairs pairs_of(const std::vector<PreferenceRow>& rows, int max_length, Policy& policy, const Tokenizer& tokenizer) {
  Pairs out;
  for (const auto& row : rows) {
    // One token more is let through, so that a row which is cut is seen to be.
    auto chosen = sequence_of(row.chosen, tokenizer, {max_length + 1, true}), rejected = sequence_of(row.rejected, tokenizer, {max_length + 1, true});
    const auto most = static_cast<std::size_t>(max_length);
    if (!chosen || !rejected || chosen->ids.size() > most || rejected->ids.size() > most) {
      ++out.left_out;
      continue;
    }
    out.sequences.push_back(std::move(*chosen));
    out.sequences.push_back(std::move(*rejected));
  }
  const auto reference = policy.score(out.sequences, 1.0F, Which::reference);
  for (std::size_t i = 0; i < reference.size(); i += 2) {
    out.known.push_back({reply_of(reference[i]), reply_of(reference[i + 1])});
  }
  return out;
}

Metrics prefer(const Pairs& pairs, const PassConfig& train, const objective::PreferenceConfig& config, AtStep pass, Rng rng, Policy& policy) {
  const auto steps = steps_of(lengths_of(pairs.sequences, 2), std::max<std::size_t>(1, per_step(train, pairs.sequences.size()) / 2), train.tokens_per_step, rng);
  AtStep at = within(pass, steps.size());
  Metrics out;
  for (const auto& places : steps) {
    StepOptions options = step_options(train, at, 1.0F);
    ++at.step;
    options.together = 2;
    std::vector<TokenSequence> sequences;
    std::vector<objective::Pair> known;
    for (const std::size_t i : places) {
      sequences.push_back(pairs.sequences[2 * i]);
      sequences.push_back(pairs.sequences[2 * i + 1]);
      known.push_back(pairs.known[i]);
    }
    objective::PreferenceObjective objective(std::move(known), config);
    const auto result = policy.step(sequences, objective.loss(), options);
    for (const auto& [name, value] : objective.metrics()) out.insert_or_assign(name, value);
    out["gradient_norm"] = result.gradient_norm;
    out["lr"] = options.lr;
  }
  return out;
}

namespace {

std::ptrdiff_t start_of_reply(const TokenSequence& s) { return std::find(s.trained.begin(), s.trained.end(), 1) - s.trained.begin(); }

bool same_prompt(const TokenSequence& a, const TokenSequence& b) {
  return std::equal(a.ids.begin(), a.ids.begin() + start_of_reply(a), b.ids.begin(), b.ids.begin() + start_of_reply(b));
}

// The prompt of one sequence and the reply of another.
TokenSequence mismatched(const TokenSequence& prompt, const TokenSequence& reply, int max_length) {
  const auto start = start_of_reply(reply), end = start_of_reply(prompt);
  TokenSequence out;
  out.ids.assign(prompt.ids.begin(), prompt.ids.begin() + end);
  out.trained.assign(out.ids.size(), 0);
  out.ids.insert(out.ids.end(), reply.ids.begin() + start, reply.ids.end());
  out.trained.insert(out.trained.end(), reply.trained.begin() + start, reply.trained.end());
  if (const auto most = static_cast<std::size_t>(max_length); out.ids.size() > most) out.ids.resize(most), out.trained.resize(most);
  return out;
}

std::vector<double> sums(const std::vector<SequenceScores>& scores) {
  std::vector<double> out;
  for (const auto& s : scores) out.push_back(sum_of(s.logp));
  return out;
}

// Each prompt of a step with the reply to another one of it.
std::vector<TokenSequence> mismatches(const MarkedReplies& replies, const std::vector<std::size_t>& places) {
  const auto sides = static_cast<std::size_t>(replies.together), n = places.size();
  std::vector<TokenSequence> out;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t side = 0; side < sides; ++side) {
      const TokenSequence& here = replies.sequences[sides * places[i] + side];
      for (std::size_t k = 1; k < n; ++k) {
        const TokenSequence& other = replies.sequences[sides * places[(i + k) % n] + side];
        if (same_prompt(here, other)) continue;
        out.push_back(mismatched(here, other, replies.max_length));
        break;
      }
    }
  return out;
}

}  // namespace

MarkedReplies replies_of(const std::vector<MarkedRow>& rows, int max_length, Policy& policy, const Tokenizer& tokenizer) {
  MarkedReplies out;
  out.max_length = max_length;
  for (const auto& row : rows) {
    auto s = sequence_of(row.reply, tokenizer, {max_length + 1, true});  // one more, so that a row which is cut is seen to be
    if (!s || s->ids.size() > static_cast<std::size_t>(max_length)) {
      ++out.left_out;
      continue;
    }
    out.sequences.push_back(std::move(*s));
    out.known.push_back({{}, row.good});
  }
  const auto reference = policy.score(out.sequences, 1.0F, Which::reference);
  for (std::size_t i = 0; i < reference.size(); ++i) out.known[i].reply = reply_of(reference[i]);
  return out;
}

MarkedReplies replies_of(const Pairs& pairs, int max_length) {
  MarkedReplies out;
  out.sequences = pairs.sequences;
  out.together = 2, out.max_length = max_length, out.left_out = pairs.left_out;
  for (const auto& pair : pairs.known) out.known.push_back({pair.chosen, true}), out.known.push_back({pair.rejected, false});
  return out;
}

Metrics mark(const MarkedReplies& replies, const PassConfig& train, const objective::KtoConfig& config, AtStep pass, Rng rng, Policy& policy) {
  const auto sides = static_cast<std::size_t>(replies.together);
  const auto steps = steps_of(lengths_of(replies.sequences, sides), std::max<std::size_t>(1, per_step(train, replies.sequences.size()) / sides), train.tokens_per_step, rng);
  AtStep at = within(pass, steps.size());
  Metrics out;
  for (const auto& places : steps) {
    const StepOptions options = step_options(train, at, 1.0F);
    ++at.step;
    std::vector<TokenSequence> sequences;
    std::vector<objective::MarkedReply> known;
    for (const std::size_t i : places)
      for (std::size_t side = 0; side < sides; ++side) sequences.push_back(replies.sequences[sides * i + side]), known.push_back(replies.known[sides * i + side]);
    double baseline = 0.0;
    if (config.loss == objective::KtoLoss::kto)
      if (const auto others = mismatches(replies, places); !others.empty())
        baseline = objective::kto_baseline(sums(policy.score(others, 1.0F, Which::current)), sums(policy.score(others, 1.0F, Which::reference)));
    objective::KtoObjective objective(std::move(known), config, baseline);
    const auto result = policy.step(sequences, objective.loss(), options);
    for (const auto& [name, value] : objective.metrics()) out.insert_or_assign(name, value);
    out["gradient_norm"] = result.gradient_norm;
    out["lr"] = options.lr;
  }
  return out;
}

double preferred(const Pairs& pairs, Policy& policy) {
  const auto now = policy.score(pairs.sequences, 1.0F, Which::current);
  double right = 0.0;
  for (std::size_t k = 0; k < pairs.known.size(); ++k)
    right += sum_of(now[2 * k].logp) - pairs.known[k].chosen.ref > sum_of(now[2 * k + 1].logp) - pairs.known[k].rejected.ref ? 1.0 : 0.0;
  return pairs.known.empty() ? 0.0 : right / static_cast<double>(pairs.known.size());
}

}  // namespace hone
