// The header of a GGUF file, read without ggml: the file may come from anywhere, so every count, length, offset and size in it is
// checked against the file before anybody follows it. Nothing is copied but names: values stay where they are in the file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

enum class GgufType : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };
std::string_view to_string(GgufType type);

struct GgufValue {
  GgufType type = GgufType::u8;     // never array: then `list` is set and this is what it holds
  bool list = false;
  std::uint64_t count = 1;
  std::string_view bytes;           // as in the file; strings with their lengths in front
};

// How a type of ggml packs its elements.
struct GgufPacking {
  std::uint32_t type;
  std::string_view name;
  std::uint32_t elements, bytes;    // of one block
};
const std::vector<GgufPacking>& gguf_packings();
const GgufPacking* gguf_packing(std::uint32_t type);  // null when unknown

struct GgufTensor {
  std::string name;
  const GgufPacking* packing = nullptr;
  std::vector<std::int64_t> shape;  // fastest first, as in the file; at least one, all positive
  std::size_t begin = 0, end = 0;   // bytes of the file
};

class GgufHeader {
 public:
  // `file`: the whole file, which must outlive this. Throws Error{bad_input} that starts with `at`.
  GgufHeader(std::string_view file, const std::string& at);

  const std::vector<std::pair<std::string, GgufValue>>& values() const { return values_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  const GgufValue* find(std::string_view key) const;  // null when absent

  // Absent: nothing. Of another type or out of range: Error{bad_input} that names the key.
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t low, std::int64_t high) const;
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
  std::optional<std::string> text(std::string_view key) const;
  std::optional<std::vector<std::string>> texts(std::string_view key) const;
  std::optional<std::vector<std::int32_t>> integers(std::string_view key) const;

 private:
  std::string at_;
  std::vector<std::pair<std::string, GgufValue>> values_;
  std::vector<GgufTensor> tensors_;
};

}  // namespace hone
