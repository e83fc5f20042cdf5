// Globally unique names: UUID version 7 (RFC 9562), so that ids sort by time.
#pragma once

#include <string>
#include <string_view>

namespace hone {

// Rises strictly within a process, also within one millisecond and when the clock goes back; safe from many
// threads and in a forked child. Not drawn from an Rng on purpose: equal ids in two runs of one recipe would
// collide in one store.
std::string new_id();
// 36 characters, lower-case hexadecimal with dashes, version 7, variant 10.
bool is_id(std::string_view text);

}  // namespace hone
