// When a request is repeated and after how long. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/rng.h"

namespace hone::remote {

constexpr double longest_wait_s = 120.0;  // of any one wait; a server that asks for more gets no repeat

// Time-outs, too many requests and every 5xx but 501 (not implemented).
bool worth_repeating(int status);

// Exponential with jitter: backoff_s * 2^attempt * [0.5, 1), at most 30 s. attempt counts from 0; the draw follows from `rng`.
double backoff(double backoff_s, int attempt, const Rng& rng);

// "120" or "Wed, 21 Oct 2015 07:28:00 GMT" -> seconds from `now` (Unix time), never below 0 or above 1e9; empty when it is neither.
std::optional<double> retry_after(const std::string& header, std::int64_t now);

}  // namespace hone::remote
