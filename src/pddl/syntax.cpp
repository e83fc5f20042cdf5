#include "pddl/syntax.h"

namespace hone::pddl {

namespace {

constexpr int deepest = 200;
constexpr std::size_t most_bytes = std::size_t{64} << 20, longest_word = 256;

class Reader {
 public:
  Reader(std::string_view text, const Source& source) : text_(text), source_(source) {}

  Node list(int depth) {
    Node out;
    out.at = at_;
    if (depth > deepest) source_.refuse(at_, "brackets nested deeper than " + std::to_string(deepest));
    step();  // '('
    for (;;) {
      skip();
      if (end()) source_.fail(at_, "')' for the '(' at " + std::to_string(out.at.line) + ":" + std::to_string(out.at.column), "the end of the text");
      if (peek() == ')') break;
      out.items.push_back(peek() == '(' ? list(depth + 1) : word());
    }
    step();
    return out;
  }
  void skip() {
    while (!end()) {
      const char c = peek();
      if (c == ';') {
        while (!end() && peek() != '\n') step();
      } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == ',') {
        step();
      } else {
        return;
      }
    }
  }
  bool end() const { return i_ >= text_.size(); }
  char peek() const { return text_[i_]; }
  Place at() const { return at_; }

 private:
  void step() {
    if (text_[i_++] == '\n') ++at_.line, at_.column = 1;
    else ++at_.column;
  }
  Node word() {
    Node out;
    out.at = at_;
    while (!end()) {
      const char c = peek();
      if (c == '(' || c == ')' || c == ';' || c == ',' || c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f') break;
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) source_.fail(at_, "a name or a bracket", "byte " + std::to_string(static_cast<unsigned char>(c)));
      if (out.word.size() == longest_word) source_.fail(out.at, "a name of at most " + std::to_string(longest_word) + " bytes", "a longer one");
      out.word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      step();
    }
    return out;
  }

  std::string_view text_;
  const Source& source_;
  std::size_t i_ = 0;
  Place at_;
};

void show(const Node& node, std::string& out) {
  if (out.size() > 40) return;
  if (!node.is_list()) {
    out += node.word;
    return;
  }
  out += '(';
  for (std::size_t i = 0; i < node.items.size() && out.size() <= 40; ++i) {
    if (i > 0) out += ' ';
    show(node.items[i], out);
  }
  out += ')';
}

}  // namespace

void Source::refuse(Place at, const std::string& why) const {
  throw Error(Fault::bad_input, name_ + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) + ": " + why);
}
void Source::fail(Place at, const std::string& expected, const std::string& got) const { refuse(at, "expected " + expected + ", got " + got); }
void Source::fail(const Node& at, const std::string& expected) const { fail(at.at, expected, "'" + shown(at) + "'"); }

std::string shown(const Node& node) {
  std::string out;
  show(node, out);
  if (out.size() > 40) out = out.substr(0, 40) + "...";
  return out;
}

Node read_list(std::string_view text, const Source& source) {
  if (text.size() > most_bytes) source.refuse({}, "expected at most 64 MiB, got " + std::to_string(text.size()) + " bytes");
  Reader reader(text, source);
  reader.skip();
  if (reader.end()) source.fail(reader.at(), "'('", "the end of the text");
  if (reader.peek() != '(') source.fail(reader.at(), "'('", std::string("'") + reader.peek() + "'");
  Node out = reader.list(1);
  reader.skip();
  if (!reader.end()) source.fail(reader.at(), "the end of the text", std::string("'") + reader.peek() + "'");
  return out;
}

}  // namespace hone::pddl
