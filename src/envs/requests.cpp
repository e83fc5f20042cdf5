#include "envs/requests.h"

#include <algorithm>

#include "core/config.h"
#include "core/error.h"
#include "envs/csv.h"
#include "wire/json.h"
#include "wire/text_file.h"

namespace hone {

namespace {

bool is_jsonl(std::string_view name) { return name.ends_with(".jsonl") || name.ends_with(".ndjson"); }

std::size_t column_of(const CsvTable& table, const std::string& field, const std::string& name) {
  const auto it = std::find(table.header.begin(), table.header.end(), field);
  if (it == table.header.end()) throw Error(Fault::bad_input, unknown_name("field", field, table.header, name + ":1").what());
  return static_cast<std::size_t>(it - table.header.begin());
}

std::string json_field(const wire::Json& object, const std::string& field, const std::string& at) {
  if (!object.is_object()) throw Error(Fault::bad_input, at + ": expected an object, got " + object.type_name());
  const auto it = object.find(field);
  if (it == object.end()) {
    std::vector<std::string> known;
    for (const auto& [key, value] : object.items()) known.push_back(key);
    throw Error(Fault::bad_input, unknown_name("field", field, known, at).what());
  }
  if (!it->is_string()) throw Error(Fault::bad_input, at + ": " + field + ": expected a string, got " + it->type_name());
  return it->get<std::string>();
}

std::vector<LabelledText> from_csv(std::string_view text, const std::string& name, const RequestFields& fields) {
  CsvTable table = parse_csv(text, name);
  for (auto& h : table.header) h = trimmed(h);
  const auto t = column_of(table, fields.text, name), l = column_of(table, fields.label, name);
  std::vector<LabelledText> out;
  out.reserve(table.rows.size());
  for (auto& row : table.rows) out.push_back({std::move(row.fields[t]), std::move(row.fields[l]), row.line});
  return out;
}

std::vector<LabelledText> from_jsonl(std::string_view text, const std::string& name, const RequestFields& fields) {
  std::vector<LabelledText> out;
  for_each_json_line(text, name, [&](const wire::Json& object, int line, const std::string& at) {
    out.push_back({json_field(object, fields.text, at), json_field(object, fields.label, at), line});
  });
  return out;
}

}  // namespace

std::string normalised(std::string_view text) {
  std::string out;
  bool gap = false;
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || u >= 0x80;
    if (!letter) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out += ' ';
    gap = false;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out.empty() ? std::string(trimmed(text)) : out;  // "???" and "!!!" stay two
}

std::string shown_label(std::string_view label) {
  std::string out;
  bool gap = false;
  for (const char c : label) {
    if (c == '_' || static_cast<unsigned char>(c) <= ' ' || c == 0x7F) {
      gap = true;
      continue;
    }
    if (gap && !out.empty()) out += ' ';
    gap = false;
    out += c;
  }
  return out;
}

std::vector<LabelledText> parse_requests(std::string_view text, const std::string& name, const RequestFields& fields) {
  auto rows = is_jsonl(name) ? from_jsonl(text, name, fields) : from_csv(text, name, fields);
  for (auto& row : rows) {
    row.text = trimmed(row.text);
    row.label = shown_label(row.label);
    const std::string at = name + ":" + std::to_string(row.line) + ": field '";
    if (row.text.empty()) throw Error(Fault::bad_input, at + fields.text + "': expected a text, got nothing");
    if (row.label.empty()) throw Error(Fault::bad_input, at + fields.label + "': expected the name of a queue, got nothing");
  }
  return rows;
}

std::vector<LabelledText> read_requests(const std::string& path, const RequestFields& fields) {
  return parse_requests(read_text_file(path), path, fields);
}

}  // namespace hone
