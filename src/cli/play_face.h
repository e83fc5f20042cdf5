// How a game looks: for a person at a terminal, or as JSON lines for a program.
#pragma once

#include <memory>

#include "cli/play_input.h"
#include "core/env.h"

namespace hone::cli {

struct Tally {
  int played = 0, solved = 0, steps = 0, skipped = 0;
  double score = 0.0;  // sum over what was played
};

// Where in a try one is.
struct Place {
  const Observation* seen = nullptr;
  int steps = 0, limit = 0;  // limit 0 = none known
  bool can_undo = false;
};

class Face {
 public:
  virtual ~Face() = default;
  virtual void opening(const WorldFacts& facts, bool can_undo) = 0;
  virtual void task(const Task& task, std::string_view word, int number, int of, const Place& place) = 0;
  virtual void prompt(const Place& place) = 0;
  virtual void heard(std::string_view line) = 0;  // what came from no keyboard, which shows what is typed by itself
  virtual void stepped(const std::string& action, const Outcome& outcome, const Place& place) = 0;
  virtual void undone(const Place& place) = 0;
  virtual void skipped() = 0;
  virtual void help(const WorldFacts& facts, const Place& place) = 0;
  virtual void refused(const std::string& why) = 0;
  virtual void closing(const Tally& tally) = 0;
};

std::unique_ptr<Face> face_for_people();
std::unique_ptr<Face> face_for_programs();

}  // namespace hone::cli
