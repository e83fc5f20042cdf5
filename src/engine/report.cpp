#include "engine/report.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <ctime>

#include "core/error.h"
#include "embedded/web_file.h"
#include "hone_version.h"
#include "store/upkeep.h"
#include "wire/base64.h"

namespace hone {

using wire::Json;

namespace {

const ArmResult* row_of(const ReportData& data, ArmRole role) {
  for (const auto& row : data.arms)
    if (row.arm.role == role) return &row;
  return nullptr;
}

Json score_json(const std::string& name, const Interval& score) {
  return {{"arm", name}, {"score", score.mean}, {"low", score.low}, {"high", score.high}, {"tasks", score.n}};
}

std::int64_t tokens_of(const Usage& usage) { return usage.prompt_tokens + usage.generated_tokens; }

Json arms_json(const ReportData& data) {
  Json out = Json::array();
  for (const auto& row : data.arms) {
    Json j = score_json(row.arm.name, row.test.score);
    j["name"] = row.arm.name;
    j["agent"] = agent_label(row.arm.agent.name, row.arm.agent.settings);
    j["seeds"] = 1;
    j["tokens"] = tokens_of(row.test.usage);
    j["seconds"] = row.test.usage.seconds;
    j["money"] = row.test.usage.money;
    j["faults"] = row.test.faults;
    j["validation"] = row.validation ? score_json(row.arm.name, row.validation->score) : Json();
    j["baseline"] = row.arm.role == ArmRole::baseline;
    j["learned"] = row.arm.role == ArmRole::learned;
    j["default"] = row.best;
    j["note"] = row.arm.note;
    if (!row.test.infos.empty()) j["infos"] = row.test.infos, j["scores"] = row.test.scores;
    if (!row.folds.empty()) {
      const auto over = mean_and_error(row.folds);
      j["folds"] = {{"scores", row.folds}, {"n", over.n}, {"mean", over.mean}, {"standard_error", over.error}};
    }
    j["difference"] = nullptr;
    if (row.arm.role != ArmRole::baseline) {
      j["difference"] = interval_json(row.against_baseline.difference);
      j["difference"]["p"] = row.against_baseline.p;
      j["difference"]["test"] = row.against_baseline.test;
    }
    out.push_back(std::move(j));
  }
  return out;
}

Json curve_json(const ReportData& data) {
  Json out = Json::array();
  for (const auto& point : data.curve)
    out.push_back({{"split", "validation"}, {"episodes", point.tasks_seen}, {"tasks_seen", point.tasks_seen}, {"version", point.version}, {"score", point.result.score.mean},
                   {"low", point.result.score.low}, {"high", point.result.score.high}, {"tasks", point.result.score.n}});
  return out;
}

std::string form_of(const Lesson& lesson) {
  static const char* names[] = {"insight", "skill", "example", "weights"};
  return names[lesson.what.index()];
}

std::string text_of(const Lesson& lesson) {
  if (const auto* insight = std::get_if<Insight>(&lesson.what)) return insight->text;
  if (const auto* skill = std::get_if<Skill>(&lesson.what)) return skill->name + ": " + skill->doc;
  if (const auto* example = std::get_if<Case>(&lesson.what)) return example->transcript;
  return std::get<Weights>(lesson.what).artifact_sha;
}

Json lessons_json(const ReportData& data) {
  Json out = Json::array();
  std::map<std::string, LessonCredit> credit;
  std::map<std::string, Episode> episodes;
  for (auto& e : data.store->episodes({.run = data.run, .with_steps = false})) episodes[e.id] = e;
  for (const auto& scope : data.store->scopes(data.run))
    for (auto& c : data.store->credit(scope.scope)) credit[c.lesson] = c;
  for (const auto& stored : data.store->lessons({.scope = std::nullopt, .run = data.run})) {
    const Lesson& lesson = stored.lesson;
    Json j{{"id", lesson.id}, {"form", form_of(lesson)}, {"text", text_of(lesson)}, {"version", stored.added}};
    if (const auto* example = std::get_if<Case>(&lesson.what)) {
      j["task"] = example->task;
      j["outcome"] = example->solved ? "solved" : "not solved";
      if (!example->actions.empty()) j["action"] = example->actions.back();
    }
    if (const auto* insight = std::get_if<Insight>(&lesson.what)) j["count"] = insight->count;
    j["evidence"] = Json::array();
    for (const auto& id : lesson.evidence) {
      Json e{{"id", id}, {"task", ""}, {"solved", nullptr}};
      if (const auto it = episodes.find(id); it != episodes.end()) {
        e["task"] = it->second.task.goal;
        e["solved"] = it->second.solved;
      }
      j["evidence"].push_back(std::move(e));
    }
    j["credit"] = nullptr;
    j["uses"] = 0;
    if (const auto it = credit.find(lesson.id); it != credit.end()) {
      const auto& c = it->second;
      j["uses"] = c.with_n;
      j["credit"] = {{"randomised", c.randomised}, {"used", c.with_n}, {"used_score", c.with_mean}, {"withheld", c.without_n},
                     {"withheld_score", c.without_mean}, {"difference", c.difference}, {"low", c.low}, {"high", c.high}};
    }
    out.push_back(std::move(j));
  }
  return out;
}

Json move_json(const Observation& seen, const Move& move, bool solved) {
  Json top = Json::array();
  if (move.preference.size() == seen.choices.size() && !seen.choices.empty()) {
    // Preferences are on a log scale: shown as the shares that they stand for.
    const double best = *std::max_element(move.preference.begin(), move.preference.end());
    double sum = 0.0;
    std::vector<std::pair<double, std::size_t>> shares;
    for (std::size_t i = 0; i < seen.choices.size(); ++i) {
      shares.emplace_back(std::exp(move.preference[i] - best), i);
      sum += shares.back().first;
    }
    std::sort(shares.rbegin(), shares.rend());
    for (std::size_t i = 0; i < std::min<std::size_t>(3, shares.size()); ++i)
      top.push_back({{"choice", seen.choices[shares[i].second]}, {"p", shares[i].first / sum}});
  }
  return {{"move", move.action}, {"solved", solved}, {"top", std::move(top)}};
}

Json changes_json(const ReportData& data) {
  Json out = Json::array();
  for (const auto& change : data.changes) {
    Json lesson{{"id", change.lesson}, {"text", ""}, {"similarity", change.similarity}};
    if (const auto stored = data.store->lesson(change.lesson)) {
      lesson["text"] = text_of(stored->lesson);
      if (const auto* example = std::get_if<Case>(&stored->lesson.what)) {
        lesson["task"] = example->task;
        lesson["text"] = example->task + " → " + (example->actions.empty() ? "" : example->actions.back());
      }
    }
    out.push_back({{"task", change.task.goal}, {"lesson", std::move(lesson)}, {"without", move_json(change.seen, change.without, change.solved_without)},
                   {"with", move_json(change.seen, change.with, change.solved_with)}});
  }
  return out;
}

Json cost_json(const std::string& phase, const Usage& usage) {
  return {{"phase", phase}, {"calls", usage.calls}, {"prompt_tokens", usage.prompt_tokens}, {"cached_tokens", usage.cached_tokens},
          {"generated_tokens", usage.generated_tokens}, {"seconds", usage.seconds}, {"money", usage.money}};
}

Json training_json(const ReportData& data) {
  Json out = Json::array();
  auto episodes = data.store->episodes({.run = data.run, .key_prefix = "learn/", .with_steps = true});
  // Insertion order depends on the number in flight; the key's numbers don't.
  auto place = [](const std::string& key) {
    std::vector<long> numbers;
    for (std::size_t i = 0; i < key.size();) {
      if (key[i] >= '0' && key[i] <= '9') numbers.push_back(std::strtol(key.c_str() + i, nullptr, 10));
      i = key.find('/', i);
      if (i == std::string::npos) break;
      ++i;
    }
    return numbers;
  };
  std::sort(episodes.begin(), episodes.end(), [&](const Episode& a, const Episode& b) { return place(a.key) < place(b.key); });
  int n = 0;
  for (const auto& e : episodes)
    out.push_back({{"n", ++n}, {"task", wire::valid_utf8(std::string_view(e.task.goal).substr(0, 200))}, {"solved", e.solved}, {"moves", e.steps.size()}, {"attempt", e.attempt}});
  return out;
}

// Metrics over the rounds, a series each, in the order of their names: [[round, value], ...]. Long ones are thinned to a few hundred points.
Json rounds_json(const ReportData& data) {
  constexpr std::size_t most = 300;
  std::map<std::string, std::vector<std::pair<std::int64_t, double>>> series;
  for (const auto& m : data.store->metrics(data.run)) series[m.name].emplace_back(m.round, m.value);
  Json out = Json::array();
  for (const auto& [name, values] : series) {
    Json points = Json::array();
    const std::size_t step = (values.size() + most - 1) / most;
    for (std::size_t i = 0; i < values.size(); i += step) points.push_back({values[i].first, values[i].second});
    out.push_back({{"name", name}, {"values", std::move(points)}});
  }
  return out;
}

Json recordings_json(const ReportData& data) {
  Json out = Json::array();
  for (std::size_t i = 0; i < data.recordings.size(); ++i) {
    const Recording& r = data.recordings[i];
    Json pictures = Json::array();
    for (const auto& p : r.pictures) pictures.push_back(wire::to_base64(p));
    out.push_back({{"task", r.task}, {"score", r.score}, {"width", r.width}, {"height", r.height}, {"colours", r.colours}, {"every", r.every}, {"steps", r.steps}, {"file", recording_file(i)}, {"pictures", std::move(pictures)}});
  }
  return out;
}

Json faults_json(const ReportData& data) {
  Json out = Json::array();
  for (const auto& f : data.faults) out.push_back({{"of", f.of}, {"tries", f.tries}, {"faults", f.faults}, {"first", f.first}});
  return out;
}

// As a shell takes it for one word.
std::string shell_word(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isalnum(c) != 0 || std::strchr("_-./=:,+", c) != nullptr; });
  if (plain) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

void replace(std::string& text, const std::string& marker, const std::string& value) {
  const auto at = text.find(marker);
  if (at == std::string::npos) throw Error(Fault::internal, "web/report.html lacks its marker " + marker);
  text.replace(at, marker.size(), value);
}

}  // namespace

// What somebody else's program or server says may be long.
void Faults::count(const Episode& episode) {
  constexpr std::size_t longest = 300;
  ++tries;
  if (episode.ending != Ending::fault) return;
  if (faults++ == 0) first = wire::valid_utf8(std::string_view(episode.fault).substr(0, longest)) + (episode.fault.size() > longest ? "..." : "");
}

std::string Faults::told() const {
  return of + ": " + std::to_string(faults) + " of " + std::to_string(tries) + " tries ended by a fault and count as not solved; the first: " + first;
}

std::string Faults::nothing_got_through() const { return "every try that asked the model ended by a fault; the first of '" + of + "': " + first; }

std::vector<Faults> faults_of(const ReportData& data) {
  std::vector<Faults> all{{.of = "learning"}};
  for (const auto& episode : data.store->episodes({.run = data.run, .key_prefix = "learn/", .with_steps = false})) all[0].count(episode);
  for (const auto& row : data.arms) {
    Faults& of = all.emplace_back(Faults{.of = row.arm.name});
    if (row.validation)
      for (const auto& episode : row.validation->episodes) of.count(episode);
    for (const auto& episode : row.test.episodes) of.count(episode);
  }
  std::erase_if(all, [](const Faults& f) { return f.faults == 0; });
  return all;
}

std::string why_failed(const ReportData& data) {
  const auto none_got_through = [&](const std::string& of) {
    return std::any_of(data.faults.begin(), data.faults.end(), [&](const Faults& f) { return f.of == of && f.faults == f.tries; });
  };
  bool any = data.arms.empty() && none_got_through("learning");
  for (const auto& row : data.arms) {
    const bool none = none_got_through(row.arm.name);
    any = any || none;
    if (!none && row.test.usage.calls > 0) return {};
  }
  if (!any) return {};
  return std::find_if(data.faults.begin(), data.faults.end(), [](const Faults& f) { return f.faults == f.tries; })->nothing_got_through();
}

Json interval_json(const Interval& interval) { return {{"mean", interval.mean}, {"low", interval.low}, {"high", interval.high}}; }

Json result_json(const ReportData& data) {
  Json out;
  const auto* baseline = row_of(data, ArmRole::baseline);
  const auto* learned = row_of(data, ArmRole::learned);
  out["faults"] = faults_json(data);
  if (const auto why = why_failed(data); !why.empty()) out["failed"] = why;
  if (baseline == nullptr || learned == nullptr) {
    out["seconds"] = data.seconds;
    out["tokens"] = tokens_of(data.learned.usage);
    out["money"] = data.learned.usage.money;
    out["report"] = data.report_path.string();
    return out;
  }
  auto side = [](const ArmResult& row) {
    auto j = score_json(row.arm.name, row.test.score);
    return j;
  };
  out["baseline"] = side(*baseline);
  out["learned"] = side(*learned);
  out["difference"] = interval_json(learned->against_baseline.difference);
  out["difference"]["p"] = learned->against_baseline.p;
  out["difference"]["test"] = learned->against_baseline.test;
  out["seconds"] = data.seconds;
  Usage all = data.learned.usage;
  for (const auto& row : data.arms) {
    all += row.test.usage;
    if (row.validation) all += row.validation->usage;
  }
  for (const auto& point : data.curve) all += point.result.usage;
  out["tokens"] = tokens_of(all);
  out["money"] = all.money;
  for (const auto& row : data.arms)
    if (row.best) out["default"] = row.arm.name;
  out["report"] = data.report_path.string();
  return out;
}

Json report_json(const ReportData& data) {
  const Recipe& recipe = *data.recipe;
  char created[32] = "";
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::strftime(created, sizeof created, "%Y-%m-%d %H:%M UTC", &utc);
  Usage test, validation, curve;
  for (const auto& row : data.arms) {
    test += row.test.usage;
    if (row.validation) validation += row.validation->usage;
  }
  for (const auto& point : data.curve) curve += point.result.usage;
  const auto rates = data.store->rates(scope_of(data.run));
  const std::string command = recipe.path.rfind("builtin:", 0) == 0 ? recipe.path.substr(8) : recipe.path;
  const std::string title = recipe.name + ": " + recipe.method.name + (recipe.model.empty() ? "" : " with " + recipe.model);
  Json out{{"title", title}, {"created", created}, {"version", std::string(hone_version)}};
  out["recipe"] = {{"name", recipe.name}, {"yaml", recipe.text}, {"path", recipe.path}};
  out["run"] = {{"id", data.run}, {"seed", recipe.seed}, {"env", recipe.env.name}, {"method", recipe.method.name}, {"agent", data.opened->reflex() ? "" : recipe.agent.name},
                {"model", recipe.model}, {"model_sha", data.opened->model_sha()}, {"embedder", recipe.embedder}, {"cpu", cpu_name()},
                {"deterministic", recipe.deterministic}, {"in_flight", recipe.in_flight}, {"resumed", data.resumed}, {"ended_by", data.learned.ended_by}};
  out["result"] = result_json(data);
  out["arms"] = arms_json(data);
  out["curve"] = curve_json(data);
  out["training"] = training_json(data);
  out["rounds"] = rounds_json(data);
  out["recordings"] = recordings_json(data);
  out["lessons"] = lessons_json(data);
  out["changes"] = changes_json(data);
  out["costs"] = Json::array({cost_json("learning", data.learned.usage), cost_json("learning curve", curve), cost_json("validation", validation), cost_json("test", test)});
  out["store"] = {{"episodes", data.opened->reflex() ? data.learned.episodes : data.store->count_episodes({.run = data.run})}, {"lessons", rates.live}, {"duplicates", rates.duplicate_rate},
                  {"junk", rates.junk_rate}, {"path", store_path(data.home).string()}};
  out["faults"] = faults_json(data);
  out["warnings"] = data.warnings;
  std::string again = "hone learn " + shell_word(command) + " --fresh";
  for (const auto& o : recipe.overrides) again += " --set " + shell_word(o);
  out["repeat"] = Json::array({again, "hone runs show " + data.run, "hone store list"});
  return out;
}

std::string recording_file(std::size_t i) { return "recording-" + std::to_string(i + 1) + ".gif"; }

std::string report_html(const Json& report) {
  std::string page(web_file("report.html"));
  std::string json = wire::dump(report), safe;
  for (char c : json) safe += c == '<' ? "\\u003c" : std::string(1, c);  // "</script>" inside a text stays text
  std::string summary;
  if (report.contains("result") && report["result"].contains("baseline")) {
    const auto percent = [](const Json& share) { return std::to_string(std::lround(100.0 * share.get<double>())) + "%"; };
    const auto side = [&](const char* name) {
      const Json& s = report["result"][name];
      return percent(s["score"]) + " (95% interval " + percent(s["low"]) + " to " + percent(s["high"]) + ")";
    };
    summary = "Without experience " + side("baseline") + ", with experience " + side("learned") + ", on " +
              std::to_string(report["result"]["learned"]["tasks"].get<int>()) + " unseen tasks.";
  }
  replace(page, "<!--HONE_SUMMARY-->", summary);
  replace(page, "/*HONE_DATA*/null", safe);
  return page;
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  const std::string part = path.string() + ".part";
  const int fd = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  auto fail = [&](const char* what) {
    const std::string why = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    ::unlink(part.c_str());
    return Error(Fault::io, path.string() + ": " + what + ": " + why);
  };
  if (fd < 0) throw fail("can't be written");
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) throw fail("can't be written");
    done += static_cast<std::size_t>(n);
  }
  if (::fsync(fd) != 0) throw fail("can't be flushed to disk");
  ::close(fd);
  std::filesystem::rename(part, path);
}

}  // namespace hone
