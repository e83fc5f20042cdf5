// The bracketed form PDDL is written in. Names are case-insensitive and come out in lower case; ';' starts a comment. Commas count
// as white space (the ALFRED domain writes them between variables).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace hone::pddl {

struct Place {
  int line = 1, column = 1;
};

// A word, or a list of nodes.
struct Node {
  std::string word;  // empty for a list
  std::vector<Node> items;
  Place at;
  bool is_list() const { return word.empty(); }
};

// Where errors point: "domain.pddl:3:14: expected ..., got ...".
class Source {
 public:
  explicit Source(std::string name) : name_(std::move(name)) {}
  [[noreturn]] void fail(Place at, const std::string& expected, const std::string& got) const;
  [[noreturn]] void fail(const Node& at, const std::string& expected) const;  // got = the node itself, shortened
  [[noreturn]] void refuse(Place at, const std::string& why) const;
  const std::string& name() const { return name_; }

 private:
  std::string name_;
};

// The one list that the text holds. Throws Error{bad_input} with line and column (both from 1; columns count bytes): brackets that don't match,
// more than one list, nesting deeper than 200, words longer than 256 bytes, control characters, more than 64 MiB.
Node read_list(std::string_view text, const Source& source);

// A node as text, cut at about 40 bytes.
std::string shown(const Node& node);

}  // namespace hone::pddl
