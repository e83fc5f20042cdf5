// Tries as training data: chats of what was solved, pairs of what was solved and what was not, moves marked with how their try ended. What the world showed is the user, moves
// are the assistant's, as agent `chat` plays; the task's goal stands before the first thing shown.
#include <map>

#include "store/impl.h"
#include "store/transfer.h"

namespace hone::store_detail {

namespace {

wire::Json message(const char* role, const std::string& content) { return {{"role", role}, {"content", content}}; }

// What stood before move `at`, the moves themselves included.
wire::Json conversation(const Episode& e, std::size_t at) {
  wire::Json out = wire::Json::array();
  for (std::size_t i = 0; i <= at && i < e.steps.size(); ++i) {
    std::string shown = e.steps[i].seen.text;
    if (i == 0) shown = e.task.goal + (e.task.goal.empty() || shown.empty() ? "" : "\n") + shown;
    out.push_back(message("user", shown.empty() ? "?" : shown));
    if (i < at) out.push_back(message("assistant", e.steps[i].did.action));
  }
  return out;
}

bool acts(const Episode& e) { return !e.steps.empty() && e.ending != Ending::fault; }

// The first move in which two tries at a task part, having seen the same before it; nothing when they never do so.
std::optional<std::size_t> parting(const Episode& a, const Episode& b) {
  for (std::size_t i = 0; i < a.steps.size() && i < b.steps.size(); ++i) {
    if (a.steps[i].seen.text != b.steps[i].seen.text) return std::nullopt;
    if (a.steps[i].did.action != b.steps[i].did.action) return i;
  }
  return std::nullopt;
}

}  // namespace

void export_trl(const Store& store, const ExportOptions& options, std::ostream& out) {
  std::vector<std::string> runs = options.runs;
  if (runs.empty())
    for (const auto& run : store.runs()) runs.push_back(run.id);
  for (const auto& run : runs) {
    std::map<std::string, const Episode*> solved;  // the first of each task
    const auto episodes = store.episodes({.run = run});
    for (const auto& e : episodes) {
      if (options.format == ExportFormat::trl_kto && acts(e))
        for (std::size_t i = 0; i < e.steps.size(); ++i)
          if (!e.steps[i].did.action.empty())
            out << wire::dump({{"prompt", conversation(e, i)}, {"completion", wire::Json::array({message("assistant", e.steps[i].did.action)})}, {"label", e.solved}}) << '\n';
      if (!acts(e) || !e.solved) continue;
      solved.emplace(e.task.env + "/" + e.task.id, &e);
      if (options.format != ExportFormat::trl_sft) continue;
      auto messages = conversation(e, e.steps.size() - 1);
      messages.push_back(message("assistant", e.steps.back().did.action));
      out << wire::dump({{"messages", std::move(messages)}}) << '\n';
    }
    if (options.format != ExportFormat::trl_dpo) continue;
    for (const auto& e : episodes) {
      const auto best = solved.find(e.task.env + "/" + e.task.id);
      if (!acts(e) || e.solved || best == solved.end()) continue;
      const auto at = parting(*best->second, e);
      if (!at) continue;
      const auto said = [&](const Episode& of) { return wire::Json::array({message("assistant", of.steps[*at].did.action)}); };
      out << wire::dump({{"prompt", conversation(e, *at)}, {"chosen", said(*best->second)}, {"rejected", said(e)}}) << '\n';
    }
  }
}

}  // namespace hone::store_detail
