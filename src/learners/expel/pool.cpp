#include "learners/expel/pool.h"

#include <algorithm>

#include "wire/id.h"
#include "wire/read.h"

namespace hone::expel {

using wire::Fields;
using wire::Json;

TaskRecord record_of(const Task& task) {
  TaskRecord record;
  record.id = wire::valid_utf8(task.id);
  record.kind = wire::valid_utf8(task.kind);
  record.text = wire::valid_utf8(task.goal);
  return record;
}

Outcome outcome_of(const TaskRecord& record) {
  if (!record.solved) return Outcome::never;
  return record.failures > 0 ? Outcome::compare : Outcome::first_try;
}

std::vector<Rule> rules_of(const std::vector<Listed>& list) {
  std::vector<Rule> out;
  for (const auto& listed : list) out.push_back(listed.rule);
  return out;
}

std::vector<Dropped> update_list(std::vector<Listed>& list, std::span<const Operation> operations, const ListOptions& options,
                                 const Origin& origin, LessonDelta& delta) {
  Applied applied = apply_operations(rules_of(list), operations, options);
  std::vector<Listed> next;
  std::vector<bool> stays(list.size(), false);
  for (const auto& changed : applied.rules) {
    const Listed before = changed.from < 0 ? Listed{} : list[static_cast<std::size_t>(changed.from)];
    if (changed.from >= 0 && !changed.touched) stays[static_cast<std::size_t>(changed.from)] = true;
    if (changed.from >= 0 && !changed.touched) {
      next.push_back(before);
      continue;
    }
    Listed now{new_id(), changed.rule, before.evidence};
    for (const auto& id : origin.evidence)
      if (std::find(now.evidence.begin(), now.evidence.end(), id) == now.evidence.end()) now.evidence.push_back(id);
    Lesson lesson;
    lesson.id = now.id;
    lesson.scope = origin.scope;
    lesson.what = Insight{now.rule.text, now.rule.count};
    lesson.keys = {{RecallKey::task, now.rule.text}};
    lesson.evidence = now.evidence;
    lesson.prompt_hash = origin.prompt_hash;
    lesson.parent = before.id;
    delta.add.push_back(std::move(lesson));
    next.push_back(std::move(now));
  }
  for (std::size_t i = 0; i < list.size(); ++i)
    if (!stays[i]) delta.retire.push_back(list[i].id);
  list = std::move(next);
  return std::move(applied.dropped);
}

Json to_json(const TaskRecord& record) {
  Json tries = Json::array();
  for (const auto& t : record.tries) tries.push_back({{"episode", t.episode}, {"solved", t.solved}, {"steps", t.steps}});
  return {{"id", record.id},
          {"kind", record.kind},
          {"text", record.text},
          {"tries", std::move(tries)},
          {"reflections", record.reflections},
          {"last_episode", record.last_episode},
          {"attempts", record.attempts},
          {"failures", record.failures},
          {"solved", record.solved}};
}

TaskRecord record_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  TaskRecord record;
  f.need("id", record.id);
  f.need("kind", record.kind);
  f.need("text", record.text);
  f.required("tries");
  f.list("tries", record.tries, [](const Json& j, const std::string& where) {
    const Fields g(j, where);
    Try t;
    g.need("episode", t.episode);
    g.need("solved", t.solved);
    g.need("steps", t.steps);
    return t;
  });
  f.need("reflections", record.reflections);
  f.need("last_episode", record.last_episode);
  f.need("attempts", record.attempts);
  f.need("failures", record.failures);
  f.need("solved", record.solved);
  return record;
}

Json to_json(const Listed& listed) {
  return {{"id", listed.id}, {"text", listed.rule.text}, {"count", listed.rule.count}, {"evidence", listed.evidence}};
}

Listed listed_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  Listed listed;
  f.need("id", listed.id);
  f.need("text", listed.rule.text);
  f.need("count", listed.rule.count);
  f.need("evidence", listed.evidence);
  return listed;
}

}  // namespace hone::expel
