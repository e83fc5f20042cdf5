// What a server can do, found by asking for each thing once, with replies of a few tokens (they are paid for). Nothing is kept.
#pragma once

#include <string>
#include <vector>

#include "models/remote/options.h"

namespace hone::remote {

struct Finding {
  std::string what;   // "reachable", "models", "chat", "completions", "streaming", "log-probabilities", "echo scoring", "JSON schema", "tools", "embeddings", "tokenize"
  std::string state;  // "yes", "no", "not tried"
  std::string note;   // what came, or the server's own words
};

// Always the same rows in the same order. Error{usage} for a spec that is no address; everything else is a row.
std::vector<Finding> probe_server(const std::string& spec, RemoteOptions options);

// Whether a recipe can use it: it writes text or gives vectors.
bool useful(const std::vector<Finding>& findings);

}  // namespace hone::remote
