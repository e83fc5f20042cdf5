#include "core/reflex.h"

#include <bit>
#include <cstring>

#include "core/error.h"

namespace hone {

static_assert(std::endian::native == std::endian::little, "checkpoints are written as the host's own little-endian bytes");

std::size_t Space::bytes() const {
  std::size_t n = size_of(dtype);
  for (auto d : shape) n *= static_cast<std::size_t>(d);
  return n;
}

void put_text(Sink& sink, const std::string& text) {
  put(sink, static_cast<std::uint64_t>(text.size()));
  sink.write(std::as_bytes(std::span(text.data(), text.size())));
}

std::string get_text(Source& source) {
  std::uint64_t size = 0;
  get(source, size);
  std::string text;
  char chunk[4096];  // read piecewise: a damaged length must not allocate the machine
  while (size > 0) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(size, sizeof chunk));
    source.read(std::as_writable_bytes(std::span(chunk, n)));
    text.append(chunk, n);
    size -= n;
  }
  return text;
}

void MemorySource::read(std::span<std::byte> bytes) {
  if (bytes.size() > left_.size())
    throw Error(Fault::corrupt, "saved state ends early: " + std::to_string(bytes.size()) + " bytes expected, " +
                                    std::to_string(left_.size()) + " left");
  if (bytes.empty()) return;  // memcpy takes no null, not even for nothing
  std::memcpy(bytes.data(), left_.data(), bytes.size());
  left_ = left_.subspan(bytes.size());
}

}  // namespace hone
