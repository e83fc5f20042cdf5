#include "wire/read.h"

#include <charconv>
#include <cmath>

namespace hone::wire {

void expected(const std::string& at, std::string_view what, const Json& got) {
  std::string came = got.type_name();
  if (got.is_number() || got.is_boolean()) came += " " + dump(got);
  if (got.is_string()) {
    const auto& text = got.get_ref<const std::string&>();
    came += " \"" + valid_utf8(text.substr(0, 40)) + (text.size() > 40 ? "...\"" : "\"");
  }
  throw Error(Fault::bad_input, at + ": expected " + std::string(what) + ", got " + came);
}

std::string read_string(const Json& json, const std::string& at) {
  if (!json.is_string()) expected(at, "a string", json);
  return json.get<std::string>();
}

bool read_bool(const Json& json, const std::string& at) {
  if (!json.is_boolean()) expected(at, "true or false", json);
  return json.get<bool>();
}

double read_double(const Json& json, const std::string& at) {
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) {
    const auto& text = json.get_ref<const std::string&>();
    if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (text == "inf") return std::numeric_limits<double>::infinity();
    if (text == "-inf") return -std::numeric_limits<double>::infinity();
  }
  expected(at, "a number", json);
}

std::int64_t read_int(const Json& json, const std::string& at, std::int64_t min, std::int64_t max) {
  const auto fits = [&](std::int64_t value) { return value >= min && value <= max; };
  if (json.is_number_unsigned()) {
    const auto value = json.get<std::uint64_t>();
    if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) &&
        fits(static_cast<std::int64_t>(value)))
      return static_cast<std::int64_t>(value);
  } else if (json.is_number_integer() && fits(json.get<std::int64_t>())) {
    return json.get<std::int64_t>();
  }
  expected(at, "a whole number from " + std::to_string(min) + " to " + std::to_string(max), json);
}

std::uint64_t read_uint64(const Json& json, const std::string& at) {
  if (json.is_number_unsigned()) return json.get<std::uint64_t>();
  if (json.is_number_integer() && json.get<std::int64_t>() >= 0)
    return static_cast<std::uint64_t>(json.get<std::int64_t>());
  expected(at, "a whole number, 0 or more", json);
}

std::vector<std::string> read_strings(const Json& json, const std::string& at) {
  return Fields::elements<std::string>(json, at, read_string);
}

Json number(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

Json number(float value) {
  if (!std::isfinite(value)) return number(static_cast<double>(value));
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double shortest = 0.0;
  std::from_chars(text, end, shortest);
  return static_cast<float>(shortest) == value ? shortest : static_cast<double>(value);
}

Fields::Fields(const Json& json, std::string at) : json_(json), at_(std::move(at)) {
  if (!json.is_object()) expected(at_, "an object", json);
}

const Json* Fields::find(const char* name) const {
  const auto it = json_.find(name);
  return it == json_.end() ? nullptr : &*it;
}

const Json& Fields::required(const char* name) const {
  const Json* json = find(name);
  if (json == nullptr) throw Error(Fault::bad_input, at(name) + ": missing");
  return *json;
}

void Fields::get(const char* name, int& out) const {
  if (const Json* j = find(name))
    out = static_cast<int>(
        read_int(*j, at(name), std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

}  // namespace hone::wire
