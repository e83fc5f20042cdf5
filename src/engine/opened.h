// A recipe made real: its world, models and agents opened and checked before anything is spent.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "core/env.h"
#include "core/reflex.h"
#include "engine/made_of.h"
#include "engine/play.h"
#include "engine/recipe.h"
#include "engine/trainable.h"
#include "models/backend.h"

namespace hone {

// Where runs and the store live: --home, else $HONE_HOME, else .hone in the current directory.
std::filesystem::path default_home();
std::filesystem::path store_path(const std::filesystem::path& home);

class Opened {
 public:
  // Throws Error for unknown names, settings that don't fit, models that are not there: before any run is made.
  explicit Opened(const Recipe& recipe);
  ~Opened();

  bool reflex() const { return batch_ != nullptr; }
  const World& world() const { return *world_; }
  const BatchWorld& batch_world() const { return *batch_; }
  const LearnerEntry& method() const { return *method_; }
  Embedder* embedder() const { return embedder_.get(); }
  Trainable* trainable() const { return trainable_.get(); }  // null unless the method trains the model's weights
  const std::string& model_sha() const { return model_sha_; }
  // Reads the files of model and embedder again: Error{corrupt} when they are not what was opened.
  void check_models() const;
  std::vector<Task> tasks(Split split) const;
  std::string for_tests_only() const;  // a model that is a script, empty when none is
  // Why a deterministic run can't be promised to repeat, empty when it can: a server may answer otherwise tomorrow.
  std::string unrepeatable() const;

  // A stage for this recipe's agent with `over` on top of its settings.
  Stage stage(Split split, const Part& agent, const Settings& over, std::stop_token stop) const;
  std::unique_ptr<Learner> make_learner(const Rng& rng, const BatchSpec* batch, bool from_store) const;

  // What makes two runs the same run: recipe, data, models, version.
  MadeOf made_of() const;

 private:
  OpenModel open_helper(const Part& part, const char* field);  // nothing for an empty name

  const Recipe& recipe_;
  const LearnerEntry* method_ = nullptr;
  std::unique_ptr<World> world_;
  std::unique_ptr<BatchWorld> batch_;
  OpenModel model_, writer_, judge_;
  std::unique_ptr<Trainable> trainable_;
  std::unique_ptr<ChoiceModel> memo_;
  std::unique_ptr<Embedder> embedder_;
  std::string model_sha_;
  std::string unkept_;  // what stands behind a server whose replies aren't kept
};

// "AMD EPYC 9R14, 2 cores"
std::string cpu_name();

}  // namespace hone
