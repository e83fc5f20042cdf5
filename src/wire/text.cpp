// UTF-8 repair, dump and parse.
#include <cstdint>
#include <vector>

#include "core/error.h"
#include "wire/json.h"

namespace hone::wire {
namespace {

// Length of the valid UTF-8 sequence at the start of `s`, 0 when there is none (RFC 3629: no overlong forms,
// no surrogates).
std::size_t sequence(std::string_view s) {
  const auto byte = [&](std::size_t i) { return i < s.size() ? static_cast<unsigned char>(s[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned b0 = byte(0);
  const unsigned b1 = byte(1);
  if (b0 < 0x80) return 1;
  if (b0 >= 0xC2 && b0 <= 0xDF) return tail(1) ? 2 : 0;
  if (b0 >= 0xE0 && b0 <= 0xEF) {
    if (!tail(1) || !tail(2)) return 0;
    if ((b0 == 0xE0 && b1 < 0xA0) || (b0 == 0xED && b1 > 0x9F)) return 0;
    return 3;
  }
  if (b0 >= 0xF0 && b0 <= 0xF4) {
    if (!tail(1) || !tail(2) || !tail(3)) return 0;
    if ((b0 == 0xF0 && b1 < 0x90) || (b0 == 0xF4 && b1 > 0x8F)) return 0;
    return 4;
  }
  return 0;
}

// A hostile line of a million brackets must not exhaust the stack of whoever walks the value afterwards; one of
// a million keys must not take minutes (objects keep their order and are searched from the front).
constexpr std::size_t max_depth = 256;
constexpr int max_keys = 10000;

void check_shape(std::string_view text, const std::string& at) {
  constexpr int in_list = -1;
  std::vector<int> open;  // per bracket: keys so far of an object
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (open.size() == max_depth)
        throw Error(Fault::bad_input, at + ": JSON nested deeper than " + std::to_string(max_depth) +
                                          " at byte " + std::to_string(i + 1));
      open.push_back(c == '{' ? 1 : in_list);
    } else if ((c == ']' || c == '}') && !open.empty()) {
      open.pop_back();
    } else if (c == ',' && !open.empty() && open.back() != in_list && ++open.back() > max_keys) {
      throw Error(Fault::bad_input, at + ": JSON object of more than " + std::to_string(max_keys) +
                                        " keys at byte " + std::to_string(i + 1));
    }
  }
}

}  // namespace

std::string valid_utf8(std::string_view text) {
  std::size_t good = 0;
  while (good < text.size()) {
    const std::size_t n = sequence(text.substr(good));
    if (n == 0) break;
    good += n;
  }
  std::string out(text.substr(0, good));
  while (good < text.size()) {
    const std::size_t n = sequence(text.substr(good));
    if (n == 0)
      out += "\xEF\xBF\xBD";
    else
      out += text.substr(good, n);
    good += n == 0 ? 1 : n;
  }
  return out;
}

std::string shortened(std::string_view text) {
  constexpr std::size_t longest = 120;
  if (text.size() <= longest) return valid_utf8(text);
  std::size_t end = longest;  // not inside a character
  while (end > longest - 4 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return valid_utf8(text.substr(0, end)) + "...";
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json parse(std::string_view text, const std::string& at) {
  check_shape(text, at);
  try {
    return Json::parse(text.begin(), text.end());
  } catch (const Json::parse_error& e) {
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
      throw Error(Fault::bad_input, at + ": expected JSON, got nothing");
    const std::string_view why = e.what();
    const std::size_t colon = why.find(": ");
    throw Error(Fault::bad_input,
                at + ": not valid JSON at byte " + std::to_string(e.byte) + ": " +
                    shortened(colon == std::string_view::npos ? why : why.substr(colon + 2)));
  } catch (const Json::exception& e) {
    throw Error(Fault::bad_input, at + ": not valid JSON: " + shortened(e.what()));
  }
}

}  // namespace hone::wire
