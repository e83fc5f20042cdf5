// What a hostile world or agent program may print: cut into reads as the first byte says, then read as each kind of answer.
#include <algorithm>
#include <cmath>
#include <set>

#include "agents/process_move.h"
#include "envs/process_answers.h"
#include "fuzz.h"
#include "wire/line_process.h"

using namespace hone;
using wire::Json;

namespace {

constexpr std::uint64_t max_line_bytes = 4096;

std::optional<std::string> fed(std::string_view bytes, std::size_t piece) {
  std::string buffer;
  std::size_t searched = 0;
  while (!bytes.empty()) {
    const std::size_t n = std::min(piece, bytes.size());
    buffer += bytes.substr(0, n);
    bytes.remove_prefix(n);
    if (auto line = wire::take_answer(buffer, searched, true, max_line_bytes)) return line;
    fuzz::check(buffer.size() <= max_line_bytes, "what is kept is bounded");
  }
  return std::nullopt;
}

void check_observation(const Observation& seen) {
  const std::set<std::string> different(seen.choices.begin(), seen.choices.end());
  fuzz::check(different.size() == seen.choices.size() && !different.contains(""), "choices differ");
}

void read_all(const Json& answer) {
  Observation seen{.text = "", .choices = {"left", "right"}, .features = {}};
  fuzz::refusing([&] {
    const WorldHello hello = read_hello(answer);
    fuzz::check(!hello.train.empty() || !hello.validation.empty() || !hello.test.empty(), "a world has tasks");
    fuzz::check(hello.facts.max_steps >= 0, "the step limit is no negative number");
  });
  fuzz::refusing([&] { check_observation(seen = read_observation(answer, "reset")); });
  fuzz::refusing([&] {
    const Outcome out = read_outcome(answer);
    check_observation(out.next);
    fuzz::check(std::isfinite(out.reward) && out.score >= 0.0 && out.score <= 1.0, "rewards and scores are in range");
  });
  fuzz::refusing([&] {
    const Move move = read_process_move(answer, seen);
    fuzz::check(move.choice < static_cast<int>(seen.choices.size()), "the choice is one of those offered");
    fuzz::check(move.choice < 0 || seen.choices[static_cast<std::size_t>(move.choice)] == move.action, "choice and action say the same");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text = fuzz::text_of(data + 1, size - 1);
  fuzz::refusing([&] {
    if (const auto line = fed(text, 1 + data[0])) read_all(wire::read_answer(*line));
  });
  return 0;
}
