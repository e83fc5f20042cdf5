// By OpenSSL's block functions it would need lengths of int and checks of their own; this is shorter.
#include "wire/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/error.h"

namespace hone::wire {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int, 256> make_values() {
  std::array<int, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<int>(i);
  return values;
}
constexpr std::array<int, 256> values = make_values();

}  // namespace

std::string to_base64(std::span<const std::byte> bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = (group << 8) | (j < n ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j) out += j <= n ? alphabet[(group >> (18 - 6 * j)) & 63] : '=';
  }
  return out;
}

std::vector<std::byte> from_base64(std::string_view text, const std::string& at) {
  if (text.size() % 4 != 0)
    throw Error(Fault::bad_input,
                at + ": expected base64 (a multiple of 4 characters), got " + std::to_string(text.size()));
  std::vector<std::byte> out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const std::size_t padding = !last ? 0 : (text[i + 2] == '=' ? 2 : text[i + 3] == '=' ? 1 : 0);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 4; ++j) {
      const bool pad = j >= 4 - padding;
      const int value = values[static_cast<unsigned char>(text[i + j])];
      if (pad ? text[i + j] != '=' : value < 0)
        throw Error(Fault::bad_input, at + ": not base64 at character " + std::to_string(i + j + 1));
      group = (group << 6) | (pad ? 0U : static_cast<std::uint32_t>(value));
    }
    for (std::size_t j = 0; j < 3 - padding; ++j)
      out.push_back(static_cast<std::byte>((group >> (16 - 8 * j)) & 255));
  }
  return out;
}

}  // namespace hone::wire
