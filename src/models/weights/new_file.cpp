#include "models/weights/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "core/error.h"

namespace hone {

namespace {

namespace fs = std::filesystem;

Error failed(const fs::path& path, const char* what, int why) { return {Fault::io, path.string() + ": can't be " + what + ": " + std::strerror(why)}; }

fs::path whole_path(fs::path path) {
  path = fs::absolute(path).lexically_normal();
  return path.has_filename() ? path : path.parent_path();  // "folder/"
}

fs::path part_of(const fs::path& path) { return path.parent_path() / ("." + path.filename().string() + ".part"); }

void sync_folder(const fs::path& folder) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0 || fsync(file) != 0) {
    const int why = errno;
    if (file >= 0) close(file);
    throw failed(folder, "written out", why);
  }
  close(file);
}

}  // namespace

NewFile::NewFile(const fs::path& path) : path_(whole_path(path)), part_(part_of(path_)) {
  file_ = open(part_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file_ < 0) throw failed(path_, "created", errno);
}

NewFile::~NewFile() {
  if (file_ >= 0) {
    close(file_);
    unlink(part_.c_str());
  }
}

void NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw failed(path_, "written", n == 0 ? ENOSPC : errno);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

void NewFile::put_in_place() {
  if (fsync(file_) != 0) throw failed(path_, "written out", errno);
  if (rename(part_.c_str(), path_.c_str()) != 0) throw failed(path_, "put in place", errno);
  close(file_);
  file_ = -1;
  sync_folder(path_.parent_path());
}

NewFolder::NewFolder(const fs::path& path) : path_(whole_path(path)), part_(part_of(path_)) {
  std::error_code code;
  if (fs::exists(path_, code)) throw Error(Fault::conflict, path_.string() + ": expected a folder that is not there yet, found one");
  fs::remove_all(part_, code);  // of one that was interrupted
  if (!fs::create_directory(part_, code)) throw failed(path_, "created", code ? code.value() : EEXIST);
}

NewFolder::~NewFolder() {
  std::error_code code;
  if (!part_.empty()) fs::remove_all(part_, code);
}

void NewFolder::put_in_place() {
  sync_folder(part_);
  if (rename(part_.c_str(), path_.c_str()) != 0) throw failed(path_, "put in place", errno);
  part_.clear();
  sync_folder(path_.parent_path());
}

void write_new_file(const fs::path& path, std::string_view bytes) {
  NewFile file(path);
  file.write(bytes);
  file.put_in_place();
}

}  // namespace hone
