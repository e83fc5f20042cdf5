// The header of a GGUF file that was fetched or handed over, and the shape it speaks of.
#include "fuzz.h"
#include "models/weights/config.h"
#include "models/weights/gguf_header.h"
#include "models/weights/names.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hone;
  const std::string file = fuzz::text_of(data, size);
  fuzz::refusing([&] {
    const GgufHeader header(file, "fuzz.gguf");
    std::size_t end = 0;
    for (const GgufTensor& t : header.tensors()) {
      fuzz::check(end <= t.begin && t.begin <= t.end && t.end <= file.size(), "tensors lie one after the other in their file");
      end = t.end;
      std::size_t elements = 1;  // can't run over: it was checked against the file
      for (const std::int64_t n : t.shape) elements *= static_cast<std::size_t>(n);
      fuzz::check(elements / t.packing->elements * t.packing->bytes == t.end - t.begin, "a tensor is as large as its shape");
    }
    for (const auto& [key, value] : header.values()) {
      const char* begin = file.data();
      fuzz::check(value.bytes.data() >= begin && value.bytes.data() + value.bytes.size() <= begin + file.size(), "a value lies in its file");
      if (value.type == GgufType::string && value.list) fuzz::check(header.texts(key)->size() == value.count, "a list has as many strings as it says");
      if (value.type == GgufType::string && !value.list) fuzz::check(header.text(key)->size() + 8 == value.bytes.size(), "a string is as long as it says");
    }
    fuzz::refusing([&] {
      const Arch arch = arch_from_gguf(header, "fuzz.gguf");
      if (arch.layers < 16) fuzz::check(!published_tensors(arch).empty(), "a shape has tensors");
    });
  });
  // The same bytes as the other form of the shape.
  fuzz::refusing([&] { validate(arch_from_config(file, "config.json"), "config.json"); });
  return 0;
}
