#include "wire/text_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/error.h"

namespace hone {

namespace {
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }
}  // namespace

std::string read_text_file(const std::string& path) {
  std::error_code ec;
  const auto status = std::filesystem::status(path, ec);
  if (!std::filesystem::exists(status)) throw Error(Fault::usage, path + ": no such file");
  if (std::filesystem::is_directory(status)) throw Error(Fault::bad_input, path + ": expected a file, got a directory");
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error(Fault::io, path + ": can't be read: " + std::strerror(errno));
  std::ostringstream bytes;
  bytes << in.rdbuf();
  if (in.bad()) throw Error(Fault::io, path + ": reading failed: " + std::strerror(errno));
  return std::move(bytes).str();
}

std::string_view without_bom(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return text;
}

void require_utf8(std::string_view text, const std::string& name) {
  const std::string repaired = wire::valid_utf8(text);
  const auto bad = static_cast<std::size_t>(std::mismatch(text.begin(), text.end(), repaired.begin(), repaired.end()).first - text.begin());
  const std::size_t nul = text.find('\0');
  const std::size_t at = std::min(bad, nul);
  if (at >= text.size()) return;
  int line = 1;
  std::size_t line_start = 0;
  for (std::size_t i = 0; i < at; ++i)
    if (text[i] == '\n' || (text[i] == '\r' && text[i + 1] != '\n')) {
      ++line;
      line_start = i + 1;
    }
  throw Error(Fault::bad_input, name + ":" + std::to_string(line) + ":" + std::to_string(at - line_start + 1) + ": " +
                                    (at == nul ? "a NUL byte in a text file" : "not valid UTF-8 (save the file as UTF-8)"));
}

void for_each_json_line(std::string_view text, const std::string& name, const EachLine& each) {
  text = without_bom(text);
  require_utf8(text, name);
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view row = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (trimmed(row).empty()) continue;
    const std::string at = name + ":" + std::to_string(line);
    each(wire::parse(row, at), line, at);
  }
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool blank = static_cast<unsigned char>(c) <= ' ' || c == 0x7F;
    if (!blank) out += c;
    else if (!out.empty() && out.back() != ' ') out += ' ';
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

std::string clipped(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return wire::valid_utf8(text);
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U) --limit;
  return wire::valid_utf8(text.substr(0, limit)) + " ...";
}

}  // namespace hone
