#include "models/weights/mapped.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "core/error.h"

namespace hone {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    if (errno == ENOENT || errno == ENOTDIR) throw Error(Fault::not_found, path.string() + ": no such file");
    throw Error(Fault::io, path.string() + ": can't be opened for reading: " + std::strerror(errno));
  }
  struct stat facts {};
  const bool known = fstat(file, &facts) == 0;
  const bool regular = known && S_ISREG(facts.st_mode);
  if (regular && facts.st_size > 0) {
    size_ = static_cast<std::size_t>(facts.st_size);
    address_ = mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
  }
  const int why = errno;
  close(file);
  if (!regular) throw Error(Fault::bad_input, path.string() + ": expected a file, got a folder or device");
  if (facts.st_size <= 0) throw Error(Fault::bad_input, path.string() + ": expected a model file, got an empty one");
  if (address_ == MAP_FAILED) throw Error(Fault::io, path.string() + ": can't be read: " + std::strerror(why));
}

MappedFile::~MappedFile() { munmap(address_, size_); }

void MappedFile::forget(std::string_view part) const {
  static const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(part.data()) + page - 1) / page * page;
  const auto end = reinterpret_cast<std::uintptr_t>(part.data() + part.size()) / page * page;
  if (end > begin) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace hone
