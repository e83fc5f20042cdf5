// JSON forms of lessons.
#include "wire/names.h"

namespace hone::wire {
namespace {

constexpr Names<RecallKey, 5> recall_keys{{{RecallKey::task, "task"},
                                           {RecallKey::thought, "thought"},
                                           {RecallKey::action, "action"},
                                           {RecallKey::step, "step"},
                                           {RecallKey::reflection, "reflection"}}};
constexpr Names<Weights::Form, 3> weight_forms{
    {{Weights::Form::full, "full"}, {Weights::Form::lora, "lora"}, {Weights::Form::net, "net"}}};

Json form_to_json(const Insight& i) {
  return {{"form", "insight"}, {"text", valid_utf8(i.text)}, {"count", i.count}};
}

Json form_to_json(const Skill& s) {
  return {{"form", "skill"},
          {"name", valid_utf8(s.name)},
          {"language", valid_utf8(s.language)},
          {"code", valid_utf8(s.code)},
          {"doc", valid_utf8(s.doc)}};
}

Json form_to_json(const Case& c) {
  return {{"form", "case"},
          {"task_id", valid_utf8(c.task_id)},
          {"task", valid_utf8(c.task)},
          {"transcript", valid_utf8(c.transcript)},
          {"thoughts", strings(c.thoughts)},
          {"actions", strings(c.actions)},
          {"solved", c.solved}};
}

Json form_to_json(const Weights& w) {
  return {{"form", "weights"},
          {"base_sha", valid_utf8(w.base_sha)},
          {"artifact_sha", valid_utf8(w.artifact_sha)},
          {"arch", valid_utf8(w.arch)},
          {"tokenizer_sha", valid_utf8(w.tokenizer_sha)},
          {"weights", name_of(weight_forms, w.form)}};
}

void read_what(const Json& json, const std::string& at, Lesson& lesson) {
  const Fields f(json, at);
  std::string form;
  f.need("form", form);
  if (form == "insight") {
    Insight i;
    f.need("text", i.text);
    f.get("count", i.count);
    lesson.what = std::move(i);
  } else if (form == "skill") {
    Skill s;
    f.need("name", s.name);
    f.get("language", s.language);
    f.need("code", s.code);
    f.get("doc", s.doc);
    lesson.what = std::move(s);
  } else if (form == "case") {
    Case c;
    f.get("task_id", c.task_id);
    f.need("task", c.task);
    f.need("transcript", c.transcript);
    f.get("thoughts", c.thoughts);
    f.get("actions", c.actions);
    f.get("solved", c.solved);
    lesson.what = std::move(c);
  } else if (form == "weights") {
    Weights w;
    f.get("base_sha", w.base_sha);
    f.need("artifact_sha", w.artifact_sha);
    f.get("arch", w.arch);
    f.get("tokenizer_sha", w.tokenizer_sha);
    get_enum(f, "weights", weight_forms, w.form);
    lesson.what = std::move(w);
  } else {
    expected(f.at("form"), "one of insight, skill, case, weights", json["form"]);
  }
}

LessonKey lesson_key_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  LessonKey key;
  get_enum(f, "kind", recall_keys, key.kind);
  f.need("text", key.text);
  return key;
}

}  // namespace

std::string_view to_string(RecallKey key) { return name_of(recall_keys, key); }

Json to_json(const Lesson& l) {
  Json json{{"id", valid_utf8(l.id)},
            {"scope", valid_utf8(l.scope)},
            {"learner", valid_utf8(l.learner)},
            {"env", valid_utf8(l.env)},
            {"kind", valid_utf8(l.kind)}};
  json["what"] = std::visit([](const auto& what) { return form_to_json(what); }, l.what);
  json["keys"] = Json::array();
  for (const auto& key : l.keys)
    json["keys"].push_back({{"kind", to_string(key.kind)}, {"text", valid_utf8(key.text)}});
  json["evidence"] = strings(l.evidence);
  json["prompt_hash"] = valid_utf8(l.prompt_hash);
  json["parent"] = valid_utf8(l.parent);
  json["created_ms"] = l.created_ms;
  return json;
}

Lesson lesson_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  Lesson l;
  f.get("id", l.id);
  f.get("scope", l.scope);
  f.get("learner", l.learner);
  f.get("env", l.env);
  f.get("kind", l.kind);
  read_what(f.required("what"), f.at("what"), l);
  f.list("keys", l.keys, lesson_key_from_json);
  f.get("evidence", l.evidence);
  f.get("prompt_hash", l.prompt_hash);
  f.get("parent", l.parent);
  f.get("created_ms", l.created_ms);
  return l;
}

}  // namespace hone::wire
