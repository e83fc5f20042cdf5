// What a reply may look like: GBNF, as given or made from a JSON schema. Nothing here prints, and no text crashes the process.
#pragma once

#include <string>
#include <string_view>

#include "core/model.h"
#include "models/llama/handle.h"
#include "wire/json.h"

namespace hone::llama {

// The grammar to use, empty for none: sampling.grammar, or made from json_schema. Error{bad_input}: also for what the made
// grammar would not enforce, naming it.
std::string grammar_of(const Sampling& sampling);
// Null for an empty grammar. Error{bad_input} with the reason for one that doesn't parse.
SamplerPtr make_grammar(const llama_vocab& vocab, const std::string& grammar);

// Error{bad_input} for what would overflow the parser's stack or be read as something else than it says. Pure.
void check_gbnf(std::string_view grammar);
// Error{bad_input} naming the place and keyword that the conversion would pass over. Pure.
void check_schema(const wire::Json& schema);

}  // namespace hone::llama
