#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <sstream>

#include "cli/app.h"
#include "cli/terminal.h"
#include "engine/opened.h"
#include "hone_version.h"
#include "models/catalogue.h"
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

std::vector<Finding> examine(const Context& context) {
  std::vector<Finding> out;
  out.push_back({"version", "hone " + std::string(hone_version) + " (" + std::string(build_compiler) + ", " + std::string(build_type) + ")", ""});
  out.push_back({"CPU", cpu_name(), ""});
  const std::string features = cpu_features();
  out.push_back({"CPU features", features, ""});
  const bool fits = llama_cpu == "baseline" || features.find(llama_cpu == "avx512" ? "avx512_bf16" : "avx2") != std::string::npos;
  out.push_back({"llama.cpp", std::string(llama_release) + " for " + std::string(llama_cpu), fits ? "" : "built for another CPU: run scripts/setup and build again", fits});
  for (const auto& m : model_catalogue()) {
    const auto status = model_status(m.name);
    const bool needed = m.name == "smollm2-135m" || m.name == "all-minilm-l6-v2";
    out.push_back({"model " + std::string(m.name), status.present ? status.path.string() : "not pulled", status.present ? "" : "hone model pull " + std::string(m.name), status.present || !needed});
  }
  for (const char* program : {"python3", "pip3", "bwrap", "chromium"}) {
    const bool there = on_path(program);
    const bool needed = std::string(program) == "python3";
    out.push_back({program, there ? "found" : "not found", there ? "" : (needed ? "needed to pull models from packages and for the examples" : "only some tests and pulls use it"), there || !needed});
  }
  std::error_code error;
  const auto space = std::filesystem::space(std::filesystem::exists(context.home) ? context.home : std::filesystem::current_path(), error);
  if (!error) out.push_back({"free disk", bytes_text(static_cast<double>(space.available)), space.available < 1000000000 ? "less than 1 GB is left" : "", space.available >= 1000000000});
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

}  // namespace

void add_doctor(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("doctor", "what is installed, what is missing, what this CPU can do");
  command->callback([&context] {
    context.action = [&context] {
      bool ok = true;
      wire::Json all = wire::Json::array();
      std::vector<std::vector<std::string>> rows;
      for (const auto& f : examine(context)) {
        ok = ok && f.ok;
        all.push_back({{"what", f.what}, {"state", f.state}, {"ok", f.ok}, {"hint", f.hint}});
        rows.push_back({f.ok ? "ok" : "MISSING", f.what, f.state, f.hint});
      }
      if (context.json) print_json({{"ok", ok}, {"findings", all}});
      else print_table({"", "what", "state", "what to do"}, rows);
      return ok ? 0 : 1;
    };
  });
}

}  // namespace hone::cli
