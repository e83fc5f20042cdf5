// Somebody else's export of a store.
#include "store_import.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hone;
  fuzz::importing(fuzz::text_of(data, size), [](Store& store, std::istream& in) { import_jsonl(store, in, "fuzz.jsonl"); });
  return 0;
}
