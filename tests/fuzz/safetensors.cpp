// The header of a model file that was fetched or handed over.
#include "models/safetensors.h"

#include <vector>

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hone;
  const std::string file = fuzz::text_of(data, size);
  fuzz::refusing([&] {
    std::vector<char> taken(file.size(), 0);
    for (const SafeTensor& t : read_safetensors(file, "fuzz.safetensors")) {
      fuzz::check(t.begin <= t.end && t.end <= file.size(), "a tensor lies in its file");
      for (std::size_t i = t.begin; i < t.end; ++i) fuzz::check(taken[i]++ == 0, "no byte belongs to two tensors");
      if (t.dtype != "F32") continue;
      std::size_t bytes = 4;  // can't run over: it was checked against the file
      for (const std::int64_t n : t.shape) bytes *= static_cast<std::size_t>(n);
      fuzz::check(bytes == t.end - t.begin, "a tensor is as large as its shape");
    }
  });
  return 0;
}
