// Export and import as JSON lines.
#include "store/transfer.h"

#include "store/impl.h"
#include "wire/read.h"

namespace hone {

using namespace store_detail;

namespace store_detail {
void export_canonical(Impl& impl, const ExportOptions& options, std::ostream& out);
}

void export_jsonl(const Store& store, std::ostream& out, const ExportOptions& options) {
  if (options.canonical) {
    export_canonical(store.impl(), options, out);
  } else {
    each_line(store.impl(), {options.runs, true},
              [&](wire::Json&& line) { out << wire::dump(line) << '\n'; });
  }
  out.flush();
  if (!out) throw Error(Fault::io, "export: can't write (disk full, or the reader went away)");
}

Imported import_jsonl(Store& store, std::istream& in, std::string_view name) {
  Impl& impl = store.impl();
  const Lock lock(impl.mutex);
  Transaction transaction(impl.db);
  Taker taker(impl, false);
  Imported imported;
  std::string line;
  while (std::getline(in, line)) {
    ++imported.lines;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.find_first_not_of(" \t") == std::string::npos) continue;
    const std::string at = std::string(name) + ":" + std::to_string(imported.lines);
    const wire::Json json = wire::parse(line, at);
    if (imported.lines == 1 && (!json.is_object() || json.value("type", wire::Json()) != "hone-store"))
      throw Error(
          Fault::bad_input,
          at + ": expected the first line of a store's export, {\"type\":\"hone-store\",\"format\":1}");
    taker.take(json, at);
  }
  if (in.bad()) throw Error(Fault::io, std::string(name) + ": can't read");
  taker.finish();
  transaction.commit();
  imported.added = taker.added;
  imported.known = taker.known;
  return imported;
}

}  // namespace hone
