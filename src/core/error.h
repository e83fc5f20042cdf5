// One exception for everything that can go wrong at run time. Thrown with what was expected and what came; context is added
// on the way up; caught at four doors only: command line, request handler, episode worker, learner step.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace hone {

enum class Fault {
  usage,        // the caller asked for something that does not exist or does not fit: exit 2
  bad_input,    // a recipe, data file, model file or reply is malformed
  not_found,    // a named thing is absent
  unavailable,  // needs something this machine lacks (model not pulled, sandbox missing)
  io,           // disk or pipe failed
  corrupt,      // stored data contradicts itself
  conflict,     // somebody else holds it
  budget,       // a cap was reached
  interrupted,  // stop was asked for
  internal,     // our bug
};

std::string_view to_string(Fault fault);

// The start of what came from outside, for a message: at most 120 bytes, not cut inside a UTF-8 character, then "...".
std::string excerpt(std::string_view text);

class Error : public std::runtime_error {
 public:
  Error(Fault fault, const std::string& message) : std::runtime_error(message), fault_(fault) {}
  Fault fault() const { return fault_; }
  // The same error with where it happened in front: "recipes/a.yaml:3: " + what().
  [[nodiscard]] Error within(std::string_view context) const;

 private:
  Fault fault_;
};

}  // namespace hone
