// In and out as JSON lines (docs/formats/store-export.md).
#pragma once

#include <istream>
#include <ostream>

#include "store/store.h"

namespace hone {

struct ExportOptions {
  std::vector<std::string> runs{};  // empty = everything; else those runs with all that is theirs
  // Comparable byte for byte between two runs of one recipe: ids become their place ("run:0",
  // "episode:0:learn/3/17"), times, usage, vectors, checkpoints and records are left out, order is by key.
  bool canonical = false;
};

// Same content, same bytes: export -> import into an empty store -> export.
void export_jsonl(const Store& store, std::ostream& out, const ExportOptions& options = {});

struct Imported {
  std::int64_t lines = 0, added = 0, known = 0;  // known: was there already with the same content
};

// One transaction for the whole stream. Errors name `name` and the line: Error{bad_input}; a record whose id
// is there with other content: Error{conflict}. Nothing is half imported.
Imported import_jsonl(Store& store, std::istream& in, std::string_view name);

struct ChatImport {
  std::string name =
      "chats";  // the run becomes "import/<name>" (made when absent); in errors the file is `file`
  std::string file = "chats";
  std::string env = "chat";
};

// Foreign transcripts, one object per line: {"messages":[{"role","content"}...], "outcome": "solved" |
// "failed" | true | false | 0..1, "task"?: text, "kind"?: text}. User, tool and system messages become
// observations, assistant messages moves. One transaction; the same file again adds nothing. Lines of our own
// export may stand between them: each line is sniffed.
Imported import_chats(Store& store, std::istream& in, const ChatImport& options);

}  // namespace hone
