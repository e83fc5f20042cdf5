#include "models/remote/retry.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>
#include <sstream>

namespace hone::remote {

bool worth_repeating(int status) { return status == 408 || status == 425 || status == 429 || (status >= 500 && status != 501); }

double backoff(double backoff_s, int attempt, const Rng& rng) {
  const double wait = std::min(30.0, backoff_s * std::pow(2.0, std::min(attempt, 20)));
  return wait * (0.5 + 0.5 * rng.split(static_cast<std::uint64_t>(attempt)).uniform());
}

std::optional<double> retry_after(const std::string& header, std::int64_t now) {
  if (header.empty() || header.size() > 64) return {};
  if (header.find_first_not_of("0123456789.") == std::string::npos && header.front() != '.') {
    std::istringstream in(header);
    in.imbue(std::locale::classic());
    double seconds = 0.0;
    if (in >> seconds && in.eof()) return std::min(seconds, 1e9);  // a whole number of seconds fits what they are counted in
    return {};
  }
  // RFC 9110, IMF-fixdate: always English, always GMT.
  static constexpr const char* months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  char day[8] = "", month[4] = "", zone[4] = "";
  std::tm t{};
  if (std::sscanf(header.c_str(), "%3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d %3[A-Z]", day, &t.tm_mday, month, &t.tm_year, &t.tm_hour, &t.tm_min, &t.tm_sec, zone) != 8) return {};
  const char* at = std::strstr(months, month);
  if (std::strlen(month) != 3 || at == nullptr || (at - months) % 3 != 0 || std::strcmp(zone, "GMT") != 0) return {};
  t.tm_mon = static_cast<int>((at - months) / 3);
  t.tm_year -= 1900;
  return std::clamp(static_cast<double>(static_cast<std::int64_t>(timegm(&t)) - now), 0.0, 1e9);
}

}  // namespace hone::remote
