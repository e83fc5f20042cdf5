#include <gtest/gtest.h>

#include "agents/react.h"

namespace hone {
namespace {

struct Vector {
  const char* line;
  ReactLine::Kind kind;
  const char* text;
};

TEST(ReactLine, ParsesByTheRules) {
  for (const Vector& v : std::vector<Vector>{
           {"Action: go north", ReactLine::action, "go north"},
           {"Action 3: Search[Paris", ReactLine::action, "Search[Paris]"},
           {"  action go north ", ReactLine::action, "go north"},
           {"> Action: open box 2", ReactLine::action, "open box 2"},
           {"Action:", ReactLine::invalid, ""},
           {"Queue: gift card", ReactLine::action, "gift card"},
           {"queue 2: gift card", ReactLine::action, "gift card"},
           {"Queue up for the bus", ReactLine::thought, "Queue up for the bus"},
           {"Thought: Search[x] may help", ReactLine::thought, "Search[x] may help"},
           {"> think: I need a key", ReactLine::thought, "I need a key"},
           {"Thought 2: I need a key", ReactLine::thought, "I need a key"},
           {"Actions speak louder", ReactLine::thought, "Actions speak louder"},
           {"Actionable idea: look", ReactLine::thought, "Actionable idea: look"},
           {"thinking about it", ReactLine::thought, "thinking about it"},
           {"I will Search[Paris] now", ReactLine::action, "Search[Paris]"},
           {"Finish[yes", ReactLine::action, "Finish[yes]"},
           {"Search[a] then Finish[b]", ReactLine::invalid, ""},
           {"Search[a] then Finish[b", ReactLine::invalid, ""},
           {"a [note] in brackets", ReactLine::thought, "a [note] in brackets"},
           {"I am in the kitchen.", ReactLine::thought, "I am in the kitchen."},
           {"", ReactLine::thought, ""},
       }) {
    const auto got = parse_react_line(v.line, "Queue");
    EXPECT_EQ(got.kind, v.kind) << v.line;
    EXPECT_EQ(got.text, v.text) << v.line;
  }
}

}  // namespace
}  // namespace hone
