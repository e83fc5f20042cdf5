// JSON forms of the core types: the one place that names their fields for the outside (store columns, JSONL export, line
// protocol, events). Reading checks every field and throws Error{bad_input} with the path to it: "episode.steps[3].reward:
// expected a number, got string". Unknown fields are ignored, so that newer writers can be read. Text that is not valid UTF-8
// is repaired on writing (each bad byte becomes U+FFFD).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/episode.h"
#include "core/lesson.h"

namespace hone::wire {

using Json = nlohmann::ordered_json;  // keeps the order of fields, so that equal values give equal bytes

Json to_json(const Task& value);
Json to_json(const Observation& value);
Json to_json(const Usage& value);
Json to_json(const Sampling& value);
Json to_json(const Trace& value);
Json to_json(const Message& value);
Json to_json(const Move& value);
Json to_json(const Step& value);
Json to_json(const Stamp& value);
Json to_json(const Generation& value);
Json to_json(const Episode& value);
Json to_json(const Lesson& value);
Json to_json(const Metrics& value);

// `at` starts the path in error messages, e.g. "chats.jsonl:12: episode".
Task task_from_json(const Json& json, const std::string& at);
Observation observation_from_json(const Json& json, const std::string& at);
Usage usage_from_json(const Json& json, const std::string& at);
Trace trace_from_json(const Json& json, const std::string& at);
Message message_from_json(const Json& json, const std::string& at);
Move move_from_json(const Json& json, const std::string& at);
Step step_from_json(const Json& json, const std::string& at);
Stamp stamp_from_json(const Json& json, const std::string& at);
Generation generation_from_json(const Json& json, const std::string& at);
Episode episode_from_json(const Json& json, const std::string& at);
Lesson lesson_from_json(const Json& json, const std::string& at);

std::string_view to_string(Ending ending);      // "terminal", "cut_off", "fault"
std::string_view to_string(RecallKey key);      // "task", "thought", ...
std::string_view to_string(LessonUse::How how);

// One line, no line breaks inside; invalid UTF-8 repaired.
std::string dump(const Json& json);
// Parses text; the error names `at` and the byte. At most 256 levels, and 10,000 keys in one object.
Json parse(std::string_view text, const std::string& at);
// A copy with every byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string valid_utf8(std::string_view text);
// The same, cut to about 120 bytes: what came from outside, for an error message.
std::string shortened(std::string_view text);

}  // namespace hone::wire
