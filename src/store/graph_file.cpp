#include "store/graph_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>

#include "store/fingerprint.h"
#include "store/hnsw.h"
#include "wire/sha256.h"

namespace hone::store_detail {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are stored as they lie in memory");

struct Header {
  char magic[8] = {'H', 'O', 'N', 'E', 'H', 'N', 'S', 'W'};
  std::uint32_t format = 1, recipe = Hnsw::recipe();
  std::uint64_t dimensions = 0, points = 0, vectors = 0;
  std::uint64_t words = 0;  // of links that follow
  std::uint64_t check = 0;  // of all else
};
static_assert(sizeof(Header) == 56);
constexpr std::uint64_t most_words_per_point = 64;  // more than 2 M + 1 and the upper layers' M + 1 come to on average

std::uint64_t check_of(Header header, std::span<const std::uint32_t> links) {
  header.check = 0;
  return fingerprint(std::as_bytes(links), fingerprint(std::as_bytes(std::span(&header, 1))));
}

struct File {
  explicit File(int f) : fd(f) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd >= 0) close(fd);
  }
  // Whatever else may stand under that name (a pipe, a device) is not waited for.
  bool regular(struct stat& facts) const { return fd >= 0 && fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode); }
  int fd;
};

bool read_all(int fd, void* to, std::size_t bytes) {
  auto* at = static_cast<char*>(to);
  while (bytes > 0) {
    const ssize_t got = read(fd, at, bytes);
    if (got <= 0) return false;
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

bool write_all(int fd, const void* from, std::size_t bytes) {
  const auto* at = static_cast<const char*>(from);
  while (bytes > 0) {
    const ssize_t put = write(fd, at, bytes);
    if (put <= 0) return false;
    at += put;
    bytes -= static_cast<std::size_t>(put);
  }
  return true;
}

std::string part_of(const std::filesystem::path& path) { return path.string() + ".new"; }

}  // namespace

std::filesystem::path graph_path(const std::filesystem::path& store, std::string_view scope, RecallKey kind) {
  return store.string() + ".hnsw-" + sha256_hex(scope).substr(0, 16) + "-" + std::to_string(static_cast<int>(kind));
}

std::optional<KeptGraph> read_graph(const std::filesystem::path& path, std::size_t dimensions, std::uint64_t most) {
  const File file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  struct stat facts {};
  Header header, expected;
  if (!file.regular(facts) || !read_all(file.fd, &header, sizeof header)) return std::nullopt;
  if (std::memcmp(header.magic, expected.magic, sizeof header.magic) != 0 || header.format != expected.format ||
      header.recipe != expected.recipe || header.dimensions != dimensions)
    return std::nullopt;
  // Sizes are believed once they fit each other; only then is there memory for them.
  if (header.points == 0 || header.points > most || header.words > most_words_per_point * header.points ||
      static_cast<std::uint64_t>(facts.st_size) != sizeof header + header.words * sizeof(std::uint32_t))
    return std::nullopt;
  KeptGraph graph{header.points, header.vectors, {}};
  graph.links.resize(header.words);
  if (!read_all(file.fd, graph.links.data(), header.words * sizeof(std::uint32_t)) ||
      check_of(header, graph.links) != header.check)
    return std::nullopt;
  return graph;
}

bool write_graph(const std::filesystem::path& path, std::size_t dimensions, const KeptGraph& graph, unsigned mode) {
  const std::string part = part_of(path);
  const File file(open(part.c_str(), O_WRONLY | O_CREAT | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, mode & 0666U));
  struct stat ours {}, there {};
  // One writer at a time; who had the lock before has given the file its name, so what stands there must still be ours.
  if (!file.regular(ours) || flock(file.fd, LOCK_EX | LOCK_NB) != 0 || stat(part.c_str(), &there) != 0 ||
      ours.st_ino != there.st_ino)
    return false;
  Header header;
  header.dimensions = dimensions;
  header.points = graph.points;
  header.vectors = graph.vectors;
  header.words = graph.links.size();
  header.check = check_of(header, graph.links);
  // Not synced: what a power cut leaves half written fails its check.
  if (ftruncate(file.fd, 0) == 0 && write_all(file.fd, &header, sizeof header) &&
      write_all(file.fd, graph.links.data(), graph.links.size() * sizeof(std::uint32_t)) &&
      std::rename(part.c_str(), path.c_str()) == 0)
    return true;
  unlink(part.c_str());
  return false;
}

void remove_graphs(const std::filesystem::path& store, std::string_view scope) {
  for (const auto kind : {RecallKey::task, RecallKey::thought, RecallKey::action, RecallKey::step, RecallKey::reflection}) {
    const auto path = graph_path(store, scope, kind);
    unlink(part_of(path).c_str());
    unlink(path.c_str());
  }
}

}  // namespace hone::store_detail
