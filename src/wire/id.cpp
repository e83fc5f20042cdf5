#include "wire/id.h"

#include <sys/random.h>

#include <atomic>
#include <chrono>
#include <cstdint>

#include "core/error.h"

namespace hone {
namespace {

// 48 bits of milliseconds and 12 bits of counter: the part that must rise.
std::uint64_t next_tick() {
  static std::atomic<std::uint64_t> last{0};
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  const std::uint64_t fresh = (ms & 0xFFFFFFFFFFFFULL) << 12;
  std::uint64_t seen = last.load();
  std::uint64_t mine = 0;
  do {
    mine = fresh > seen ? fresh : seen + 1;  // a full counter borrows from the next millisecond
  } while (!last.compare_exchange_weak(seen, mine));
  return mine;
}

}  // namespace

std::string new_id() {
  std::uint64_t noise = 0;
  if (getrandom(&noise, sizeof noise, 0) != sizeof noise)
    throw Error(Fault::unavailable, "no random bytes from the system for a new id");
  const std::uint64_t tick = next_tick();
  const std::uint64_t high = ((tick >> 12) << 16) | 0x7000U | (tick & 0xFFFU);
  const std::uint64_t low = (noise >> 2) | 0x8000000000000000ULL;
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(36);
  for (int i = 0; i < 32; ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) text += '-';
    const std::uint64_t half = i < 16 ? high : low;
    text += digits[(half >> (60 - 4 * (i % 16))) & 15];
  }
  return text;
}

bool is_id(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (c != '-') return false;
    } else if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
      return false;
    }
  }
  return text[14] == '7' && (text[19] == '8' || text[19] == '9' || text[19] == 'a' || text[19] == 'b');
}

}  // namespace hone
