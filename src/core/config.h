// Configuration is a small struct beside its user with one visit(v, config) that names every field once:
//
//   struct DeskConfig { int tries = 1; };
//   template <class V> void visit(V& v, DeskConfig& c) { v.field("tries", c.tries, "routes allowed per request", {.min = 1, .max = 50}); }
//
// From that list come reading (with file and line in every error), help texts and the catalogue.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/error.h"

namespace hone {

// One value as written by a person, and where: "recipes/a.yaml:12" or "--set env.tries".
struct Setting {
  std::vector<std::string> values;  // a scalar has one
  bool list = false;
  std::string where;
};
using Settings = std::map<std::string, Setting>;

Settings settings(std::initializer_list<std::pair<std::string, std::string>> scalars);  // for tests and defaults

struct FieldDoc {
  std::string name, type, standard, range, doc;
};

struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
};

// The closest of `names` to `name` by edit distance, or empty when none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& names);
// "unknown X 'foo' ...; did you mean 'fob'? known: a, b, c"
Error unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& names, std::string_view where = {});

namespace config_detail {
void parse(const std::string& text, bool& out);
void parse(const std::string& text, int& out);
void parse(const std::string& text, std::int64_t& out);
void parse(const std::string& text, std::uint64_t& out);
void parse(const std::string& text, double& out);
void parse(const std::string& text, std::string& out);
std::string show(bool v);
std::string show(int v);
std::string show(std::int64_t v);
std::string show(std::uint64_t v);
std::string show(double v);
std::string show(const std::string& v);
std::string type_name(const bool&);
std::string type_name(const int&);
std::string type_name(const std::int64_t&);
std::string type_name(const std::uint64_t&);
std::string type_name(const double&);
std::string type_name(const std::string&);
std::string range_text(Range range);
void check_range(double value, Range range, const std::string& text);
Error misfit(const Setting& setting, std::string_view name, const std::string& why);
}  // namespace config_detail

template <class E>
using EnumNames = std::vector<std::pair<std::string, E>>;

class ConfigReader {
 public:
  explicit ConfigReader(const Settings& settings) : settings_(settings) {}

  template <class T>
  void field(const char* name, T& value, const char* /*doc*/, Range range = {}) {
    const Setting* s = take(name);
    if (s == nullptr) return;
    try {
      scalar(*s, name);
      T parsed{};
      config_detail::parse(s->values[0], parsed);
      if constexpr (!std::is_same_v<T, std::string> && !std::is_same_v<T, bool>)
        config_detail::check_range(static_cast<double>(parsed), range, s->values[0]);
      value = parsed;
    } catch (const Error& e) {
      throw config_detail::misfit(*s, name, e.what());
    }
  }
  void field(const char* name, std::vector<std::string>& value, const char* /*doc*/, Range = {}) {
    if (const Setting* s = take(name)) value = s->values;
  }
  template <class E>
  void choice(const char* name, E& value, const EnumNames<E>& names, const char* /*doc*/) {
    const Setting* s = take(name);
    if (s == nullptr) return;
    std::vector<std::string> known;
    for (const auto& [n, e] : names) {
      known.push_back(n);
      if (s->values.size() == 1 && s->values[0] == n) {
        value = e;
        return;
      }
    }
    throw config_detail::misfit(*s, name, unknown_name("value", s->values.empty() ? "" : s->values[0], known).what());
  }
  void finish() const;  // throws for settings that no field took

 private:
  const Setting* take(const char* name);
  static void scalar(const Setting& s, const char* name);
  const Settings& settings_;
  std::vector<std::string> known_;
};

class ConfigDocs {
 public:
  template <class T>
  void field(const char* name, T& value, const char* doc, Range range = {}) {
    docs.push_back({name, config_detail::type_name(value), config_detail::show(value), config_detail::range_text(range), doc});
  }
  void field(const char* name, std::vector<std::string>& value, const char* doc, Range = {});
  template <class E>
  void choice(const char* name, E& value, const EnumNames<E>& names, const char* doc) {
    std::string now, all;
    for (const auto& [n, e] : names) {
      if (e == value) now = n;
      all += (all.empty() ? "" : " | ") + n;
    }
    docs.push_back({name, "choice", now, all, doc});
  }
  std::vector<FieldDoc> docs;
};

// Overload validate(const Config&) beside a config for what spans fields; throws Error{bad_input}.
template <class C>
C read_config(const Settings& given, C config = {}) {
  ConfigReader reader(given);
  visit(reader, config);
  reader.finish();
  if constexpr (requires { validate(config); }) validate(config);
  return config;
}

template <class C>
std::vector<FieldDoc> describe_config() {
  ConfigDocs docs;
  C config{};
  visit(docs, config);
  return docs.docs;
}

}  // namespace hone
