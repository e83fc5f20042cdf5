// Base64 (RFC 4648).
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hone::wire {

std::string to_base64(std::span<const std::byte> bytes);
// Throws Error{bad_input} beginning with `at`.
std::vector<std::byte> from_base64(std::string_view text, const std::string& at);

}  // namespace hone::wire
