#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/app.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "engine/learn.h"
#include "engine/opened.h"
#include "models/backend.h"
#include "store/store.h"

namespace hone::cli {

namespace {

struct RecallFlags {
  std::string query, run, by = "fused", outcome, embedder = "all-minilm-l6-v2", kind, env;
  int k = 5;
  double diversity = 0.0;
  std::int64_t version = -1;
};

int recall(const Context& context, const RecallFlags& flags) {
  need_store(context);
  const Store store(store_path(context.home), {.create = false, .read_only = true});
  std::string run = flags.run;
  if (run.empty()) {
    for (const auto& r : store.runs())
      if (store.latest_version(scope_of(r.id)) > 0) run = r.id;
    if (run.empty()) throw Error(Fault::not_found, "nothing was learned here yet: first `hone learn desk`");
  } else {
    run = store.find_run(run).id;
  }
  const std::map<std::string, RecallBy> ways{{"fused", RecallBy::fused}, {"dense", RecallBy::dense}, {"text", RecallBy::text}};
  std::unique_ptr<Embedder> embedder;
  if (flags.by != "text") embedder = open_embedder(flags.embedder);
  const auto version = flags.version >= 0 ? std::optional<std::uint64_t>(static_cast<std::uint64_t>(flags.version)) : std::nullopt;
  const auto lessons = store.snapshot(scope_of(run), version, embedder.get());
  RecallQuery query{.text = flags.query, .k = flags.k, .by = ways.at(flags.by), .diversity = flags.diversity, .filter = {}};
  query.filter.kind = flags.kind;
  query.filter.env = flags.env;
  if (!flags.outcome.empty()) query.filter.solved = flags.outcome == "solved";
  wire::Json all = wire::Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& r : lessons->recall(query)) {
    auto json = wire::to_json(r.lesson);
    json["similarity"] = r.similarity;
    json["rank_score"] = r.score;
    all.push_back(std::move(json));
    std::string text, action;
    if (const auto* c = std::get_if<Case>(&r.lesson.what)) {
      text = c->task;
      if (!c->actions.empty()) action = c->actions.back();
    } else if (const auto* i = std::get_if<Insight>(&r.lesson.what)) {
      text = i->text;
    }
    const bool by_text = query.by == RecallBy::text;  // no vectors, no cosine
    rows.push_back({fmt::format("{:.4f}", r.score), by_text ? "" : fmt::format("{:.3f}", r.similarity), r.lesson.id, action, text});
  }
  if (context.json) print_json(all);
  else print_table({flags.by + " score", "cosine", "lesson", "action", "text"}, rows);
  return 0;
}

}  // namespace

void add_recall(CLI::App& app, Context& context) {
  auto flags = std::make_shared<RecallFlags>();
  auto* command = app.add_subcommand("recall", "what experience says about a text");
  command->add_option("query", flags->query, "a text, as a task would put it")->required();
  command->add_option("-k", flags->k, "how many")->capture_default_str()->check(CLI::Range(1, 1000));
  command->add_option("--run", flags->run, "whose lessons (default: the newest run that learned something)");
  command->add_option("--by", flags->by, "fused | dense | text: vectors and words together, vectors, words")->capture_default_str()->check(CLI::IsMember({"fused", "dense", "text"}));
  command->add_option("--outcome", flags->outcome, "solved | failed: cases with that outcome only")->check(CLI::IsMember({"solved", "failed"}));
  command->add_option("--kind", flags->kind, "task kind");
  command->add_option("--env", flags->env, "world");
  command->add_option("--diversity", flags->diversity, "0 = only relevance, 1 = only difference (MMR)")->capture_default_str()->check(CLI::Range(0.0, 1.0));
  command->add_option("--version", flags->version, "the lessons as they were at this version")->check(CLI::NonNegativeNumber);
  command->add_option("--embedder", flags->embedder, "must be the one that the run used")->capture_default_str();
  command->callback([flags, &context] { context.action = [flags, &context] { return recall(context, *flags); }; });
}

}  // namespace hone::cli
