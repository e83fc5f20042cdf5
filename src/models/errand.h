// What a thread asks models and embedders for, known to the back ends without going through every call: whether it was told to stop, who
// hears of waits and trouble, and what was used with no reply to carry it (by calls that failed, and by embedders).
// An errand lives on its thread's stack; one within it takes its place until it goes, and leaves it what nobody took.
#pragma once

#include <exception>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "core/model.h"

namespace hone {

class Errand {
 public:
  enum class News { wait, trouble };  // trouble: the work goes on, and its result is the poorer for it
  using Hear = std::function<void(News news, const std::string& text)>;  // called from any thread, from several at once

  // `patience_s`: how long a request under way may still take after the stop; its answer is paid for.
  Errand(std::stop_token stop, Hear hear, double patience_s = 5.0);
  // News go to who hears them of `above`: of the thread's errand so far, or of another thread's, which then outlives this one.
  explicit Errand(std::stop_token stop) : Errand(std::move(stop), now()) {}
  Errand(std::stop_token stop, const Errand* above);
  ~Errand();
  Errand(const Errand&) = delete;
  Errand& operator=(const Errand&) = delete;

  // What was used and not taken yet, a request each.
  std::vector<Usage> take();

  // For back ends, of the thread's errand; without one nothing stops and nobody hears.
  static Errand* now();
  static std::stop_token stop();
  static double patience_s();
  static void tell(News news, const std::string& text);
  static void spend(const Usage& used);
  // Error{interrupted} when the stop comes before the time is over, or came already.
  static void wait(double seconds);

 private:
  std::stop_token stop_;
  Hear hear_;
  double patience_s_;
  std::vector<Usage> spent_;
  Errand* before_;
};

// Tells the errand what a call has used when an error ends the call.
class Unclaimed {
 public:
  explicit Unclaimed(const Usage& used) : used_(used) {}
  ~Unclaimed();
  Unclaimed(const Unclaimed&) = delete;
  Unclaimed& operator=(const Unclaimed&) = delete;

 private:
  const Usage& used_;
  int errors_ = std::uncaught_exceptions();
};

}  // namespace hone
