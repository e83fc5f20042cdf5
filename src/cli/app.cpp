#include "cli/app.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/terminal.h"
#include "core/error.h"
#include "engine/opened.h"
#include "hone_version.h"
#include "models/errand.h"

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

// "hone ... | head -1": whoever read our output has what they wanted; that is no failure.
bool reader_left() {
  pollfd out{STDOUT_FILENO, 0, 0};
  return poll(&out, 1, 0) == 1 && (out.revents & POLLERR) != 0;
}

int guarded(const Context& context) {
  // Commands that show progress have their own; for the rest a wait can be stopped and is said.
  const Errand errand(context.stop, [](Errand::News news, const std::string& text) { note((news == Errand::News::trouble ? "warning: " : "") + printable_lines(text)); });
  try {
    const int status = context.action();
    if ((std::fflush(stdout) != 0 || std::ferror(stdout) != 0) && !reader_left()) throw Error(Fault::io, "standard output can't be written");
    return status;
  } catch (const Error& e) {
    if (e.fault() == Fault::interrupted) note("stopped; the same command goes on where this one ended");
    else fail(e.what(), context.json, to_string(e.fault()));
    return exit_status(e);
  } catch (const std::exception& e) {
    fail(e.what(), context.json, "internal");
    return 1;
  }
}

// One line: the word that no command has, with the nearest one, or what the parser says.
std::string complaint(const CLI::App& app, int argc, char** argv, const CLI::ParseError& e) {
  const CLI::App* at = &app;
  std::string path = "hone";
  for (int i = 1; i < argc; ++i) {
    if (argv[i][0] == '-') {
      if (std::string_view(argv[i]) == "--home") ++i;
      continue;
    }
    const auto subs = at->get_subcommands([](const CLI::App*) { return true; });
    if (subs.empty()) break;
    const auto known = std::find_if(subs.begin(), subs.end(), [&](const CLI::App* sub) { return sub->get_name() == argv[i]; });
    if (known == subs.end()) {
      std::vector<std::string> names;
      for (const CLI::App* sub : subs) names.push_back(sub->get_name());
      return unknown_name("command", argv[i], names, path).what();
    }
    at = *known;
    path += std::string(" ") + argv[i];
  }
  std::string said = e.what();
  std::replace(said.begin(), said.end(), '\n', ' ');
  return path + ": " + said + " (" + path + " --help)";
}

}  // namespace

void need_store(const Context& context) {
  const auto path = store_path(context.home);
  if (!std::filesystem::exists(path)) throw Error(Fault::not_found, path.string() + ": no store here yet; `hone learn desk` makes one (--home names another place)");
}

int run(int argc, char** argv) {
  std::vector<char*> words(argv, argv + argc);  // "hone help learn" is "hone learn --help"
  static char help[] = "--help";
  if (argc > 1 && std::string_view(argv[1]) == "help") words.erase(words.begin() + 1), words.push_back(help);
  argc = static_cast<int>(words.size()), argv = words.data();
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
  app.footer("With every command: --home DIR, --json (hone --help)");  // what commands added below inherit
  add_learn(app, context);
  add_eval(app, context);
  add_play(app, context);
  add_runs(app, context);
  add_store(app, context);
  add_recall(app, context);
  add_model(app, context);
  add_catalogs(app, context);
  add_doctor(app, context);
  app.footer("Start with: hone learn desk\nDocs: README.md, docs/");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    const bool json = std::any_of(argv, argv + argc, [](const char* word) { return std::string_view(word) == "--json"; });
    fail(complaint(app, argc, argv, e), json, to_string(Fault::usage));
    return 2;
  }
  context.home = home.empty() ? default_home() : std::filesystem::path(home);
  return guarded(context);
}

}  // namespace hone::cli
