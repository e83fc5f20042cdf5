// The door of the shared object: models/policy_module.cpp loads it by name.
#include <memory>

#include "core/error.h"
#include "core/policy.h"
#include "nn/machine.h"
#include "nn/pixels/explorer.h"
#include "nn/poking/poker.h"
#include "nn/trainer.h"
#include "nn_door.h"

extern "C" {

// A policy crosses the door as a C++ object, so both sides must be of one build.
__attribute__((visibility("default"))) const char* hone_nn_door() { return hone::nn_door; }

// Throws hone::Error. The caller deletes what is returned before it closes the object.
__attribute__((visibility("default"))) hone::Policy* hone_nn_open(const hone::PolicyOptions& options) {
  hone::nn::prepare_machine(options.threads);
  return hone::nn::make_trainer(options).release();
}

__attribute__((visibility("default"))) hone::Explorer* hone_nn_open_explorer(const hone::ExplorerOptions& options) {
  hone::nn::prepare_machine(options.threads);
  return hone::nn::make_explorer(options).release();
}

__attribute__((visibility("default"))) hone::Poker* hone_nn_open_poker(const hone::PokerOptions& options) {
  hone::nn::prepare_machine(options.threads);
  return hone::nn::make_poker(options).release();
}
}
