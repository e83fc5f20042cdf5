// What a world program answers (docs/formats/process-protocol.md), read and checked: pure, without the program. All throw
// Error{bad_input} with the path to the field: "step.score: expected 0 to 1, got 7".
#pragma once

#include <string>
#include <vector>

#include "core/env.h"
#include "wire/json.h"

namespace hone {

struct WorldHello {
  WorldFacts facts;
  std::vector<Task> train, validation, test;  // ids differ
};

WorldHello read_hello(const wire::Json& answer);
// Choices are different texts that are not empty.
Observation read_observation(const wire::Json& answer, const std::string& at);
// A finite reward, a score from 0 to 1; what the action changed is everything unless the program says otherwise.
Outcome read_outcome(const wire::Json& answer);

}  // namespace hone
