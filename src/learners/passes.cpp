#include "learners/passes.h"

#include <algorithm>
#include <numeric>

namespace hone {

namespace {

// The first step of this pass, if every pass has as many.
AtStep within(AtStep pass, std::size_t items, std::size_t step) {
  const auto steps = static_cast<std::int64_t>((items + step - 1) / step);
  return {pass.step * steps, pass.steps * steps};
}

}  // namespace

double sum_of(const std::vector<float>& logp) { return std::accumulate(logp.begin(), logp.end(), 0.0); }

Metrics imitate(std::vector<TokenSequence> sequences, const TrainConfig& train, const objective::SftConfig& config, AtStep pass, Rng rng, Policy& policy) {
  rng.shuffle(sequences);
  const std::size_t step = per_step(train, sequences.size());
  AtStep at = within(pass, sequences.size(), step);
  Metrics out;
  double loss = 0.0, tokens = 0.0;
  for (std::size_t first = 0; first < sequences.size(); first += step, ++at.step) {
    const StepOptions options = step_options(train, at, 1.0F);
    const auto part = std::span<const TokenSequence>(sequences).subspan(first, std::min(step, sequences.size() - first));
    std::vector<int> trained;
    for (const auto& s : part) trained.push_back(static_cast<int>(std::count(s.trained.begin(), s.trained.end(), 1)));
    objective::SftObjective objective(trained, config);
    const auto result = policy.step(part, objective.loss(), options);
    loss += result.loss * static_cast<double>(result.trained);
    tokens += static_cast<double>(result.trained);
    out["gradient_norm"] = result.gradient_norm;
    out["lr"] = options.lr;
  }
  out["loss"] = loss / tokens;
  out["tokens"] = tokens;
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
    const auto reply = [&](const SequenceScores& s) { return objective::Reply{.tokens = static_cast<int>(s.logp.size()), .ref = sum_of(s.logp), .ref_tokens = s.logp}; };
    out.known.push_back({reply(reference[i]), reply(reference[i + 1])});
  }
  return out;
}

Metrics prefer(const Pairs& pairs, const TrainConfig& train, const objective::PreferenceConfig& config, AtStep pass, Rng rng, Policy& policy) {
  std::vector<std::size_t> order(pairs.known.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  rng.shuffle(order);
  const std::size_t step = std::max<std::size_t>(1, per_step(train, 2 * order.size()) / 2);
  AtStep at = within(pass, order.size(), step);
  Metrics out;
  for (std::size_t first = 0; first < order.size(); first += step, ++at.step) {
    StepOptions options = step_options(train, at, 1.0F);
    options.together = 2;
    std::vector<TokenSequence> sequences;
    std::vector<objective::Pair> known;
    for (std::size_t i = first; i < std::min(order.size(), first + step); ++i) {
      sequences.push_back(pairs.sequences[2 * order[i]]);
      sequences.push_back(pairs.sequences[2 * order[i] + 1]);
      known.push_back(pairs.known[order[i]]);
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

// The prompt of one sequence and the trained end of another.
TokenSequence mismatched(const TokenSequence& prompt, const TokenSequence& reply) {
  const auto start = [](const TokenSequence& s) { return std::find(s.trained.begin(), s.trained.end(), 1) - s.trained.begin(); };
  TokenSequence out;
  out.ids.assign(prompt.ids.begin(), prompt.ids.begin() + start(prompt));
  out.trained.assign(out.ids.size(), 0);
  out.ids.insert(out.ids.end(), reply.ids.begin() + start(reply), reply.ids.end());
  out.trained.insert(out.trained.end(), reply.trained.begin() + start(reply), reply.trained.end());
  return out;
}

std::vector<double> sums(const std::vector<SequenceScores>& scores) {
  std::vector<double> out;
  for (const auto& s : scores) out.push_back(sum_of(s.logp));
  return out;
}

}  // namespace

Metrics mark(const Pairs& pairs, const TrainConfig& train, const objective::KtoConfig& config, AtStep pass, Rng rng, Policy& policy) {
  std::vector<std::size_t> order(pairs.known.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  rng.shuffle(order);
  const std::size_t step = std::max<std::size_t>(1, per_step(train, 2 * order.size()) / 2);
  AtStep at = within(pass, order.size(), step);
  Metrics out;
  for (std::size_t first = 0; first < order.size(); first += step, ++at.step) {
    const StepOptions options = step_options(train, at, 1.0F);
    const std::size_t n = std::min(step, order.size() - first);
    std::vector<TokenSequence> sequences, others;
    std::vector<objective::MarkedReply> known;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t here = order[first + i], next = order[first + (i + 1) % n];
      for (const std::size_t side : {0U, 1U}) {
        sequences.push_back(pairs.sequences[2 * here + side]);
        known.push_back({side == 0 ? pairs.known[here].chosen : pairs.known[here].rejected, side == 0});
        if (n > 1) others.push_back(mismatched(pairs.sequences[2 * here + side], pairs.sequences[2 * next + side]));
      }
    }
    double baseline = 0.0;
    if (!others.empty() && config.loss == objective::KtoLoss::kto)
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
