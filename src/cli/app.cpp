#include "cli/app.h"

#include <csignal>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/terminal.h"
#include "core/error.h"
#include "engine/opened.h"
#include "hone_version.h"

namespace hone::cli {

namespace {

// A signal handler may only touch a lock-free flag; a watching thread would be more than this needs, so the handler writes to a
// pipe that a small thread turns into a stop request. A second ctrl-C ends the process at once.
int stop_pipe[2] = {-1, -1};
volatile std::sig_atomic_t signals_seen = 0;

void on_signal(int) {
  if (signals_seen != 0) _exit(130);
  signals_seen = 1;
  const char byte = 1;
  [[maybe_unused]] const auto n = write(stop_pipe[1], &byte, 1);
}

void listen_for_signals(std::stop_source& source) {
  if (pipe(stop_pipe) != 0) return;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::thread([&source] {
    char byte = 0;
    if (read(stop_pipe[0], &byte, 1) == 1) {
      note("stopping cleanly (what is finished is kept; again to stop at once) ...");
      source.request_stop();
    }
  }).detach();
}

int exit_status(const Error& e) {
  if (e.fault() == Fault::interrupted) return 130;
  return e.fault() == Fault::usage || e.fault() == Fault::bad_input ? 2 : 1;
}

int guarded(const Context& context) {
  try {
    return context.action();
  } catch (const Error& e) {
    if (e.fault() == Fault::interrupted) note("stopped; the same command goes on where this one ended");
    else fail(e.what(), context.json, to_string(e.fault()));
    return exit_status(e);
  } catch (const std::exception& e) {
    fail(e.what(), context.json, "internal");
    return 1;
  }
}

}  // namespace

int run(int argc, char** argv) {
  static std::stop_source source;  // outlives the detached signal thread
  listen_for_signals(source);
  Context context;
  context.stop = source.get_token();
  CLI::App app{"Hone, an experience engine: an agent acts, Hone records what happened, learns from it and hands the lesson back.", "hone"};
  app.set_version_flag("--version", std::string("hone ") + std::string(hone_version));
  app.require_subcommand(1);
  app.fallthrough();
  std::string home;
  app.add_option("--home", home, "directory of the store and the runs (default: $HONE_HOME, else .hone here)");
  app.add_flag("--json", context.json, "print JSON for programs instead of tables for people");
  app.footer("Start with: hone learn desk\nDocs: README.md, docs/");
  add_learn(app, context);
  add_eval(app, context);
  add_play(app, context);
  add_runs(app, context);
  add_store(app, context);
  add_recall(app, context);
  add_model(app, context);
  add_catalogs(app, context);
  add_doctor(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    const int status = app.exit(e);
    return status == 0 ? 0 : 2;
  }
  context.home = home.empty() ? default_home() : std::filesystem::path(home);
  return guarded(context);
}

}  // namespace hone::cli
