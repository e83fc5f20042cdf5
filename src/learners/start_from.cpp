#include "learners/start_from.h"

#include <fstream>

#include "core/error.h"

namespace hone {

namespace {

class FileSource final : public Source {
 public:
  explicit FileSource(const std::string& path) : path_(path), in_(path, std::ios::binary) {
    if (!in_) throw Error(Fault::not_found, "start_from: can't read " + path);
  }
  void read(std::span<std::byte> bytes) override {
    in_.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    if (!in_) throw Error(Fault::corrupt, "start_from: " + path_ + " ends too early for these networks");
  }

 private:
  std::string path_;
  std::ifstream in_;
};

}  // namespace

void start_from(const std::string& path, Savable& networks) {
  FileSource file(path);
  networks.load(file);
}

}  // namespace hone
