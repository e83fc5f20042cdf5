// The command line: the only room that owns the terminal and the exit status. 0 done, 1 the work failed, 2 used wrongly,
// 130 stopped by ctrl-C.
#pragma once

#include <filesystem>
#include <functional>
#include <stop_token>

namespace CLI {
class App;
}

namespace hone::cli {

// What every command shares. A command's callback sets `action`, which runs after all flags are read.
struct Context {
  std::filesystem::path home;
  bool json = false;
  std::stop_token stop;
  std::function<int()> action;
};

int run(int argc, char** argv);

// Error{not_found} with the next step when nothing was kept here yet.
void need_store(const Context& context);

// One per file of this room; each adds its verb.
void add_learn(CLI::App& app, Context& context);
void add_eval(CLI::App& app, Context& context);
void add_play(CLI::App& app, Context& context);
void add_store(CLI::App& app, Context& context);
void add_recall(CLI::App& app, Context& context);
void add_runs(CLI::App& app, Context& context);
void add_model(CLI::App& app, Context& context);
void add_catalogs(CLI::App& app, Context& context);
void add_doctor(CLI::App& app, Context& context);

}  // namespace hone::cli
