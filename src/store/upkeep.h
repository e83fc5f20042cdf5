// Looking after a store: erase, prune, verify, hash, merge.
#pragma once

#include "store/store.h"

namespace hone {

// Removes an episode and all that rests on it: its steps and generations about it, every lesson that names it
// as evidence, those lessons' descendants by parent, and their keys, vectors and text index; bytes are
// overwritten (secure_delete, write-ahead log emptied). Later tries that named it as parent stay, the link
// (and what they were told about it: notes) is cleared. Traces of the episode are its id, its task's text when
// no other task in the store has the same and it is 12 bytes or longer, and what was seen, thought, done and
// learned in it where that is 24 bytes or longer and stands in no other task's tries and no lesson that stays:
// generations, records and checkpoints of all runs that contain one go as well; a run whose checkpoint went
// cannot be resumed from it. The log is emptied when no other process is reading. Error{not_found};
// Error{conflict} when a process drives a run that would lose something. One transaction.
Erased erase_episode(Store& store, std::string_view id);
// What erase_episode would take, without doing it.
Erased erase_preview(const Store& store, std::string_view id);

// At least one of before_ms and keep_best must be set: Error{usage}. Runs that may go on (running, stopped,
// failed) keep all their episodes; the result names them. Error{conflict} when a process drives one of the others.
Pruned prune(Store& store, const PrunePolicy& policy);

// Problems found, one sentence each; empty = fine. Reads everything, in time that grows with the store's size:
// file integrity, foreign keys, the text index word by word, vectors whole and of unit length, evidence ids,
// artifact hashes, content hashes, versions, and that the columns that queries use say what the rows say.
std::vector<std::string> verify(const Store& store);

// SHA-256 over the logical content (all but run statuses): equal before and after what must not change
// anything.
std::string content_hash(const Store& store);

struct Merged {
  std::int64_t added = 0, known = 0, conflicts = 0;
};

// Takes over everything of the store at `other` that is not here yet. Where the same id has another content
// on the other side, both are kept: theirs under a new id derived from its content, with "merged from" in the
// record kept for it; what names it is told so. Vectors that don't fit their scope here are left out. Repeating it
// adds nothing and finds no conflicts. One transaction.
Merged merge(Store& store, const std::filesystem::path& other);

}  // namespace hone
