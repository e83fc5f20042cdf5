// Export and import as JSON lines.
#include "store/transfer.h"

#include <fstream>

#include "store/impl.h"
#include "wire/read.h"

namespace hone {

using namespace store_detail;

namespace store_detail {
void export_canonical(Impl& impl, const ExportOptions& options, std::ostream& out);
void export_trl(const Store& store, const ExportOptions& options, std::ostream& out);
}

void export_jsonl(const Store& store, std::ostream& out, const ExportOptions& options) {
  if (options.format != ExportFormat::store) {
    export_trl(store, options, out);
  } else if (options.canonical) {
    export_canonical(store.impl(), options, out);
  } else {
    std::int64_t lines = 0;
    each_line(store.impl(), {options.runs, true}, [&](wire::Json&& line) {
      if (lines++ == 0) line["format"] = format_with_end;
      out << wire::dump(line) << '\n';
    });
    out << wire::dump({{"type", "end"}, {"lines", lines}}) << '\n';
  }
  out.flush();
  if (!out) throw Error(Fault::io, "export: can't write (disk full, or the reader went away)");
}

void export_file(const Store& store, const std::filesystem::path& out, const ExportOptions& options) {
  namespace fs = std::filesystem;
  std::error_code code;
  const auto there = fs::status(out, code);
  if (fs::is_directory(there))
    throw Error(Fault::usage, out.string() + ": expected a file to write, got a directory");
  // A regular file changes its name into place when it is complete; a device or a pipe is written to as it is.
  const bool as_it_is = fs::exists(there) && !fs::is_regular_file(there);
  const fs::path part = as_it_is ? out : fs::path(out.string() + ".part");
  for (const char* suffix : {"", "-wal", "-shm"})
    for (const auto& target : {out, part}) {
      const fs::path own = store.path().string() + suffix;
      if (fs::equivalent(target, own, code) || fs::weakly_canonical(target, code) == fs::weakly_canonical(own, code))
        throw Error(Fault::usage, target.string() + ": is the store itself; export to another file");
    }
  const auto remove_part = [&] {
    if (!as_it_is) fs::remove(part, code);
  };
  try {
    std::ofstream file(part, std::ios::binary);
    if (!file) throw Error(Fault::io, out.string() + ": can't be written");
    export_jsonl(store, file, options);
    file.close();
    if (file && !as_it_is) fs::rename(part, out);
    if (!file) throw Error(Fault::io, out.string() + ": can't be written (no space?); nothing was left there");
  } catch (const fs::filesystem_error& e) {
    remove_part();
    throw Error(Fault::io, out.string() + ": can't be written: " + e.code().message());
  } catch (...) {
    remove_part();
    throw;
  }
}

bool starts_with_chat(std::istream& in) {
  std::string line;
  while (std::getline(in, line))
    if (line.find_first_not_of(" \t\r") != std::string::npos) break;
  in.clear();
  in.seekg(0);
  return line.find("\"messages\"") != std::string::npos;
}

void discard_if_empty(Store store) {
  const std::string path = store.path().string();
  {
    const Lock lock(store.impl().mutex);
    for (const char* table : {"run", "episode", "generation", "scope", "artifact"})
      if (store.impl().db.query(std::string("SELECT 1 FROM ") + table + " LIMIT 1").step()) return;
  }
  { const Store closing = std::move(store); }
  std::error_code ignored;
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path + suffix, ignored);
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
          at + ": expected the first line of a store's export, {\"type\":\"hone-store\",\"format\":2}");
    taker.take(json, at);
  }
  if (in.bad()) throw Error(Fault::io, std::string(name) + ": can't read");
  taker.finish(std::string(name) + ":" + std::to_string(imported.lines));
  transaction.commit();
  imported.added = taker.added;
  imported.known = taker.known;
  return imported;
}

}  // namespace hone
