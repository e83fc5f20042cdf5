// Hash and merge.
#include "store/upkeep.h"

#include "store/impl.h"
#include "wire/sha256.h"

namespace hone {

using namespace store_detail;

std::string content_hash(const Store& store) {
  Sha256 sha;
  each_line(store.impl(), {{}, false}, [&](wire::Json&& line) {
    sha.update(wire::dump(line));
    sha.update("\n");
  });
  return sha.hex();
}

Merged merge(Store& store, const std::filesystem::path& other) {
  std::error_code none;
  if (std::filesystem::equivalent(store.path(), other, none))
    throw Error(Fault::usage, "store: " + other.string() + " can't be merged into itself");
  StoreOptions options;
  options.read_only = true;
  const Store theirs(other, options);
  Impl& impl = store.impl();
  const Lock lock(impl.mutex);
  Transaction transaction(impl.db);
  Taker taker(impl, true);
  {
    const Lock reading(theirs.impl().mutex);
    taker.foresee(theirs.impl());
  }
  std::int64_t line = 0;
  each_line(theirs.impl(), {}, [&](wire::Json&& json) {
    taker.take(json, other.string() + ": record " + std::to_string(++line));
  });
  taker.finish(other.string());
  transaction.commit();
  return {taker.added, taker.known, taker.conflicts};
}

}  // namespace hone
