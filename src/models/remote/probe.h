// What a server can do, found by asking for each thing once, with replies of a few tokens (they are paid for). Nothing is kept.
// A busy server (429, 5xx) is asked up to twice more, as long as it asks to wait a few seconds at most; once it stays busy, no more.
// After the first time-out whatever follows gets a few seconds each.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "models/remote/options.h"

namespace hone::remote {

struct Finding {
  std::string what;   // "reachable", "models", "chat", "completions", "streaming", "log-probabilities", "echo scoring", "JSON schema", "tools", "embeddings", "tokenize"
  std::string state;  // "yes", "no", "not tried"
  std::string note;   // what came, or the server's own words
};

// Always the same rows in the same order, each told to `found` as it comes. Error{usage} for a spec that is no address, Error{interrupted}
// when the thread's errand is to stop; everything else is a row.
std::vector<Finding> probe_server(const std::string& spec, RemoteOptions options, const std::function<void(const Finding&)>& found = {});
std::vector<std::string> probed();  // what the rows are about

// Whether a recipe can use it: it writes text or gives vectors.
bool useful(const std::vector<Finding>& findings);

}  // namespace hone::remote
