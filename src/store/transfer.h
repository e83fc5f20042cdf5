// In and out as JSON lines (docs/formats/store-export.md).
#pragma once

#include <istream>
#include <ostream>

#include "store/store.h"

namespace hone {

// store: what import takes back. trl_sft, trl_dpo, trl_kto: training data in TRL's shapes, made of the tries (trl.cpp).
enum class ExportFormat { store, trl_sft, trl_dpo, trl_kto };

struct ExportOptions {
  ExportFormat format = ExportFormat::store;
  std::vector<std::string> runs{};  // empty = everything; else those runs with all that is theirs
  // Comparable byte for byte between two runs of one recipe: ids become their place ("run:0",
  // "episode:0:learn/3/17"), times, usage, vectors, checkpoints and records are left out, order is by key.
  bool canonical = false;
};

// Same content, same bytes: export -> import into an empty store -> export.
void export_jsonl(const Store& store, std::ostream& out, const ExportOptions& options = {});

// The same into a file, complete or not at all: written beside it as NAME.part, then renamed. What is there and
// no regular file (a device, a pipe) is written to as it is. Error{usage} for a folder and for the store itself.
void export_file(const Store& store, const std::filesystem::path& out, const ExportOptions& options = {});

struct Imported {
  std::int64_t lines = 0, added = 0, known = 0;  // known: was there already with the same content
};

// One transaction for the whole stream. Errors name `name` and the line: Error{bad_input}, also when the stream
// was cut off; a record whose id is there with other content: Error{conflict}. Nothing is half imported. A newer
// export of a run that went on brings what is new.
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
// export may stand between them: each line is sniffed. Invalid UTF-8 and lone surrogates become U+FFFD; parts that
// are not text (images, audio) leave "[image]" in their place.
Imported import_chats(Store& store, std::istream& in, const ChatImport& options);

// Whether the first line that is not blank is a chat; the stream is at its start again.
bool starts_with_chat(std::istream& in);

// Closes the store and, when nothing is in it, removes its files: for one that was made to take what was refused.
void discard_if_empty(Store store);

}  // namespace hone
