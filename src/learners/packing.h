#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace hone {

// Best-fit decreasing, as TRL's packing_strategy "bfd": longest first (of equal ones the earlier), each into the fullest bin that still has room, else into a new one. Places of
// `lengths`, bin by bin; the number of bins does not depend on the order of `lengths`. Throws Error{bad_input} for a length above `capacity`.
std::vector<std::vector<std::size_t>> pack(std::span<const std::size_t> lengths, std::size_t capacity);

}  // namespace hone
