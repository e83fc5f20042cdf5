// Files that appear whole or not at all: written under another name beside their own, onto the disk, then renamed.
#pragma once

#include <filesystem>
#include <string_view>

namespace hone {

class NewFile {
 public:
  // Throws Error{io} as all of this: the file's name and what the system says ("No space left on device").
  explicit NewFile(const std::filesystem::path& path);
  ~NewFile();  // what was not put in place is removed
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  void write(std::string_view bytes);
  void put_in_place();  // an older file of that name is replaced

 private:
  std::filesystem::path path_, part_;
  int file_ = -1;
};

// The same for a folder of files: fill part(), then put_in_place. Throws Error{conflict} when something is there already.
class NewFolder {
 public:
  explicit NewFolder(const std::filesystem::path& path);
  ~NewFolder();
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  const std::filesystem::path& part() const { return part_; }
  void put_in_place();

 private:
  std::filesystem::path path_, part_;
};

void write_new_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace hone
