// What the two import targets share: stores in memory whose content is undone after each input, and what must hold of them
// after an import that was accepted.
#pragma once

#include <sstream>

#include "fuzz.h"
#include "store/impl.h"
#include "store/transfer.h"
#include "store/upkeep.h"

namespace hone::fuzz {

inline std::string exported(const Store& store) {
  std::ostringstream out;
  export_jsonl(store, out);
  return out.str();
}

// Verified, and its export gives an equal store.
inline void check_whole(const Store& store, Store& other) {
  must("an accepted import can be looked at", [&] {
    for (const auto& problem : verify(store)) {
      if (problem.ends_with("has a key without one, others of its scope have them")) continue;  // embed_missing gives it one
      std::fprintf(stderr, "fuzz: verify: %.2000s\n", problem.c_str());
      check(false, "an accepted import leaves a store without problems");
    }
    const std::string first = exported(store);
    const store_detail::Transaction undone(other.impl().db);
    std::istringstream again(first);
    import_jsonl(other, again, "again.jsonl");
    check(exported(other) == first, "export, import, export gives the same bytes");
  });
}

template <class Import>
void importing(const std::string& text, Import import) {
  static Store store(":memory:"), other(":memory:");
  const store_detail::Transaction undone(store.impl().db);
  std::istringstream in(text);
  refusing([&] {
    import(store, in);
    check_whole(store, other);
  });
}

}  // namespace hone::fuzz
