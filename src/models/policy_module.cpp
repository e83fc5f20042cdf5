#include "models/policy_module.h"

#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <vector>

#include "core/error.h"
#include "core/poker.h"
#include "nn_door.h"

namespace hone {

namespace {

constexpr const char* file_name = "libhone_nn.so";

std::vector<std::filesystem::path> places() {
  if (const char* given = std::getenv("HONE_NN"); given != nullptr && *given != '\0') return {given};
  std::vector<std::filesystem::path> out;
  const auto beside = [&](const std::filesystem::path& folder) {
    for (const auto& place : {folder / file_name, (folder / ".." / "lib" / file_name).lexically_normal()})
      if (std::find(out.begin(), out.end(), place) == out.end()) out.push_back(place);
  };
  Dl_info self{};
  std::error_code ignored;
  if (dladdr(reinterpret_cast<const void*>(&open_policy), &self) != 0 && self.dli_fname != nullptr) beside(std::filesystem::canonical(self.dli_fname, ignored).parent_path());
  if (const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored); !program.empty()) beside(program.parent_path());
  return out;
}

struct Doors {
  Policy* (*policy)(const PolicyOptions&) = nullptr;
  Explorer* (*explorer)(const ExplorerOptions&) = nullptr;
  Poker* (*poker)(const PokerOptions&) = nullptr;
};

template <class F>
void find(void* object, const char* name, F& door) {
  door = reinterpret_cast<F>(dlsym(object, name));
}

// Stays loaded until the program ends: libtorch does not like to be unloaded.
Doors load() {
  std::string looked;
  for (const auto& place : places()) {
    std::error_code ignored;
    if (!std::filesystem::exists(place, ignored)) {
      looked += (looked.empty() ? "" : ", ") + place.string();
      continue;
    }
    void* object = dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (object == nullptr) throw Error(Fault::unavailable, place.string() + " can't be loaded: " + std::string(dlerror()));
    const char* (*door)() = nullptr;
    Doors doors;
    find(object, "hone_nn_door", door);
    find(object, "hone_nn_open", doors.policy);
    find(object, "hone_nn_open_explorer", doors.explorer);
    find(object, "hone_nn_open_poker", doors.poker);
    if (door == nullptr || doors.policy == nullptr || doors.explorer == nullptr || doors.poker == nullptr) throw Error(Fault::unavailable, place.string() + " is not what trains weights for this hone");
    if (door() != std::string_view(nn_door))
      throw Error(Fault::unavailable, place.string() + " is of hone " + door() + ", this program of " + nn_door + ": build both together");
    return doors;
  }
  throw Error(Fault::unavailable, std::string("this recipe trains weights, which needs ") + file_name + " (looked for " + looked +
                                      "): `scripts/setup --for training --build release` builds it");
}

const Doors& loaded() {
  static const Doors doors = load();
  return doors;
}

}  // namespace

std::unique_ptr<Policy> open_policy(const PolicyOptions& options) { return std::unique_ptr<Policy>(loaded().policy(options)); }

const Nets& trained_nets() {
  class Module final : public Nets {
   public:
    std::unique_ptr<Explorer> explorer(const ExplorerOptions& options) const override { return std::unique_ptr<Explorer>(loaded().explorer(options)); }
    std::unique_ptr<Poker> poker(const PokerOptions& options) const override { return std::unique_ptr<Poker>(loaded().poker(options)); }
  };
  static const Module module;
  return module;
}

std::string why_no_policy() {
  try {
    loaded();
    return {};
  } catch (const Error& e) {
    return e.what();
  }
}

}  // namespace hone
