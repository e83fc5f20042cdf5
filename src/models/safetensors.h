// The header of a safetensors file: which tensors it holds and where. It may come from anywhere, so everything in it is checked
// against the file before anybody follows it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hone {

struct SafeTensor {
  std::string name, dtype;          // "F32", "BF16", ...
  std::vector<std::int64_t> shape;  // slowest first
  std::size_t begin = 0, end = 0;   // bytes of the file; for the types of whole bytes, as many as the shape says
};

// `file` is the whole file: 8 bytes little-endian length, a JSON header of that length, then the data. In order of the header;
// its "__metadata__" is left out. The data of
// the tensors cover the rest of the file without gap or overlap. Throws Error{bad_input} that starts with `at`.
std::vector<SafeTensor> read_safetensors(std::string_view file, const std::string& at);

}  // namespace hone
