#include "models/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

#include "core/error.h"
#include "wire/read.h"

namespace hone {

namespace {

constexpr std::size_t length_bytes = 8;
constexpr std::uint64_t longest_header = 16 << 20;  // 10,000 tensors need about a tenth; bounds what a hostile one costs

// 0 for a type we don't know.
std::size_t element_bytes(std::string_view dtype) {
  static constexpr std::array<std::pair<std::string_view, std::size_t>, 13> types{
      {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F8_E4M3", 1}, {"F8_E5M2", 1}, {"I64", 8}, {"I32", 4}, {"I16", 2}, {"I8", 1}, {"U64", 8}, {"U8", 1}, {"BOOL", 1}}};
  for (const auto& [name, bytes] : types)
    if (name == dtype) return bytes;
  return 0;
}

// The bytes that the shape asks for, or none when they are more than `most`.
std::size_t bytes_of(const SafeTensor& t, std::size_t most) {
  std::size_t bytes = element_bytes(t.dtype);
  for (const std::int64_t n : t.shape)
    if (n == 0) return 0;
  for (const std::int64_t n : t.shape) {
    if (static_cast<std::size_t>(n) > most / bytes) return std::numeric_limits<std::size_t>::max();
    bytes *= static_cast<std::size_t>(n);
  }
  return bytes;
}

// The format wants every byte of data to belong to one tensor.
void check_order(const std::vector<SafeTensor>& tensors, std::size_t begin, std::size_t end, const std::string& at) {
  std::vector<const SafeTensor*> sorted;
  for (const SafeTensor& t : tensors) sorted.push_back(&t);
  std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return std::pair(a->begin, a->end) < std::pair(b->begin, b->end); });
  std::size_t place = begin;
  for (const SafeTensor* t : sorted) {
    if (t->begin != place)
      throw Error(Fault::bad_input, at + ": " + wire::shortened(t->name) + ": expected its data at offset " + std::to_string(place - begin) + ", got " +
                                        std::to_string(t->begin - begin) + (t->begin < place ? " (inside another tensor)" : " (a gap)"));
    place = t->end;
  }
  if (place != end) throw Error(Fault::bad_input, at + ": " + std::to_string(end - place) + " bytes at the end belong to no tensor");
}

}  // namespace

std::vector<SafeTensor> read_safetensors(std::string_view file, const std::string& at) {
  if (file.size() < length_bytes) throw Error(Fault::bad_input, at + ": expected a safetensors file, got " + std::to_string(file.size()) + " bytes");
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), length_bytes);
  if (length > file.size() - length_bytes)
    throw Error(Fault::bad_input, at + ": header of " + std::to_string(length) + " bytes in a file of " + std::to_string(file.size()));
  if (length > longest_header)
    throw Error(Fault::bad_input, at + ": expected a header of at most " + std::to_string(longest_header) + " bytes, got " + std::to_string(length));
  const std::size_t data = length_bytes + static_cast<std::size_t>(length), left = file.size() - data;
  const wire::Json header = wire::parse(file.substr(length_bytes, static_cast<std::size_t>(length)), at);
  if (!header.is_object()) wire::expected(at, "a header that is an object", header);
  std::vector<SafeTensor> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    const std::string where = at + ": " + wire::shortened(name);
    const wire::Fields fields(entry, where);
    SafeTensor t{name, {}, {}, 0, 0};
    fields.need("dtype", t.dtype);
    const auto integer = [](const wire::Json& j, const std::string& path) { return wire::read_int(j, path, 0, std::int64_t{1} << 40); };
    std::vector<std::int64_t> range;
    fields.list("shape", t.shape, integer);
    fields.list("data_offsets", range, integer);
    const auto misfit = [&] { return Error(Fault::bad_input, where + ": shape and data don't fit the file (truncated?)"); };
    if (range.size() != 2 || range[0] > range[1] || static_cast<std::size_t>(range[1]) > left) throw misfit();
    t.begin = data + static_cast<std::size_t>(range[0]);
    t.end = data + static_cast<std::size_t>(range[1]);
    if (element_bytes(t.dtype) != 0 && bytes_of(t, left) != t.end - t.begin) throw misfit();
    tensors.push_back(std::move(t));
  }
  check_order(tensors, data, file.size(), at);
  return tensors;
}

}  // namespace hone
