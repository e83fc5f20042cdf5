#include "core/config.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

namespace hone {

Settings settings(std::initializer_list<std::pair<std::string, std::string>> scalars) {
  Settings out;
  for (const auto& [name, value] : scalars) out[name] = Setting{{value}, false, ""};
  return out;
}

namespace {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t up = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      diagonal = up;
    }
  }
  return row[b.size()];
}

template <class T>
void parse_number(const std::string& text, T& out, const char* expected) {
  const char* end = text.data() + text.size();
  const auto [p, ec] = std::from_chars(text.data(), end, out);
  if (ec != std::errc() || p != end) throw Error(Fault::bad_input, std::string("expected ") + expected + ", got '" + excerpt(text) + "'");
}

}  // namespace

std::string nearest_name(std::string_view name, const std::vector<std::string>& names) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (const auto& n : names) {
    const auto d = edit_distance(name, n);
    if (d < best_distance) {
      best_distance = d;
      best = n;
    }
  }
  return best;
}

Error unknown_name(std::string_view what, std::string_view name, const std::vector<std::string>& names, std::string_view where) {
  std::ostringstream s;
  if (!where.empty()) s << where << ": ";
  s << "unknown " << what << " '" << excerpt(name) << "'";
  if (const auto near = nearest_name(name, names); !near.empty()) s << "; did you mean '" << excerpt(near) << "'?";
  constexpr std::size_t most = 1200;  // bytes: a file may have thousands of fields
  std::string known;
  std::size_t i = 0;
  for (; i < names.size() && known.size() < most; ++i) known += std::string(i == 0 ? " " : ", ") + excerpt(names[i]);
  s << " (known:" << known;
  if (i < names.size()) s << " and " << names.size() - i << " more";
  s << ")";
  return Error(Fault::usage, s.str());
}

namespace config_detail {

void parse(const std::string& text, bool& out) {
  if (text == "true" || text == "yes" || text == "on" || text == "1") out = true;
  else if (text == "false" || text == "no" || text == "off" || text == "0") out = false;
  else throw Error(Fault::bad_input, "expected true or false, got '" + excerpt(text) + "'");
}
void parse(const std::string& text, int& out) { parse_number(text, out, "a whole number"); }
void parse(const std::string& text, std::int64_t& out) { parse_number(text, out, "a whole number"); }
void parse(const std::string& text, std::uint64_t& out) { parse_number(text, out, "a whole number of at least 0"); }
void parse(const std::string& text, double& out) {
  parse_number(text, out, "a number");
  if (!std::isfinite(out)) throw Error(Fault::bad_input, "expected a finite number, got '" + excerpt(text) + "'");
}
void parse(const std::string& text, std::string& out) { out = text; }

std::string show(bool v) { return v ? "true" : "false"; }
std::string show(int v) { return std::to_string(v); }
std::string show(std::int64_t v) { return std::to_string(v); }
std::string show(std::uint64_t v) { return std::to_string(v); }
std::string show(double v) {
  char buffer[32];
  const auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, v);
  return ec == std::errc() ? std::string(buffer, end) : std::string("?");
}
std::string show(const std::string& v) { return v; }

std::string type_name(const bool&) { return "true | false"; }
std::string type_name(const int&) { return "whole number"; }
std::string type_name(const std::int64_t&) { return "whole number"; }
std::string type_name(const std::uint64_t&) { return "whole number"; }
std::string type_name(const double&) { return "number"; }
std::string type_name(const std::string&) { return "text"; }

std::string range_text(Range range) {
  const bool low = std::isfinite(range.min), high = std::isfinite(range.max);
  if (low && high) return show(range.min) + " to " + show(range.max);
  if (low) return "at least " + show(range.min);
  if (high) return "at most " + show(range.max);
  return {};
}

void check_range(double value, Range range, const std::string& text) {
  if (value < range.min || value > range.max)
    throw Error(Fault::bad_input, "expected " + range_text(range) + ", got " + excerpt(text));
}

Error misfit(const Setting& setting, std::string_view name, const std::string& why) {
  std::string at = setting.where.empty() ? "" : setting.where + ": ";
  return Error(Fault::bad_input, at + "field '" + std::string(name) + "': " + why);
}

}  // namespace config_detail

const Setting* ConfigReader::take(const char* name) {
  known_.emplace_back(name);
  const auto it = settings_.find(name);
  return it == settings_.end() ? nullptr : &it->second;
}

void ConfigReader::scalar(const Setting& s, const char*) {
  if (s.list || s.values.size() != 1) throw Error(Fault::bad_input, "expected one value, got a list");
}

void ConfigReader::finish() const {
  for (const auto& [name, setting] : settings_)
    if (std::find(known_.begin(), known_.end(), name) == known_.end())
      throw Error(Fault::bad_input, unknown_name("setting", name, known_, setting.where).what());
}

void ConfigDocs::field(const char* name, std::vector<std::string>& value, const char* doc, Range) {
  std::string shown;
  for (const auto& v : value) shown += (shown.empty() ? "" : ", ") + v;
  docs.push_back({name, "list of text", shown, "", doc});
}

}  // namespace hone
