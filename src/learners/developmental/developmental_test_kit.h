// Tests only: tools that answer by a script, and stories that went through the cycle.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/error.h"
#include "learners/developmental/cycle.h"
#include "learners/developmental/pairs.h"

namespace hone::developmental::test {

class FakeTools final : public Tools {
 public:
  explicit FakeTools(std::function<std::string(const Request&)> say) : say_(std::move(say)) {}
  std::vector<Generation> generate(std::span<const Request> requests) override {
    std::vector<Generation> out;
    for (const auto& r : requests) {
      EXPECT_TRUE(keys_.insert(r.key).second) << r.key << " twice in one round";
      asked.push_back(r);
      Generation g;
      g.key = r.key;
      g.role = r.role;
      g.text = say_(r);
      g.by.model = "script";
      out.push_back(std::move(g));
    }
    return out;
  }
  std::vector<Episode> play(std::span<const Trial>) override { return {}; }
  int count_tokens(std::string_view text) override { return static_cast<int>(text.size() / 4); }
  Rng rng(std::string_view label) override { return Rng(1).split(label); }
  bool report(std::string_view, const Metrics&) override { return false; }

  std::vector<Request> asked;

 private:
  std::function<std::string(const Request&)> say_;
  std::set<std::string> keys_;
};

// A writer that does as it is told: rises by two stages with each revision.
inline std::string good_writer(const Request& r) {
  const std::string& text = r.prompt.at(0).content;
  if (r.role == "judge") {
    if (text.find("Answer A:") != std::string::npos) return text.find("Answer A: Action: Yes.\nReason: Any human") != std::string::npos ? "A" : "B";
    return text.find("Any human being") != std::string::npos ? "6" : text.find("agreed") != std::string::npos ? "5" : "2";
  }
  if (r.role == "situation") return "SCENARIO: Zed keeps a gate. A stranger asks to pass.\nQUESTION: Should Zed open it?";
  if (r.role == "experience") return "Action: Yes.\nReason: She will owe him a favour.";
  if (r.role == "introspection") return "THOUGHT: looked at gains; chose\nVALUES: gain\nCONSIDERED: Zed\nOVERLOOKED: the stranger";
  if (r.role == "analysis") return "STAGE: 2\nEVIDENCE: \"owe him a favour\"\nCEILING: it is about gain only";
  if (r.role == "hypothesis") return "THINKING: She will owe him -> what would both accept\nDOING: nothing";
  if (r.role == "revision") return r.key.find("/revision/1/") != std::string::npos ? "Action: Yes.\nReason: They agreed that gates serve people." : "Action: Yes.\nReason: Any human being in that place would ask for it.";
  return "";
}

inline Situation situation(const std::string& id, bool unseen = false) {
  Situation s;
  s.id = id;
  s.scenario = unseen ? "A miller from far beyond the hills wants to cross bridge " + id + ", and Zed has closed it for repairs."
                      : "Zed keeps gate " + id + " of a walled town. Somebody with a heavy cart asks to pass before dawn.";
  s.question = "Should Zed open it?";
  s.unseen = unseen;
  s.source = "file";
  return s;
}

inline Config small() {
  Config c;
  c.fields = Fields::two;
  c.judge = JudgeKind::model;
  c.length_tolerance = c.mean_length_tolerance = 1.0;
  return c;
}

// One story by the good writer, accepted in its second round.
inline Story lived(const std::string& id = "d1", bool unseen = false) {
  const Config config = small();
  FakeTools tools(good_writer);
  const auto judge = make_judge(config);
  CycleContext context{config, *judge, true, tools, {}};
  return live_through({situation(id, unseen)}, context).at(0);
}

inline std::string thrown(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace hone::developmental::test
