// SHA-256 (FIPS 180-4), lower-case hexadecimal, 64 characters.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace hone {

std::string sha256_hex(std::string_view bytes);
// Reads the file in pieces. Error{not_found} when absent, Error{io} when it can't be read.
std::string sha256_file(const std::filesystem::path& path);

// Piece by piece.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  std::string hex();  // ends it: call once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hone
