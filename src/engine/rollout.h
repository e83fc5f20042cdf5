// Collecting experience at the reflex tempo: every slot of a BatchEnv stepped together into buffers allocated once.
#pragma once

#include <map>
#include <vector>

#include "core/learner.h"
#include "engine/recording.h"

namespace hone {

struct RolloutStats {
  std::vector<double> returns;  // of episodes that ended, in the order they ended
  std::vector<int> lengths;
  std::map<std::string, std::vector<double>> infos;  // what the world said at the end of each (BatchSpec::infos)
  int faults = 0;
};

class RolloutCollector {
 public:
  // Slot i plays tasks[i % tasks.size()] with its seed mixed by i.
  RolloutCollector(const BatchWorld& world, std::vector<Task> tasks, const BatchOptions& options, Rng rng);

  // The rollout's memory is this object's and is valid until the next call.
  const Rollout& collect(BatchActor& actor, int steps, RolloutStats& stats);
  const BatchSpec& spec() const { return env_->spec(); }

  // Whether the world can be saved; without it a resumed run restarts its episodes.
  bool exact_resume() const { return savable_ != nullptr; }
  void save(Sink& sink) const;
  void load(Source& source);

 private:
  void start();
  void make_room(int steps);
  Buffers row(std::size_t obs_row, std::size_t at);
  std::unique_ptr<BatchEnv> env_;
  Savable* savable_ = nullptr;
  std::vector<Task> tasks_;
  int slots_, capacity_ = 0;
  Rng rng_;
  bool started_ = false;
  std::vector<int> all_;
  std::vector<double> running_return_;
  std::vector<int> running_length_;
  std::vector<std::byte> obs_, final_obs_, actions_;
  std::vector<float> reward_, logp_, value_, info_;
  std::vector<std::uint8_t> terminated_, truncated_, fault_, fresh_;
  Rollout rollout_;
};

// Uniform over the action space (a list, or a box of floats): the baseline of every reflex run.
class RandomActor final : public BatchActor {
 public:
  explicit RandomActor(const Space& action);
  void act(const Sight& sight, bool explore, Rng& rng, std::span<std::byte> actions, std::span<float> logp, std::span<float> value) override;

 private:
  Space action_;
};

// One episode of every task of the split, as many at a time as `options` has slots; in the order of the tasks.
struct Evaluated {
  std::vector<double> scores;                        // in [0, 1]
  std::map<std::string, std::vector<double>> infos;  // what the world said at the end of each (BatchSpec::infos); 0 after a fault
  int faults = 0;
};
Evaluated evaluate_actor(const BatchWorld& world, Split split, BatchActor& actor, const BatchOptions& options, Rng rng, Recorder* recorder = nullptr);

}  // namespace hone
