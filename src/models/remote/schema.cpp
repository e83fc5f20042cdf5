#include "models/remote/schema.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace hone::remote {
namespace {

using wire::Json;

bool is_type(const Json& value, const std::string& type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "null") return value.is_null();
  if (type == "number") return value.is_number();
  if (type == "integer") return value.is_number_integer() || (value.is_number_float() && value.get<double>() == std::trunc(value.get<double>()));
  return true;
}

class Checker {
 public:
  explicit Checker(const Json& root) : root_(root) {}

  std::string check(const Json& value, const Json& schema, const std::string& at, int depth) const {
    if (schema.is_boolean()) return schema.get<bool>() ? "" : at + ": expected nothing";
    if (!schema.is_object() || depth > 64 || ++checks_ > most_checks) return {};
    if (const auto ref = schema.find("$ref"); ref != schema.end() && ref->is_string()) return follow(value, ref->get<std::string>(), at, depth);
    if (auto why = simple(value, schema, at); !why.empty()) return why;
    if (auto why = combined(value, schema, at, depth); !why.empty()) return why;
    if (value.is_object()) return object(value, schema, at, depth);
    if (value.is_array()) return array(value, schema, at, depth);
    return {};
  }

 private:
  std::string follow(const Json& value, const std::string& ref, const std::string& at, int depth) const {
    if (!ref.starts_with("#")) return {};
    try {
      return check(value, root_.at(Json::json_pointer(ref.substr(1))), at, depth + 1);
    } catch (const Json::exception&) {
      return {};
    }
  }

  static std::string simple(const Json& value, const Json& schema, const std::string& at) {
    if (const auto type = schema.find("type"); type != schema.end()) {
      const bool list = type->is_array();
      bool fits = !list && (!type->is_string() || is_type(value, type->get<std::string>()));
      if (list)
        for (const Json& one : *type) fits = fits || (one.is_string() && is_type(value, one.get<std::string>()));
      if (!fits) return at + ": expected " + wire::dump(*type) + ", got " + value.type_name();
    }
    if (const auto list = schema.find("enum"); list != schema.end() && list->is_array() && std::find(list->begin(), list->end(), value) == list->end())
      return at + ": expected one of " + wire::shortened(wire::dump(*list));
    if (const auto one = schema.find("const"); one != schema.end() && *one != value) return at + ": expected " + wire::shortened(wire::dump(*one));
    const auto bound = [&](const char* name, double size, bool least) {
      const auto limit = schema.find(name);
      if (limit == schema.end() || !limit->is_number()) return std::string();
      return (least ? size < limit->get<double>() : size > limit->get<double>()) ? at + ": breaks " + name + " " + wire::dump(*limit) : std::string();
    };
    std::string why;
    if (value.is_number()) why = bound("minimum", value.get<double>(), true) + bound("maximum", value.get<double>(), false);
    if (value.is_array()) why = bound("minItems", static_cast<double>(value.size()), true) + bound("maxItems", static_cast<double>(value.size()), false);
    if (value.is_string()) {
      const auto& text = value.get_ref<const std::string&>();
      const auto letters = static_cast<double>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
      why = bound("minLength", letters, true) + bound("maxLength", letters, false);
    }
    return why;
  }

  std::string combined(const Json& value, const Json& schema, const std::string& at, int depth) const {
    if (const auto all = schema.find("allOf"); all != schema.end() && all->is_array())
      for (const Json& one : *all)
        if (auto why = check(value, one, at, depth + 1); !why.empty()) return why;
    for (const char* name : {"anyOf", "oneOf"}) {
      const auto any = schema.find(name);
      if (any == schema.end() || !any->is_array() || any->empty()) continue;
      std::string first;
      bool fits = false;
      for (const Json& one : *any) {
        const std::string why = check(value, one, at, depth + 1);
        fits = fits || why.empty();
        if (first.empty()) first = why;
      }
      if (!fits) return first;
    }
    return {};
  }

  std::string object(const Json& value, const Json& schema, const std::string& at, int depth) const {
    if (const auto required = schema.find("required"); required != schema.end() && required->is_array())
      for (const Json& name : *required)
        if (name.is_string() && !value.contains(name.get<std::string>())) return at + ": lacks \"" + name.get<std::string>() + "\"";
    const auto known = schema.find("properties");
    const auto others = schema.find("additionalProperties");
    for (const auto& [name, member] : value.items()) {
      const Json* own = known != schema.end() && known->is_object() && known->contains(name) ? &(*known)[name] : nullptr;
      if (own == nullptr && others != schema.end()) {
        if (others->is_boolean() && !others->get<bool>()) return at + ": \"" + wire::shortened(name) + "\" is not expected";
        own = &*others;
      }
      if (own == nullptr) continue;
      if (auto why = check(member, *own, at + "." + wire::shortened(name), depth + 1); !why.empty()) return why;
    }
    return {};
  }

  std::string array(const Json& value, const Json& schema, const std::string& at, int depth) const {
    const auto items = schema.find("items");
    for (std::size_t i = 0; items != schema.end() && i < value.size(); ++i)
      if (auto why = check(value[i], *items, at + "[" + std::to_string(i) + "]", depth + 1); !why.empty()) return why;
    return {};
  }

  // A schema that refers to itself in two places asks for 2^depth checks; what is beyond these passes, as what is too deep does.
  static constexpr std::size_t most_checks = 1'000'000;
  const Json& root_;
  mutable std::size_t checks_ = 0;
};

}  // namespace

std::string misfit(const Json& value, const Json& schema, const std::string& at) { return Checker(schema).check(value, schema, at, 0); }

bool closed(const Json& schema) {
  if (schema.is_array()) return std::all_of(schema.begin(), schema.end(), [](const Json& one) { return closed(one); });
  if (!schema.is_object()) return true;
  if (const auto properties = schema.find("properties"); properties != schema.end() && properties->is_object()) {
    const auto others = schema.find("additionalProperties");
    const auto required = schema.find("required");
    if (others == schema.end() || *others != false || required == schema.end() || !required->is_array()) return false;
    for (const auto& [name, member] : properties->items())
      if (std::find(required->begin(), required->end(), Json(name)) == required->end()) return false;
  } else if (const auto type = schema.find("type"); type != schema.end() && *type == "object") {
    return false;
  }
  for (const auto& [name, member] : schema.items()) {
    if (name == "enum" || name == "const" || name == "default" || name == "required" || name == "type") continue;
    if (name == "properties" || name == "$defs" || name == "definitions") {
      for (const auto& [key, one] : member.items())
        if (!closed(one)) return false;
    } else if (!closed(member)) {
      return false;
    }
  }
  return true;
}

std::string json_part(const std::string& text) {
  std::size_t begin = text.find_first_of("{[");
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '\\') ++i;
    else if (c == '"') quoted = !quoted;
    else if (!quoted && (c == '{' || c == '[')) ++depth;
    else if (!quoted && (c == '}' || c == ']') && --depth == 0) {
      std::string part = text.substr(begin, i + 1 - begin);
      if (Json::accept(part)) return part;
      begin = text.find_first_of("{[", i + 1);
      if (begin == std::string::npos) break;
      i = begin - 1;
    }
  }
  return text;
}

}  // namespace hone::remote
