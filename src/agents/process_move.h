// What an agent program answers to "act" (docs/formats/process-protocol.md), read and checked: pure, without the program.
#pragma once

#include "core/episode.h"
#include "wire/json.h"

namespace hone {

// An index into the choices, or the action itself. Error{bad_input} with the path to the field.
Move read_process_move(const wire::Json& answer, const Observation& seen);

}  // namespace hone
