#include "engine/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/error.h"
#include "wire/json.h"

namespace hone {

Journal::Journal(std::string path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd_ < 0) throw Error(Fault::io, path_ + ": can't be opened for writing: " + std::strerror(errno));
  std::ostringstream all;
  all << std::ifstream(path_, std::ios::binary).rdbuf();
  const std::string text = all.str();
  std::size_t good = 0;
  int line_number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    ++line_number;
    if (end == std::string::npos) break;  // cut by a kill
    const std::string where = path_ + ":" + std::to_string(line_number);
    Episode episode = wire::episode_from_json(wire::parse(std::string_view(text).substr(at, end - at), where), where);
    episodes_[episode.key] = std::move(episode);
    at = good = end + 1;
  }
  if (good < text.size() && ::ftruncate(fd_, static_cast<off_t>(good)) != 0)
    throw Error(Fault::io, path_ + ": can't drop its unfinished last line: " + std::strerror(errno));
}

Journal::~Journal() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<Episode> Journal::find(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto it = episodes_.find(key);
  return it == episodes_.end() ? std::nullopt : std::optional(it->second);
}

void Journal::append(const Episode& episode) {
  const std::string line = wire::dump(wire::to_json(episode)) + "\n";
  const std::lock_guard lock(mutex_);
  const off_t before = ::lseek(fd_, 0, SEEK_END);
  for (std::size_t done = 0; done < line.size();) {
    const ssize_t n = ::write(fd_, line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int error = errno;
      if (::ftruncate(fd_, before) != 0) { /* the next opening drops the cut line */ }
      throw Error(Fault::io, path_ + ": can't be written: " + std::strerror(error) + "; what was there before is kept");
    }
    done += static_cast<std::size_t>(n);
  }
  if (::fdatasync(fd_) != 0) throw Error(Fault::io, path_ + ": can't be flushed to disk: " + std::strerror(errno));
  episodes_[episode.key] = episode;
}

Usage Journal::spent() const {
  const std::lock_guard lock(mutex_);
  Usage sum;
  for (const auto& [key, e] : episodes_) sum += e.usage;
  return sum;
}

}  // namespace hone
