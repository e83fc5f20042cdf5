// Reading JSON with a path in every error. For the rooms' own records; core types have their forms in json.h.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "wire/json.h"

namespace hone::wire {

// Error{bad_input} "at: expected what, got <type of json>".
[[noreturn]] void expected(const std::string& at, std::string_view what, const Json& got);

// Each checks the type and range and throws `expected`. Numbers that JSON lacks are the strings "nan", "inf",
// "-inf".
std::string read_string(const Json& json, const std::string& at);
bool read_bool(const Json& json, const std::string& at);
double read_double(const Json& json, const std::string& at);
std::int64_t read_int(const Json& json, const std::string& at,
                      std::int64_t min = std::numeric_limits<std::int64_t>::min(),
                      std::int64_t max = std::numeric_limits<std::int64_t>::max());
std::uint64_t read_uint64(const Json& json, const std::string& at);
std::vector<std::string> read_strings(const Json& json, const std::string& at);
// What a double or float becomes in JSON: shortest text that reads back as the same value.
Json number(double value);
Json number(float value);

// The fields of one object. `get` fills its target and leaves it alone when the field is absent; `need`
// throws then.
class Fields {
 public:
  Fields(const Json& json, std::string at);
  const Json* find(const char* name) const;  // null when absent
  std::string at(const char* name) const { return at_ + "." + name; }

  void get(const char* name, std::string& out) const {
    if (const Json* j = find(name)) out = read_string(*j, at(name));
  }
  void get(const char* name, bool& out) const {
    if (const Json* j = find(name)) out = read_bool(*j, at(name));
  }
  void get(const char* name, double& out) const {
    if (const Json* j = find(name)) out = read_double(*j, at(name));
  }
  void get(const char* name, float& out) const {
    if (const Json* j = find(name)) out = static_cast<float>(read_double(*j, at(name)));
  }
  void get(const char* name, std::int64_t& out) const {
    if (const Json* j = find(name)) out = read_int(*j, at(name));
  }
  void get(const char* name, int& out) const;
  void get(const char* name, std::uint64_t& out) const {
    if (const Json* j = find(name)) out = read_uint64(*j, at(name));
  }
  void get(const char* name, std::vector<std::string>& out) const {
    if (const Json* j = find(name)) out = read_strings(*j, at(name));
  }
  // Any list, each element read by `read(json, path)`.
  template <class T, class Read>
  void list(const char* name, std::vector<T>& out, Read read) const {
    if (const Json* j = find(name)) out = elements<T>(*j, at(name), read);
  }
  template <class T>
  void need(const char* name, T& out) const {
    required(name);
    get(name, out);
  }
  const Json& required(const char* name) const;  // throws when absent

  template <class T, class Read>
  static std::vector<T> elements(const Json& json, const std::string& at, Read read) {
    if (!json.is_array()) expected(at, "a list", json);
    std::vector<T> out;
    out.reserve(json.size());
    for (std::size_t i = 0; i < json.size(); ++i)
      out.push_back(static_cast<T>(read(json[i], at + "[" + std::to_string(i) + "]")));
    return out;
  }

 private:
  const Json& json_;
  std::string at_;
};

}  // namespace hone::wire
