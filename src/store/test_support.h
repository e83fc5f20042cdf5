// What this room's tests share.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>

#include "core/folder_test_kit.h"
#include "core/rng.h"
#include "store/store.h"
#include "wire/json.h"

namespace hone::store_test {

using test::Folder;

// Words in, unit vectors out: the sum of one fixed random direction per word, so that shared words mean
// nearness.
class WordEmbedder final : public Embedder {
 public:
  explicit WordEmbedder(int dimensions = 32, std::string name = "words") : dimensions_(dimensions) {
    facts_.artifact_sha = std::move(name);
  }
  const ModelFacts& facts() const override { return facts_; }
  int dimensions() const override { return dimensions_; }
  void embed(std::span<const std::string_view> texts, std::span<float> out) override {
    for (std::size_t t = 0; t < texts.size(); ++t) {
      const auto row =
          out.subspan(t * static_cast<std::size_t>(dimensions_), static_cast<std::size_t>(dimensions_));
      std::fill(row.begin(), row.end(), 0.0F);
      std::istringstream words{std::string(texts[t])};
      for (std::string word; words >> word;) {
        Rng rng(hash64(word));
        for (auto& x : row) x += static_cast<float>(rng.normal());
      }
      float norm = 0.0F;
      for (const float x : row) norm += x * x;
      if (norm == 0.0F) row[0] = norm = 1.0F;
      for (auto& x : row) x /= std::sqrt(norm);
    }
    texts_embedded += static_cast<int>(texts.size());
  }
  int texts_embedded = 0;

 private:
  ModelFacts facts_;
  int dimensions_;
};

inline Episode an_episode(const std::string& run, const std::string& key,
                          const std::string& goal = "route my request") {
  Episode e;
  e.run = run;
  e.key = key;
  e.task = {"task-" + key, "desk", "billing", goal, 7, {}};
  e.group = e.task.id;
  e.by.agent = "react";
  Step step;
  step.seen = {"which queue for " + goal, {"cards", "loans"}, {}};
  step.did.action = "cards";
  step.did.choice = 0;
  step.reward = 1.0F;
  e.steps = {step};
  e.last.text = "solved";
  e.score = 1.0;
  e.solved = true;
  e.started_ms = 1700000000000;
  return e;
}

inline Lesson an_insight(const std::string& scope, const std::string& text, int count = 1) {
  Lesson l;
  l.scope = scope;
  l.learner = "expel";
  l.env = "desk";
  l.what = Insight{text, count};
  l.keys = {{RecallKey::task, text}};
  return l;
}

inline Lesson a_case(const std::string& scope, const std::string& task_id, const std::string& text,
                     const std::string& transcript, bool solved = true) {
  Lesson l;
  l.scope = scope;
  l.learner = "expel";
  l.env = "desk";
  l.kind = "billing";
  l.what = Case{task_id, text, transcript, {}, {}, solved};
  l.keys = {{RecallKey::task, text}};
  return l;
}

inline std::string a_run(Store& store, const std::string& id = "") {
  RunInfo run;
  run.id = id;
  run.name = "first";
  run.recipe_yaml = "env: desk\n";
  run.config_hash = "hash";
  run.env = "desk";
  run.method = "expel";
  run.seed = 18446744073709551615ULL;
  run.created_ms = 1700000000000;
  return store.create_run(run);
}

inline std::string text_of(const Lesson& l) {
  if (const auto* insight = std::get_if<Insight>(&l.what)) return insight->text;
  if (const auto* example = std::get_if<Case>(&l.what)) return example->task;
  return "";
}

// Runs the body and returns the Error it throws; fails when there is none.
inline Error error_of(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    return e;
  }
  ADD_FAILURE() << "no Error was thrown";
  return Error(Fault::internal, "none");
}

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline std::string json_of(const Episode& e) { return wire::dump(wire::to_json(e)); }

}  // namespace hone::store_test
