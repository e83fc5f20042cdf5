// The basics of JSON Schema, for replies of servers that can't be held to a schema. Pure.
#pragma once

#include <string>

#include "wire/json.h"

namespace hone::remote {

// Empty when the value fits; else where and why: "reply.items[2].name: expected a string". Checked: type, enum, const,
// properties, required, additionalProperties (false or a schema), items, minItems, maxItems, minLength, maxLength, minimum, maximum,
// anyOf, oneOf (as anyOf), allOf, $ref within the schema. Other keywords are passed over.
std::string misfit(const wire::Json& value, const wire::Json& schema, const std::string& at = "reply");

// Whether OpenAI's strict mode takes it: every object lists all its properties as required and allows no others.
bool closed(const wire::Json& schema);

// The JSON in a reply that may have words or a code fence around it; the reply itself when no object or list is found.
std::string json_part(const std::string& text);

}  // namespace hone::remote
