// What the engine adds to a model call: one-decision episodes with a model that answers at once, recorded durably, per episode.
#include <chrono>
#include <cstdio>
#include <filesystem>

#include "engine/play.h"
#include "models/scripted.h"
#include "store/store.h"

int main() {
  using Clock = std::chrono::steady_clock;
  const auto file = std::filesystem::temp_directory_path() / "hone_engine_overhead.db";
  std::filesystem::remove(file);
  hone::Store store(file);
  const auto world = hone::find_env("desk").open({});
  hone::ScriptedModel model([](std::span<const hone::Message>, const hone::Sampling&) { return std::string("x"); });
  hone::Stage stage;
  stage.world = world.get();
  stage.split = hone::Split::test;
  stage.agent = &hone::find_agent("react");
  stage.model = &model;
  stage.chooser = &model;
  const auto tasks = world->tasks(hone::Split::train);
  for (const bool recorded : {false, true}) {
    const auto start = Clock::now();
    int n = 0;
    for (const auto& task : tasks) {
      hone::Play how;
      how.key = (recorded ? "r/" : "p/") + std::to_string(n++);
      const auto episode = hone::play(stage, {.task = task, .group = {}, .parent = {}, .notes = {}, .sampling = {}}, how);
      if (recorded) store.append(episode);
    }
    std::printf("%-34s %8.1f us per episode and model call\n", recorded ? "play and append (one fsync each)" : "play", std::chrono::duration<double, std::micro>(Clock::now() - start).count() / n);
  }
  std::filesystem::remove(file);
}
