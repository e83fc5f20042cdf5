#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <sstream>

#include "cli/app.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "engine/opened.h"
#include "engine/report.h"
#include "store/transfer.h"
#include "store/upkeep.h"

namespace hone::cli {

namespace {

struct StoreFlags {
  ExportFormat format = ExportFormat::store;
  std::string id, path, run, env, out = "-", chat_env = "chat";
  bool canonical = false, lessons = false, dry_run = false, yes = false;
  int limit = 20, keep_best = 0, older_than_days = 0;
};

enum class Opening { read, change, create };  // change: it must be there
Store open(const Context& context, Opening how) {
  if (how == Opening::create) std::filesystem::create_directories(context.home);
  else need_store(context);
  return Store(store_path(context.home), {.create = how == Opening::create, .read_only = how == Opening::read});
}

std::string lesson_text(const Lesson& lesson) {
  if (const auto* i = std::get_if<Insight>(&lesson.what)) return fmt::format("({}) {}", i->count, i->text);
  if (const auto* c = std::get_if<Case>(&lesson.what)) return c->task + " → " + (c->actions.empty() ? std::string() : c->actions.back());
  if (const auto* s = std::get_if<Skill>(&lesson.what)) return s->name;
  return std::get<Weights>(lesson.what).artifact_sha;
}

int list(const Context& context, const StoreFlags& flags) {
  const Store store = open(context, Opening::read);
  if (flags.lessons) {
    wire::Json all = wire::Json::array();
    std::vector<std::vector<std::string>> rows;
    for (const auto& s : store.lessons({.scope = std::nullopt, .run = flags.run.empty() ? "" : store.find_run(flags.run).id, .env = flags.env, .limit = flags.limit})) {
      all.push_back(wire::to_json(s.lesson));
      rows.push_back({s.lesson.id, s.lesson.learner, s.lesson.env, std::to_string(s.added), lesson_text(s.lesson)});
    }
    if (context.json) print_json(all);
    else print_table({"lesson", "method", "world", "version", "text"}, rows);
    return 0;
  }
  EpisodeQuery query{.env = flags.env, .order = EpisodeOrder::newest, .limit = flags.limit, .with_steps = false};
  if (!flags.run.empty()) query.run = store.find_run(flags.run).id;
  wire::Json all = wire::Json::array();
  std::vector<std::vector<std::string>> rows;
  for (const auto& e : store.episodes(query)) {
    all.push_back(wire::to_json(e));
    rows.push_back({e.id, e.task.env, e.solved ? "solved" : std::string(wire::to_string(e.ending)), fmt::format("{:.2f}", e.score), e.task.goal});
  }
  if (context.json) print_json(all);
  else {
    print_table({"episode", "world", "ending", "score", "task"}, rows);
    print(dim(fmt::format("{} in {}; the newest {} shown (--limit, --lessons)", counted(static_cast<double>(store.count_episodes(query)), "episode"), store.path().string(), rows.size())));
  }
  return 0;
}

int show(const Context& context, const std::string& id) {
  const Store store = open(context, Opening::read);
  if (const auto e = store.episode(id)) {
    print(context.json ? wire::dump(wire::to_json(*e)) : printable_lines(wire::to_json(*e).dump(2, ' ', false, wire::Json::error_handler_t::replace)));
    if (!context.json) print(fmt::format("lessons that rest on it: {}", store.resting_on(id).size()));
    return 0;
  }
  if (const auto l = store.lesson(id)) {
    auto json = wire::to_json(l->lesson);
    json["added"] = l->added;
    json["retired"] = l->retired;
    print(context.json ? wire::dump(json) : printable_lines(json.dump(2, ' ', false, wire::Json::error_handler_t::replace)));
    return 0;
  }
  throw Error(Fault::not_found, "no episode and no lesson has the id '" + id + "'");
}

int export_all(const Context& context, const StoreFlags& flags) {
  const Store store = open(context, Opening::read);
  ExportOptions options;
  options.canonical = flags.canonical;
  options.format = flags.format;
  if (flags.canonical && flags.format != ExportFormat::store) throw Error(Fault::usage, "--canonical: only for --format store");
  if (!flags.run.empty()) options.runs = {store.find_run(flags.run).id};
  if (flags.out == "-") {
    export_jsonl(store, std::cout, options);
    std::cout.flush();
    if (!std::cout) throw Error(Fault::io, "standard output can't be written");
    return 0;
  }
  export_file(store, flags.out, options);
  return 0;
}

// A lesson's, or the newest that a run published.
int write_weights(const Context& context, const StoreFlags& flags) {
  const Store store = open(context, Opening::read);
  std::optional<Lesson> found;
  if (auto one = store.lesson(flags.id)) found = std::move(one->lesson);
  else
    for (auto& s : store.lessons({.scope = std::nullopt, .run = store.find_run(flags.id).id}))
      if (std::holds_alternative<Weights>(s.lesson.what)) found = std::move(s.lesson);
  const auto* weights = found ? std::get_if<Weights>(&found->what) : nullptr;
  if (weights == nullptr) throw Error(Fault::not_found, "'" + flags.id + "' published no weights");
  const auto bytes = store.artifact(weights->artifact_sha);
  if (!bytes) throw Error(Fault::not_found, "the weights of lesson " + found->id + " are not in the store");
  write_file(flags.out, std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
  if (context.json) print_json({{"lesson", found->id}, {"sha256", weights->artifact_sha}, {"bytes", bytes->size()}, {"out", flags.out}});
  else print(fmt::format("{}: {} bytes, weights of lesson {} ({})", flags.out, bytes->size(), found->id, found->learner));
  return 0;
}

// Runs what fills a store; one that was not there before and stays empty because of an error goes again.
template <class Fill>
auto filled(const Context& context, Fill fill) {
  const bool fresh = !std::filesystem::exists(store_path(context.home));
  Store store = open(context, Opening::create);
  try {
    return fill(store);
  } catch (const Error&) {
    if (fresh) discard_if_empty(std::move(store));
    throw;
  }
}

int import_file(const Context& context, const StoreFlags& flags) {
  if (std::filesystem::is_directory(flags.path)) throw Error(Fault::usage, flags.path + ": expected a file of JSON lines, got a directory");
  std::ifstream file(flags.path, std::ios::binary);
  if (!file) throw Error(Fault::usage, flags.path + ": can't be read (no such file?)");
  std::stringstream piped;  // what can't be read twice is kept
  const bool regular = std::filesystem::is_regular_file(flags.path);
  if (!regular) piped << file.rdbuf(), piped.clear();
  std::istream& in = regular ? static_cast<std::istream&>(file) : piped;
  const bool chats = starts_with_chat(in);
  ChatImport options;
  options.file = flags.path;
  options.name = std::filesystem::path(flags.path).stem().string();
  options.env = flags.chat_env;
  const auto done = filled(context, [&](Store& store) { return chats ? import_chats(store, in, options) : import_jsonl(store, in, flags.path); });
  if (context.json) print_json({{"lines", done.lines}, {"added", done.added}, {"known", done.known}});
  else print(fmt::format("{}: {} added, {} were here already", counted(static_cast<double>(done.lines), "line"), done.added, done.known));
  return 0;
}

int merge_other(const Context& context, const StoreFlags& flags) {
  std::filesystem::path other = flags.path;
  if (std::filesystem::is_directory(other)) other = store_path(other);
  const auto done = filled(context, [&](Store& store) { return merge(store, other); });
  if (context.json) print_json({{"added", done.added}, {"known", done.known}, {"conflicts", done.conflicts}});
  else print(fmt::format("{} added, {} were here already, {} differed and are kept beside ours", done.added, done.known, done.conflicts));
  return 0;
}

int prune_old(const Context& context, const StoreFlags& flags) {
  if (flags.older_than_days == 0 && flags.keep_best == 0 && flags.run.empty())
    throw Error(Fault::usage, "hone store prune: say what may go: --older-than DAYS, --keep-best N or --run RUN (with --dry-run to look first)");
  Store store = open(context, Opening::change);
  PrunePolicy policy;
  if (!flags.run.empty()) policy.runs = {store.find_run(flags.run).id};
  if (flags.older_than_days > 0) {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
    policy.before_ms = now - static_cast<std::int64_t>(flags.older_than_days) * 86400000;
  }
  policy.keep_best = flags.keep_best;
  policy.dry_run = flags.dry_run;
  const auto done = prune(store, policy);
  if (context.json) print_json({{"episodes", done.episodes}, {"kept_as_evidence", done.kept_as_evidence}, {"artifacts", done.artifacts}, {"unfinished_runs", done.unfinished_runs}, {"dry_run", flags.dry_run}});
  else print(fmt::format("{}{} and {}; kept because lessons rest on them: {}", flags.dry_run ? "would remove " : "removed ", counted(static_cast<double>(done.episodes), "episode"),
                         counted(static_cast<double>(done.artifacts), "artifact"), done.kept_as_evidence));
  if (!context.json && !done.unfinished_runs.empty()) note(fmt::format("left alone, they may go on: {}", fmt::join(done.unfinished_runs, ", ")));
  return 0;
}

int verify_all(const Context& context) {
  const Store store = open(context, Opening::read);
  const auto problems = verify(store);
  if (context.json) print_json({{"path", store.path().string()}, {"problems", problems}, {"hash", problems.empty() ? content_hash(store) : ""}});
  else if (problems.empty()) print(fmt::format("{}: sound (schema {}, content {})", store.path().string(), store.schema_version(), content_hash(store).substr(0, 16)));
  else
    for (const auto& p : problems) print(printable_lines(p));
  return problems.empty() ? 0 : 1;
}

std::string number(const std::vector<std::string>& ids, const char* one, const char* many = "") { return counted(static_cast<double>(ids.size()), one, many); }

int erase(const Context& context, const StoreFlags& flags) {
  Store store = open(context, Opening::change);
  const auto gone = flags.dry_run ? erase_preview(store, flags.id) : erase_episode(store, flags.id);
  if (context.json) {
    print_json({{"episodes", gone.episodes}, {"lessons", gone.lessons}, {"generations", gone.generations}, {"artifacts", gone.artifacts}, {"orphans", gone.orphans}, {"dry_run", flags.dry_run}});
  } else {
    print(fmt::format("{} {}, and of what rests on it {}, {}, {}; {} without it", flags.dry_run ? "would erase" : "erased", number(gone.episodes, "episode"), number(gone.lessons, "lesson"),
                      number(gone.generations, "generation"), number(gone.artifacts, "artifact"), number(gone.orphans, "later try keeps", "later tries keep")));
    if (!flags.dry_run) note("reports written earlier may still show it; `hone runs rm` removes a run with its report");
  }
  return 0;
}

}  // namespace

void add_store(CLI::App& app, Context& context) {
  auto f = std::make_shared<StoreFlags>();
  auto* command = app.add_subcommand("store", "what was experienced and learned");
  command->require_subcommand(1);
  auto act = [&context](CLI::App* sub, auto function) {
    sub->callback([&context, function] { context.action = function; });
  };
  auto* sub = command->add_subcommand("list", "episodes, newest first, or lessons");
  sub->add_flag("--lessons", f->lessons, "lessons instead of episodes");
  sub->add_option("--run", f->run, "only of this run");
  sub->add_option("--env", f->env, "only of this world");
  sub->add_option("--limit", f->limit, "how many")->capture_default_str()->check(CLI::Range(1, 1000000));
  act(sub, [&context, f] { return list(context, *f); });

  sub = command->add_subcommand("show", "one episode or lesson, whole");
  sub->add_option("id", f->id, "of an episode or a lesson (hone store list)")->required();
  act(sub, [&context, f] { return show(context, f->id); });

  sub = command->add_subcommand("export", "everything as JSON lines (docs/formats/store-export.md)");
  sub->add_option("--out", f->out, "file, - = standard output")->capture_default_str();
  sub->add_option("--run", f->run, "only this run");
  sub->add_option("--format", f->format, "store: what import takes back; trl-sft: chats of solved tries; trl-dpo: pairs of a solved and a failed try at the same task; "
                                             "trl-kto: every move, labelled with whether its try was solved")
      ->transform(CLI::Transformer(std::map<std::string, ExportFormat>{
          {"store", ExportFormat::store}, {"trl-sft", ExportFormat::trl_sft}, {"trl-dpo", ExportFormat::trl_dpo}, {"trl-kto", ExportFormat::trl_kto}}))
      ->option_text("store | trl-sft | trl-dpo | trl-kto");
  sub->add_flag("--canonical", f->canonical, "comparable between runs: ids mapped, times left out");
  act(sub, [&context, f] { return export_all(context, *f); });

  sub = command->add_subcommand("weights", "published weights as a file, for a method's start_from");
  sub->add_option("id", f->id, "of a lesson, or of a run, whose newest are taken")->required();
  sub->add_option("--out", f->out, "file")->required();
  act(sub, [&context, f] { return write_weights(context, *f); });

  sub = command->add_subcommand("import", "an export, or chat transcripts: {\"messages\": [...], \"outcome\": \"solved\"} a line");
  sub->add_option("file", f->path, "of JSON lines")->required();
  sub->add_option("--env", f->chat_env, "world's name for imported chats")->capture_default_str();
  act(sub, [&context, f] { return import_file(context, *f); });

  sub = command->add_subcommand("merge", "take over what another store has and this one lacks");
  sub->add_option("other", f->path, "its file or home directory")->required();
  act(sub, [&context, f] { return merge_other(context, *f); });

  sub = command->add_subcommand("prune", "remove episodes of finished runs that no lesson rests on");
  sub->add_option("--older-than", f->older_than_days, "only episodes older than so many days")->check(CLI::Range(1, 100000));
  sub->add_option("--keep-best", f->keep_best, "of every task, so many stay")->check(CLI::Range(0, 100000));
  sub->add_option("--run", f->run, "only of this run");
  sub->add_flag("--dry-run", f->dry_run, "say what would go");
  act(sub, [&context, f] { return prune_old(context, *f); });

  sub = command->add_subcommand("verify", "read everything and say what is wrong");
  act(sub, [&context] { return verify_all(context); });

  sub = command->add_subcommand("erase", "an episode and every lesson that rests on it");
  sub->add_option("id", f->id, "of an episode (hone store list)")->required();
  sub->add_flag("--dry-run", f->dry_run, "say what would go");
  act(sub, [&context, f] { return erase(context, *f); });
}

}  // namespace hone::cli
