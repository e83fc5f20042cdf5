// Chats from elsewhere, with lines of an export between them.
#include "store_import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hone;
  fuzz::importing(fuzz::text_of(data, size), [](Store& store, std::istream& in) { import_chats(store, in, {.name = "fuzz", .file = "fuzz.jsonl", .env = "chat"}); });
  return 0;
}
