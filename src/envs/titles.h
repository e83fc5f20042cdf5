// Finding a title by what somebody typed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

class Titles {
 public:
  explicit Titles(const std::vector<std::string>& titles);
  // The title itself, else the first equal but for case, ASCII punctuation and spacing.
  std::optional<std::size_t> find(std::string_view asked) const;
  // Nearest first: by the Dice coefficient of their sets of three-byte runs (normalised, a blank at both ends), equal ones in the
  // order given. Titles that share no run are left out.
  std::vector<std::size_t> nearest(std::string_view asked, std::size_t count) const;

 private:
  struct Entry {
    std::string title, normal;
    std::vector<std::uint32_t> runs;  // sorted, distinct
  };
  std::vector<Entry> entries_;
};

}  // namespace hone
