#include "core/error.h"

namespace hone {

std::string_view to_string(Fault fault) {
  switch (fault) {
    case Fault::usage: return "usage";
    case Fault::bad_input: return "bad_input";
    case Fault::not_found: return "not_found";
    case Fault::unavailable: return "unavailable";
    case Fault::io: return "io";
    case Fault::corrupt: return "corrupt";
    case Fault::conflict: return "conflict";
    case Fault::budget: return "budget";
    case Fault::interrupted: return "interrupted";
    case Fault::internal: return "internal";
  }
  return "internal";
}

std::string excerpt(std::string_view text) {
  constexpr std::size_t longest = 120;
  if (text.size() <= longest) return std::string(text);
  std::size_t end = longest;
  while (end > longest - 4 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return std::string(text.substr(0, end)) + "...";
}

Error Error::within(std::string_view context) const {
  return Error(fault_, std::string(context) + ": " + what());
}

}  // namespace hone
