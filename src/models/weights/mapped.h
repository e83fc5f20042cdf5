// A file's bytes, mapped for reading: nothing of it is held in memory of our own.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

namespace hone {

class MappedFile {
 public:
  // Throws Error: not_found, bad_input (a folder or device, empty), io.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::string_view bytes() const { return {static_cast<const char*>(address_), size_}; }
  // The system may take the pages of these bytes back; they are read again when asked for.
  void forget(std::string_view part) const;

 private:
  void* address_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace hone
