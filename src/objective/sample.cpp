#include "objective/sample.h"

#include <cmath>

#include "core/error.h"

namespace hone::objective {

namespace {

template <class T>
void check_tokens(const std::vector<T>& values, const char* name, std::size_t i, const Sample& s, bool one_is_enough = false) {
  if (!values.empty() && values.size() != static_cast<std::size_t>(s.tokens) && !(one_is_enough && values.size() == 1))
    throw Error(Fault::bad_input, place(i, s) + ": " + name + ": expected one value per trained token (" + std::to_string(s.tokens) + "), got " +
                                      std::to_string(values.size()));
  for (std::size_t t = 0; t < values.size(); ++t)
    if (!std::isfinite(values[t]))
      throw Error(Fault::bad_input, place(i, s) + ": " + name + " of token " + std::to_string(t) + ": expected a finite number, got " + std::to_string(values[t]));
}

}  // namespace

std::string place(std::size_t index, const Sample& s) { return "sample " + std::to_string(index) + " (group '" + excerpt(s.group) + "')"; }

void check(std::span<const Sample> samples) {
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Sample& s = samples[i];
    if (s.tokens < 0) throw Error(Fault::bad_input, place(i, s) + ": tokens: expected 0 or more, got " + std::to_string(s.tokens));
    check_tokens(s.advantages, "advantages", i, s, true);
    check_tokens(s.logp_old, "logp_old", i, s);
    check_tokens(s.logp_roll, "logp_roll", i, s);
    check_tokens(s.logp_ref, "logp_ref", i, s);
    check_tokens(s.logp_past, "logp_past", i, s);
    check_tokens(s.logp_now, "logp_now", i, s);
    check_tokens(s.entropy, "entropy", i, s);
    if (s.reward && !std::isfinite(*s.reward))
      throw Error(Fault::bad_input, place(i, s) + ": reward: expected a finite number or none, got " + std::to_string(*s.reward));
    for (const double r : s.rewards)
      if (std::isinf(r)) throw Error(Fault::bad_input, place(i, s) + ": rewards: expected finite numbers (NaN: could not be scored), got " + std::to_string(r));
    if (!std::isfinite(s.weight)) throw Error(Fault::bad_input, place(i, s) + ": weight: expected a finite number, got " + std::to_string(s.weight));
  }
}

void check_call(std::string_view what, std::span<const std::size_t> which, std::span<const int> tokens, std::span<const Scores> scores, std::span<Slopes> slopes) {
  const auto wrong = [&](const std::string& text) { return Error(Fault::bad_input, std::string(what) + ": " + text); };
  if (scores.size() != which.size() || slopes.size() != which.size())
    throw wrong("expected scores and slopes of " + std::to_string(which.size()) + " sequences, got " + std::to_string(scores.size()) + " and " + std::to_string(slopes.size()));
  for (std::size_t k = 0; k < which.size(); ++k) {
    if (which[k] >= tokens.size()) throw wrong("expected one of " + std::to_string(tokens.size()) + " sequences, got number " + std::to_string(which[k]));
    if (scores[k].logp.size() != static_cast<std::size_t>(tokens[which[k]]))
      throw wrong("sequence " + std::to_string(which[k]) + ": expected the log-probabilities of " + std::to_string(tokens[which[k]]) + " tokens, got " +
                  std::to_string(scores[k].logp.size()));
  }
}

Loss as_loss(Evaluate evaluate) {
  return [evaluate = std::move(evaluate)](std::span<const std::size_t> which, std::span<const SequenceScores> scores, std::span<SequenceGradient> gradients) {
    std::vector<Scores> wide(scores.size());
    std::vector<Slopes> slopes(gradients.size());
    for (std::size_t k = 0; k < scores.size(); ++k) {
      wide[k].logp.assign(scores[k].logp.begin(), scores[k].logp.end());
      wide[k].entropy.assign(scores[k].entropy.begin(), scores[k].entropy.end());
    }
    const double loss = evaluate(which, wide, slopes);
    const auto narrow = [](const std::vector<double>& from, std::vector<float>& to) {
      to.clear();
      for (const double x : from) to.push_back(static_cast<float>(x));
    };
    for (std::size_t k = 0; k < gradients.size(); ++k) narrow(slopes[k].logp, gradients[k].d_logp), narrow(slopes[k].entropy, gradients[k].d_entropy);
    return loss;
  };
}

}  // namespace hone::objective
