// The replay buffer of ExGRPO: one's own solved tries, by question, each with the log-probabilities that its tokens had when it was
// made; and how hard each question was when it was last tried, which decides what is drawn.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/reflex.h"
#include "core/rng.h"
#include "learners/trajectory.h"

namespace hone::exgrpo {

// counts: one normal curve over the number of solved tries. accuracy: the same over their share, nearly flat. uniform: any question.
enum class Questions { counts, accuracy, uniform };
enum class Same { ids, text };          // when two tries are the same one
enum class Unsolved { keep, exclude };  // a question in the buffer that a whole group failed: drawn as before, or not until solved again

struct BufferConfig {
  Questions questions = Questions::counts;
  double mean = 0.5, sd = 1.0;
  Same same = Same::ids;
  Unsolved unsolved = Unsolved::keep;
  int most = 0, max_age = 0;
};
template <class V>
void visit(V& v, BufferConfig& c) {
  v.choice("questions", c.questions, {{"counts", Questions::counts}, {"accuracy", Questions::accuracy}, {"uniform", Questions::uniform}},
           "which questions are replayed: by a normal curve over the number of solved tries of the group, over their share, or any");
  v.field("mean", c.mean, "middle of that curve, as a share of the group", {.min = 0, .max = 1});
  v.field("sd", c.sd, "its standard deviation: solved tries (counts), share (accuracy)", {.min = 1e-3, .max = 1000});
  v.choice("same", c.same, {{"ids", Same::ids}, {"text", Same::text}}, "a solved try is stored once: told apart by tokens, or by what was done");
  v.choice("unsolved", c.unsolved, {{"keep", Unsolved::keep}, {"exclude", Unsolved::exclude}},
           "a stored question whose new group fails altogether keeps its place, or is not replayed until it is solved again");
  v.field("most", c.most, "stored tries per question, the newest; 0 = all", {.min = 0, .max = 1000000});
  v.field("max_age", c.max_age, "rounds that a stored try is kept; 0 = for ever", {.min = 0, .max = 1000000});
}

// A solved try as it may be trained on again: its trajectories (mostly one), each token's log-probability as of then.
struct Kept {
  std::string episode;  // id in the store
  std::uint64_t said = 0;  // hash of what was done
  double reward = 1.0;
  int born = 0;            // round
  std::vector<Trajectory> parts;  // entropy left empty: it is asked of the current policy
};

// Bucket weights for k = 0 .. group, 0 where no question may be drawn; they add up to 1 over the buckets with room.
std::vector<double> bucket_weights(const BufferConfig& config, int group, const std::vector<std::size_t>& room);

class Buffer {
 public:
  Buffer(const BufferConfig& config, int group);

  // All of a group was solved: never replayed again. Takes effect with purge().
  void retire(const std::string& question) { retired_.insert(question); }
  // `solved` of the group's tries; 0 < solved < group: the question moves to that bucket and new tries of `tries` are stored.
  void collect(const std::string& question, int solved, std::vector<Kept> tries);
  // Removes what is retired, and tries that are older than max_age in this round.
  void purge(int round);

  // n different questions (fewer when there are fewer): a multinomial draw over the buckets, what a bucket cannot give drawn again
  // among those with room, then without replacement within each.
  std::vector<std::string> draw(int n, Rng rng) const;

  std::size_t size() const { return bucket_of_.size(); }  // questions that may be replayed
  std::size_t tries() const;
  int bucket(const std::string& question) const;          // 0 = in none
  const std::vector<Kept>& kept(const std::string& question) const;
  bool is_retired(const std::string& question) const { return retired_.contains(question); }
  std::size_t retired() const { return retired_.size(); }

  void save(Sink& sink) const;
  void load(Source& source);

 private:
  bool knows(const std::vector<Kept>& kept, const Kept& one) const;
  void drop(const std::string& question);

  BufferConfig config_;
  int group_;
  std::map<std::string, std::vector<Kept>> kept_;
  std::map<std::string, int> bucket_of_;
  std::vector<std::set<std::string>> buckets_;  // [0 .. group]
  std::set<std::string> retired_;
};

}  // namespace hone::exgrpo
