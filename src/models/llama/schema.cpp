// llama.cpp's converter passes over what a grammar can't hold of a JSON schema, and the replies would be free where the
// schema is not. So this walks the schema as the converter does and refuses what it would not enforce. What only says more than
// a keyword has to (a "format" it doesn't know) or is no keyword may stand.
#include <algorithm>
#include <set>

#include "core/error.h"
#include "models/llama/grammar.h"

namespace hone::llama {
namespace {

using wire::Json;
using Words = std::initializer_list<std::string_view>;

constexpr std::size_t most_name = 1000;  // bytes of a property's name or a reference: the converter's regular expressions recurse
constexpr std::int64_t most_count = 2000;

// Every keyword that restricts.
constexpr std::string_view restricting[] = {"$ref", "$dynamicRef", "oneOf", "anyOf", "allOf", "not", "if", "type", "const", "enum", "properties", "required",
    "additionalProperties", "patternProperties", "propertyNames", "minProperties", "maxProperties", "dependencies", "dependentRequired",
    "dependentSchemas", "unevaluatedProperties", "items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems", "contains",
    "unevaluatedItems", "pattern", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"};

class Check {
 public:
  explicit Check(const Json& root) : root_(root) {}

  // What is malformed is left to the converter, which says so.
  void node(const Json& s, const std::string& at) {
    if (!s.is_object()) return;
    none(s, at, {"not", "if", "$dynamicRef", "dependencies", "dependentRequired", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems"});
    if (s.contains("$ref")) return reference(s, at);
    for (const char* key : {"oneOf", "anyOf"})
      if (s.contains(key)) {
        only(s, at, {key});
        return list(s[key], at + "/" + key);
      }
    const Json type = s.value("type", Json());
    if (type.is_array()) {
      for (const Json& one : type) {
        Json alone = s;
        alone["type"] = one;
        if (one.is_string()) node(alone, at);
      }
      return;
    }
    for (const char* key : {"const", "enum"})
      if (s.contains(key)) return only(s, at, {key, "type"});
    typed(s, type.is_string() ? type.get<std::string>() : "", at);
  }

 private:
  [[noreturn]] static void refuse(const std::string& at, const std::string& what) {
    throw Error(Fault::bad_input, "sampling: json_schema: " + at + ": " + what);
  }
  static void none(const Json& s, const std::string& at, Words words) {
    for (const std::string_view word : words)
      if (s.contains(word)) refuse(at, "a grammar can't enforce \"" + std::string(word) + "\" here: leave it out and check the reply for it");
  }
  static void only(const Json& s, const std::string& at, Words kept) {
    for (const std::string_view word : restricting)
      if (std::find(kept.begin(), kept.end(), word) == kept.end()) none(s, at, {word});
  }
  static void counts(const Json& s, const std::string& at, Words words) {
    for (const std::string_view word : words)
      if (s.contains(word) && s[std::string(word)].is_number() && s[std::string(word)].get<double>() > static_cast<double>(most_count))
        refuse(at, "\"" + std::string(word) + "\": expected at most " + std::to_string(most_count) + ", got " + s[std::string(word)].dump());
  }

  void list(const Json& nodes, const std::string& at) {
    if (nodes.is_array())
      for (std::size_t i = 0; i < nodes.size(); ++i) node(nodes[i], at + "/" + std::to_string(i));
  }

  const Json* target(const Json& ref) const {
    if (!ref.is_string()) return nullptr;
    const auto& text = ref.get_ref<const std::string&>();
    if (text.size() > most_name) refuse("$ref", "expected at most " + std::to_string(most_name) + " bytes, got " + std::to_string(text.size()));
    try {
      if (text.starts_with("#/")) return &root_.at(Json::json_pointer(text.substr(1)));
    } catch (const Json::exception&) {  // the converter's to refuse
    }
    return nullptr;
  }
  void reference(const Json& s, const std::string& at) {
    only(s, at, {"$ref"});
    const Json* there = target(s["$ref"]);
    if (there != nullptr && seen_.insert(there).second) node(*there, s["$ref"].get<std::string>());
  }

  // The converter joins objects' properties and intersects enums; other members it forgets.
  void all_of(const Json& s, const std::string& at) {
    only(s, at, {"allOf", "type"});
    for (const Json& member : s["allOf"]) {
      const Json* one = &member;
      for (int i = 0; i < 100 && one != nullptr && one->is_object() && one->contains("$ref"); ++i) one = target((*one)["$ref"]);
      if (one != nullptr && one->is_object() && !one->contains("properties") && !one->contains("enum") && !one->contains("anyOf"))
        refuse(at + "/allOf", "expected objects with \"properties\" or enums, got " + one->dump().substr(0, 100));
    }
    list(s["allOf"], at + "/allOf");
  }

  void object(const Json& s, const std::string& at) {
    none(s, at, {"allOf", "patternProperties", "propertyNames", "minProperties", "maxProperties"});
    const Json properties = s.value("properties", Json::object());
    if (s.contains("required") && s["required"].is_array() && properties.is_object())
      for (const Json& name : s["required"])
        if (name.is_string() && !properties.contains(name.get<std::string>()))
          refuse(at, "\"required\" names \"" + name.get<std::string>() + "\", which \"properties\" lacks");
    if (properties.is_object())
      for (const auto& [name, value] : properties.items()) {
        if (name.size() > most_name) refuse(at, "expected property names of at most " + std::to_string(most_name) + " bytes, got " + std::to_string(name.size()));
        node(value, at + "/properties/" + name);
      }
    if (s.contains("additionalProperties")) node(s["additionalProperties"], at + "/additionalProperties");
  }

  void array(const Json& s, const std::string& at) {
    none(s, at, {"allOf", "contains", "additionalItems"});
    if (s.contains("uniqueItems") && s["uniqueItems"] != false) none(s, at, {"uniqueItems"});
    if (s.contains("items") && s.contains("prefixItems")) none(s, at, {"prefixItems"});
    counts(s, at, {"minItems", "maxItems"});
    for (const char* key : {"items", "prefixItems"}) {
      if (!s.contains(key)) continue;
      if (s[key].is_array()) {  // becomes a list of exactly that many
        if (s.value("minItems", Json(0)) > s[key].size()) none(s, at, {"minItems"});
        if (s.value("maxItems", Json(s[key].size())) < s[key].size()) none(s, at, {"maxItems"});
      }
      list(s[key], at + "/" + key);
      node(s[key], at + "/" + key);
    }
  }

  void string(const Json& s, const std::string& at) {
    static const std::set<std::string> known{"date", "time", "date-time", "uuid", "uuid1", "uuid2", "uuid3", "uuid4", "uuid5"};
    const bool format = s.contains("format") && s["format"].is_string() && known.contains(s["format"].get<std::string>());
    if (s.contains("pattern") || format) none(s, at, {"minLength", "maxLength"});
    if (s.contains("pattern") && format) none(s, at, {"format"});
    counts(s, at, {"minLength", "maxLength"});
  }

  void typed(const Json& s, const std::string& type, const std::string& at) {
    const bool properties = s.contains("properties") || (s.contains("additionalProperties") && s["additionalProperties"] != true);
    if (s.contains("allOf") && ((type.empty() && !properties) || (type == "object" && !properties) || type == "string")) return all_of(s, at);
    if (type == "object" || (type.empty() && properties)) return object(s, at);
    if (type == "array" || (type.empty() && (s.contains("items") || s.contains("prefixItems")))) return array(s, at);
    if (type == "string") return string(s, at);
    none(s, at, {"allOf"});
    if (type == "integer") {
      none(s, at, {"multipleOf"});
      if (s.contains("minimum")) none(s, at, {"exclusiveMinimum"});
      if (s.contains("maximum")) none(s, at, {"exclusiveMaximum"});
    } else if (type == "number") {
      none(s, at, {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"});
    } else if (type.empty()) {
      const bool text = s.contains("pattern") || s.contains("minLength") || s.contains("maxLength") || s.contains("format");
      if (text) string(s, at);
      only(s, at, text ? Words{"pattern", "minLength", "maxLength"} : Words{"type"});
    }
  }

  const Json& root_;
  std::set<const Json*> seen_;  // references end in cycles
};

}  // namespace

void check_schema(const Json& schema) { Check(schema).node(schema, "#"); }

}  // namespace hone::llama
