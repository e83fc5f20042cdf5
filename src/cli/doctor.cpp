#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <optional>
#include <sstream>

#include "cli/app.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "engine/opened.h"
#include "hone_version.h"
#include "models/catalogue.h"
#include "models/errand.h"
#include "models/fetch.h"
#include "models/policy_module.h"
#include "models/remote/probe.h"
#include "store/store.h"

namespace hone::cli {

namespace {

struct Finding {
  std::string what, state, hint;
  bool ok = true;
};

bool on_path(const std::string& program) {
  const char* path = std::getenv("PATH");
  std::istringstream parts(path == nullptr ? "" : path);
  for (std::string part; std::getline(parts, part, ':');)
    if (access((part + "/" + program).c_str(), X_OK) == 0) return true;
  return false;
}

std::string cpu_features() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("flags", 0) != 0) continue;
    std::string out;
    for (const char* flag : {"sse4_2", "avx", "avx2", "fma", "f16c", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8"})
      if ((line + " ").find(std::string(" ") + flag + " ") != std::string::npos) out += (out.empty() ? "" : " ") + std::string(flag);
    return out;
  }
  return "unknown";
}

// At the folder, or where it would be made.
Finding free_disk(const std::string& what, std::filesystem::path folder) {
  std::error_code error;
  folder = std::filesystem::absolute(folder, error);
  while (!std::filesystem::exists(folder, error) && folder.has_relative_path()) folder = folder.parent_path();
  const auto space = std::filesystem::space(folder, error);
  if (error) return {what, folder.string() + ": " + error.message(), "", false};
  const bool enough = space.available >= 1000000000;
  return {what, bytes_text(static_cast<double>(space.available)), enough ? "" : "less than 1 GB is left at " + folder.string(), enough};
}

std::vector<Finding> examine(const Context& context) {
  std::vector<Finding> out;
  out.push_back({"version", "hone " + std::string(hone_version) + " (" + std::string(build_compiler) + ", " + std::string(build_type) + ")", ""});
  out.push_back({"CPU", cpu_name(), ""});
  const std::string features = cpu_features();
  out.push_back({"CPU features", features, ""});
  const bool fits = llama_cpu == "baseline" || features.find(llama_cpu == "avx512" ? "avx512_bf16" : "avx2") != std::string::npos;
  out.push_back({"llama.cpp", std::string(llama_release) + " for " + std::string(llama_cpu), fits ? "" : "built for another CPU: run scripts/setup and build again", fits});
  std::filesystem::path models;
  try {
    models = models_directory();
  } catch (const Error&) {
    out.push_back({"models", "no place for them", "set HOME, HONE_CACHE or HONE_MODELS", false});
  }
  for (const auto& m : model_catalogue()) {
    if (models.empty()) break;
    const auto status = model_status(m.name);
    const bool needed = m.name == "smollm2-135m" || m.name == "all-minilm-l6-v2";
    out.push_back({"model " + std::string(m.name), status.present ? status.path.string() : "not pulled", status.present ? "" : "hone model pull " + std::string(m.name), status.present || !needed});
  }
  const std::string untrained = why_no_policy();
  out.push_back({"training", untrained.empty() ? "libhone_nn.so loads" : "not built", untrained.empty() ? "" : "only recipes that train weights need it: scripts/setup --for training --build release"});
  const bool python = on_path("python3");
  out.push_back({"python3", python ? "found" : "not found", python ? "" : "needed to pull models from packages and for the examples", python});
  const bool pip = python && run_program({"python3", "-m", "pip", "--version"}, "/dev/null", [] {}).exit_code == 0;
  out.push_back({"python3 -m pip", pip ? "found" : "not found", pip ? "" : "needed to pull models from packages where the hub can't be reached"});
  const bool browser = on_path("chromium");
  out.push_back({"chromium", browser ? "found" : "not found", browser ? "" : "only a test of the report page uses it"});
  out.push_back(free_disk("free disk", context.home));
  if (!models.empty()) out.push_back(free_disk("free disk for models", models));
  const auto path = store_path(context.home);
  if (!std::filesystem::exists(path)) {
    out.push_back({"store", "none yet at " + path.string(), "hone learn makes it"});
  } else {
    try {
      const Store store(path, {.create = false, .read_only = true});
      out.push_back({"store", fmt::format("{} (schema {}, {} episodes)", path.string(), store.schema_version(), store.count_episodes({})), ""});
    } catch (const std::exception& e) {
      out.push_back({"store", e.what(), "hone store verify", false});
    }
  }
  return out;
}

int show(const Context& context, const std::vector<Finding>& findings) {
  bool ok = true;
  wire::Json all = wire::Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& f : findings) {
    ok = ok && f.ok;
    all.push_back({{"what", f.what}, {"state", f.state}, {"ok", f.ok}, {"hint", f.hint}});
    rows.push_back({f.ok ? "ok" : "MISSING", f.what, f.state, f.hint});
  }
  if (context.json) print_json({{"ok", ok}, {"findings", all}});
  else print_table({"", "what", "state", "what to do"}, rows);
  return ok ? 0 : 1;
}

struct Asking {
  std::string model, key_env;
  double timeout_s = 30.0;
};

// A slow server takes minutes over all rows: each is shown when it is known.
int ask_server(const Context& context, const Asking& asking) {
  RemoteOptions options;
  if (!asking.key_env.empty()) options.key_env = asking.key_env;
  options.timeout_s = options.stall_s = asking.timeout_s;
  const Errand errand(context.stop, nullptr, 0.0);  // no answer is worth waiting for after ctrl-C
  std::optional<SlowTable> table;
  const auto found = remote::probe_server(asking.model, options, [&](const remote::Finding& f) {
    if (context.json) return;
    if (!table) {
      std::size_t widest = 0;
      for (const auto& what : remote::probed()) widest = std::max(widest, width(what));
      table.emplace(std::vector<std::string>{"what", "", "how, or why not"}, std::vector<std::size_t>{widest, width("not tried")});
    }
    table->add({f.what, f.state, f.note});
  });
  // Few servers do everything: only one that is of no use at all is a failure.
  const bool ok = remote::useful(found);
  if (context.json) {
    wire::Json all = wire::Json::array();
    for (const auto& f : found) all.push_back({{"what", f.what}, {"state", f.state}, {"ok", ok}, {"hint", f.note}});
    print_json({{"ok", ok}, {"findings", all}});
  }
  return ok ? 0 : 1;
}

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("doctor", "what is installed, what is missing, what this CPU can do");
  auto flags = std::make_shared<Asking>();
  command->add_option("--model", flags->model, "ask this server what it can do instead: http(s)://host:port/v1#MODEL (a few tokens each)");
  command->add_option("--key-env", flags->key_env, "with --model: environment variable that holds the key (OPENAI_API_KEY)");
  command->add_option("--timeout", flags->timeout_s, "with --model: seconds for each answer; after the first that takes longer, 5 at most for the others")->capture_default_str()->check(CLI::Range(0.1, 3600.0));
  command->callback([&context, flags] {
    context.action = [&context, flags] {
      return flags->model.empty() ? show(context, examine(context)) : ask_server(context, *flags);
    };
  });
}

}  // namespace hone::cli
