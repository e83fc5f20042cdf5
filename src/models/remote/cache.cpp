#include "models/remote/cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "core/error.h"
#include "wire/sha256.h"

namespace hone::remote {

namespace fs = std::filesystem;

fs::path ReplyCache::standard_folder() {
  if (const char* cache = std::getenv("HONE_CACHE"); cache != nullptr && *cache != '\0') return fs::path(cache) / "replies";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') return fs::path(home) / ".cache" / "hone" / "replies";
  return {};
}

fs::path ReplyCache::path_of(const Question& question) const {
  const std::string name = sha256_hex(question.url + "\n" + question.body + (question.salt.empty() ? "" : "\n" + question.salt));
  return folder_ / name.substr(0, 2) / (name + ".json");
}

std::optional<wire::Json> ReplyCache::find(const Question& question) const {
  std::ifstream file(path_of(question), std::ios::binary);
  if (!file) return {};
  std::ostringstream text;
  text << file.rdbuf();
  try {
    const wire::Json entry = wire::parse(text.str(), "cached reply");
    if (entry.at("version") != 1 || entry.at("url") != question.url || entry.at("body") != question.body || entry.at("salt") != question.salt) return {};
    if (entry.at("sha256") != sha256_hex(wire::dump(entry.at("reply")))) return {};
    return entry.at("reply");
  } catch (const std::exception&) {
    return {};
  }
}

void ReplyCache::keep(const Question& question, const wire::Json& reply) const {
  static std::atomic<unsigned> count{0};
  const fs::path path = path_of(question);
  const auto fail = [&] { return Error(Fault::io, folder_.string() + ": can't be written: " + std::strerror(errno)); };
  std::error_code code;
  fs::create_directories(folder_.parent_path(), code);
  for (const fs::path& folder : {folder_, path.parent_path()})
    if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) throw fail();
  const std::string text = wire::dump({{"version", 1}, {"url", question.url}, {"body", question.body}, {"salt", question.salt},
                                       {"sha256", sha256_hex(wire::dump(reply))}, {"reply", reply}}) + "\n";
  const std::string part = path.string() + "." + std::to_string(getpid()) + "." + std::to_string(count++) + ".part";
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) throw fail();
  bool good = true;
  for (std::size_t done = 0; good && done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) good = false;
    else done += static_cast<std::size_t>(n);
  }
  good = ::fsync(fd) == 0 && good;
  good = ::close(fd) == 0 && good;
  if (!good || std::rename(part.c_str(), path.c_str()) != 0) {
    const Error error = fail();
    ::unlink(part.c_str());
    throw error;
  }
}

}  // namespace hone::remote
