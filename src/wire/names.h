// Names of enum values, and lists, shared by the files of this room.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/read.h"

namespace hone::wire {

template <class E, std::size_t N>
using Names = std::array<std::pair<E, std::string_view>, N>;

template <class E, std::size_t N>
std::string_view name_of(const Names<E, N>& names, E value) {
  for (const auto& [e, name] : names)
    if (e == value) return name;
  throw Error(Fault::internal, "an enum value without a name");
}

template <class E, std::size_t N>
E read_enum(const Names<E, N>& names, const Json& json, const std::string& at) {
  std::string all;
  for (const auto& [e, name] : names) {
    if (json.is_string() && json.get_ref<const std::string&>() == name) return e;
    all += (all.empty() ? "" : ", ") + std::string(name);
  }
  expected(at, "one of " + all, json);
}

template <class E, std::size_t N>
void get_enum(const Fields& f, const char* name, const Names<E, N>& names, E& out) {
  if (const Json* j = f.find(name)) out = read_enum(names, *j, f.at(name));
}

inline Json strings(const std::vector<std::string>& texts) {
  Json json = Json::array();
  for (const auto& text : texts) json.push_back(valid_utf8(text));
  return json;
}

}  // namespace hone::wire
