#include "learners/training_data.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "core/error.h"
#include "core/folder_test_kit.h"
#include "core/letters_test_kit.h"

namespace hone {
namespace {

// A turn is "<role:content>" with 0 as its end and a line break after it; 0 ends a text too.
class Turns : public Letters {
 public:
  std::vector<int> chat(std::span<const Message> messages, bool open) const override {
    std::vector<int> ids;
    const auto add = [&](const std::string& text) {
      for (const int id : encode(text, true)) ids.push_back(id);
    };
    for (const auto& m : messages) {
      add("<" + m.role + ":" + m.content);
      ids.push_back(0);
      add("\n");
    }
    if (open) add("<assistant:");
    return ids;
  }
};

class TrainingData : public testing::Test {
 protected:
  std::string file(const std::string& text) { return folder_.write(std::to_string(++n_) + ".jsonl", text); }
  // The trained characters of the only row.
  std::string trained(const std::string& line, const Cut& cut = {}) {
    const auto rows = read_training_rows(file(line));
    const auto s = sequence_of(rows.at(0), tokenizer_, cut);
    if (!s) return "(none)";
    std::string out;
    for (std::size_t i = 0; i < s->ids.size(); ++i)
      if (s->trained[i]) out += s->ids[i] == 0 ? '$' : static_cast<char>(s->ids[i]);
    return out;
  }
  std::string complaint(const std::string& text, bool pairs = false) {
    try {
      if (pairs) read_preference_rows(file(text));
      else read_training_rows(file(text));
    } catch (const Error& e) {
      return e.what();
    }
    return "(no error)";
  }
  Turns tokenizer_;

 private:
  int n_ = 0;
  test::Folder folder_;
};

TEST_F(TrainingData, RepliesAreTrainedWithOneEndAndNothingElse) {
  EXPECT_EQ(trained(R"({"prompt": "a b", "completion": " c"})"), " c$");
  EXPECT_EQ(trained(R"({"text": "abc"})"), "bc$") << "nothing comes before the first token";
  EXPECT_EQ(trained(R"({"prompt": [{"role": "user", "content": "hi"}], "completion": [{"role": "assistant", "content": "yes"}]})"), "yes$");
  EXPECT_EQ(trained(R"({"messages": [{"role": "user", "content": "1"}, {"role": "assistant", "content": "one"}, {"role": "user", "content": "2"}, {"role": "assistant", "content": "two"}]})"), "one$two$");
  EXPECT_EQ(trained(R"({"conversations": [{"from": "human", "value": "1"}, {"from": "gpt", "value": "one"}]})"), "one$");
  EXPECT_EQ(trained(R"({"prompt": "ab", "completion": "c"})", {1024, false}), "bc$");
}

TEST_F(TrainingData, LongSequencesLoseTheirEnd) {
  EXPECT_EQ(trained(R"({"prompt": "ab", "completion": "cdef"})", {4, true}), "cd");
  EXPECT_EQ(trained(R"({"prompt": "abcd", "completion": "ef"})", {4, true}), "(none)");
}

TEST_F(TrainingData, PairsWithoutAPromptShareTheirStart) {
  const auto rows = read_preference_rows(file(R"({"chosen": "the cat sat", "rejected": "the cat ran"}
{"chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}]}
{"prompt": "p", "chosen": " yes", "rejected": " no"}
)"));
  EXPECT_EQ(rows[0].chosen.prompt[0].content, "the cat") << "the blank goes with the replies";
  EXPECT_EQ(rows[0].chosen.completion[0].content, " sat");
  EXPECT_EQ(rows[0].rejected.completion[0].content, " ran");
  EXPECT_EQ(rows[1].chosen.prompt.size(), 1U);
  EXPECT_EQ(rows[1].rejected.completion[0].content, "b");
  EXPECT_EQ(rows[2].rejected.prompt[0].content, "p");
}

TEST_F(TrainingData, RepliesWithALabel) {
  const auto path = file(R"({"prompt": "p", "completion": " yes", "label": true}

{"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "a"}], "label": false}
)");
  EXPECT_TRUE(starts_with_label(path));
  const auto rows = read_marked_rows(path);
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_TRUE(rows[0].good);
  EXPECT_EQ(rows[0].reply.completion[0].content, " yes");
  EXPECT_FALSE(rows[1].good);
  EXPECT_EQ(rows[1].reply.prompt[0].content, "q");
  EXPECT_FALSE(rows[1].reply.plain);
  EXPECT_NE(rows[1].reply.where.find(".jsonl:3"), std::string::npos);
  EXPECT_FALSE(starts_with_label(file(R"({"prompt": "p", "chosen": "a", "rejected": "b", "label": true})")));
  EXPECT_THROW(starts_with_label("/nowhere/data.jsonl"), Error);
  const auto expect = [&](const std::string& text, const std::string& part) {
    try {
      read_marked_rows(file(text));
      ADD_FAILURE() << text;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(part), std::string::npos) << e.what();
    }
  };
  const std::string good = R"({"prompt": "p", "completion": "c", "label": true})" "\n";
  expect(good + R"({"prompt": "p", "completion": "c"})", ".jsonl:2: expected prompt, completion and label, got the fields of");
  expect(good + R"({"completion": "c", "label": true})", ".jsonl:2: expected prompt, completion and label, got the fields of");
  expect(good + R"({"prompt": "p", "completion": "c", "label": "yes"})", ".jsonl:2: label: expected true or false, got \"yes\"");
  expect(R"({"prompt": "p", "completion": "c", "label": 1})", ".jsonl:1: label: expected true or false, got 1");
  expect(R"({"prompt": "p", "completion": "", "label": true})", ".jsonl:1: completion: expected text, got none");
  expect(R"({"prompt": "p", "completion": [{"role": "assistant", "content": "b"}], "label": true})", "both as texts or both as messages");
}

TEST_F(TrainingData, BadRowsAreNamedByTheirLine) {
  const auto expect = [&](const std::string& text, const std::string& part, bool pairs = false) {
    const auto said = complaint(text, pairs);
    EXPECT_NE(said.find(part), std::string::npos) << said;
  };
  expect("{\"text\": \"a\"}\nnonsense\n", ".jsonl:2");
  expect("[]", "expected an object");
  expect("", "expected at least one line");
  expect(R"({"question": "a"})", "expected messages, text, or prompt and completion");
  expect(R"({"prompt": "a", "completion": ""})", "completion: expected text, got none");
  expect(R"({"prompt": "a", "completion": [{"role": "assistant", "content": "b"}]})", "both as texts or both as messages");
  expect(R"({"messages": [{"role": "robot", "content": "b"}]})", "role: expected system, user or assistant, got 'robot'");
  expect(R"({"messages": [{"role": "user", "content": "b"}]})", "no message is the assistant's");
  expect(R"({"prompt": "a", "chosen": "b"})", "expected chosen and rejected", true);
  EXPECT_THROW(read_training_rows("/nowhere/data.jsonl"), Error);
}

}  // namespace
}  // namespace hone
