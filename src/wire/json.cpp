#include "wire/json.h"

#include "wire/names.h"

namespace hone::wire {
namespace {

constexpr Names<Ending, 3> endings{
    {{Ending::terminal, "terminal"}, {Ending::cut_off, "cut_off"}, {Ending::fault, "fault"}}};
constexpr Names<LessonUse::How, 3> hows{
    {{LessonUse::offered, "offered"}, {LessonUse::used, "used"}, {LessonUse::withheld, "withheld"}}};
template <class T>
Json numbers(const std::vector<T>& values) {
  Json json = Json::array();
  for (const T value : values) json.push_back(number(value));
  return json;
}

template <class T>
Json all(const std::vector<T>& values) {
  Json json = Json::array();
  for (const auto& value : values) json.push_back(to_json(value));
  return json;
}

std::vector<float> read_floats(const Json& json, const std::string& at) {
  return Fields::elements<float>(json, at, read_double);
}

std::vector<int> read_ints(const Json& json, const std::string& at) {
  return Fields::elements<int>(json, at, [](const Json& j, const std::string& where) {
    return static_cast<int>(
        read_int(j, where, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
  });
}

Sampling sampling_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  Sampling s;
  f.get("temperature", s.temperature);
  f.get("top_k", s.top_k);
  f.get("top_p", s.top_p);
  f.get("min_p", s.min_p);
  f.get("seed", s.seed);
  f.get("max_tokens", s.max_tokens);
  f.get("stop", s.stop);
  f.get("grammar", s.grammar);
  f.get("json_schema", s.json_schema);
  f.get("hold", s.hold);
  f.get("logprobs", s.logprobs);
  return s;
}

LessonUse lesson_use_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  LessonUse use;
  f.need("lesson", use.lesson);
  get_enum(f, "how", hows, use.how);
  f.get("similarity", use.similarity);
  return use;
}

bool is_blank(const Trace& t) {
  return t.prompt_ids.empty() && t.ids.empty() && t.logp.empty() && t.entropy.empty();
}

}  // namespace

std::string_view to_string(Ending ending) { return name_of(endings, ending); }
std::string_view to_string(LessonUse::How how) { return name_of(hows, how); }

Json to_json(const Task& t) {
  Json params = Json::object();
  for (const auto& [name, value] : t.params) params[valid_utf8(name)] = valid_utf8(value);
  return {{"id", valid_utf8(t.id)},     {"env", valid_utf8(t.env)}, {"kind", valid_utf8(t.kind)},
          {"goal", valid_utf8(t.goal)}, {"seed", t.seed},           {"params", std::move(params)}};
}

Task task_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  Task t;
  f.need("id", t.id);
  f.get("env", t.env);
  f.get("kind", t.kind);
  f.get("goal", t.goal);
  f.get("seed", t.seed);
  if (const Json* params = f.find("params")) {
    if (!params->is_object()) expected(f.at("params"), "an object", *params);
    for (const auto& [name, value] : params->items())
      t.params[name] = read_string(value, f.at("params") + "." + name);
  }
  return t;
}

Json to_json(const Observation& o) {
  Json json{{"text", valid_utf8(o.text)}};
  if (!o.choices.empty()) json["choices"] = strings(o.choices);
  if (!o.features.empty()) json["features"] = numbers(o.features);
  if (!o.changed) json["changed"] = false;
  return json;
}

Observation observation_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  Observation o;
  f.need("text", o.text);
  f.get("choices", o.choices);
  if (const Json* j = f.find("features")) o.features = read_floats(*j, f.at("features"));
  f.get("changed", o.changed);
  return o;
}

Json to_json(const Usage& u) {
  return {{"calls", u.calls},
          {"prompt_tokens", u.prompt_tokens},
          {"cached_tokens", u.cached_tokens},
          {"generated_tokens", u.generated_tokens},
          {"seconds", number(u.seconds)},
          {"money", number(u.money)}};
}

Usage usage_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  Usage u;
  f.get("calls", u.calls);
  f.get("prompt_tokens", u.prompt_tokens);
  f.get("cached_tokens", u.cached_tokens);
  f.get("generated_tokens", u.generated_tokens);
  f.get("seconds", u.seconds);
  f.get("money", u.money);
  return u;
}

Json to_json(const Sampling& s) {
  Json json{{"temperature", number(s.temperature)},
            {"top_k", s.top_k},
            {"top_p", number(s.top_p)},
            {"min_p", number(s.min_p)},
            {"seed", s.seed},
            {"max_tokens", s.max_tokens},
            {"stop", strings(s.stop)},
            {"grammar", valid_utf8(s.grammar)},
            {"json_schema", valid_utf8(s.json_schema)},
            {"logprobs", s.logprobs}};
  if (!s.hold) json["hold"] = false;
  return json;
}

Json to_json(const Trace& t) {
  return {{"prompt_ids", t.prompt_ids},
          {"ids", t.ids},
          {"logp", numbers(t.logp)},
          {"entropy", numbers(t.entropy)},
          {"sampling", to_json(t.sampling)}};
}

Trace trace_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  Trace t;
  if (const Json* j = f.find("prompt_ids")) t.prompt_ids = read_ints(*j, f.at("prompt_ids"));
  if (const Json* j = f.find("ids")) t.ids = read_ints(*j, f.at("ids"));
  if (const Json* j = f.find("logp")) t.logp = read_floats(*j, f.at("logp"));
  if (const Json* j = f.find("entropy")) t.entropy = read_floats(*j, f.at("entropy"));
  if (const Json* j = f.find("sampling")) t.sampling = sampling_from_json(*j, f.at("sampling"));
  return t;
}

Json to_json(const Message& m) { return {{"role", valid_utf8(m.role)}, {"content", valid_utf8(m.content)}}; }

Message message_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  Message m;
  f.need("role", m.role);
  f.need("content", m.content);
  return m;
}

Json to_json(const Move& m) {
  Json json{{"action", valid_utf8(m.action)}};
  if (!m.thought.empty()) json["thought"] = valid_utf8(m.thought);
  if (m.choice != -1) json["choice"] = m.choice;
  if (!m.preference.empty()) json["preference"] = numbers(m.preference);
  if (m.trace) json["trace"] = to_json(*m.trace);
  for (const auto& use : m.lessons)
    json["lessons"].push_back({{"lesson", valid_utf8(use.lesson)},
                               {"how", to_string(use.how)},
                               {"similarity", number(use.similarity)}});
  return json;
}

Move move_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  Move m;
  f.need("action", m.action);
  f.get("thought", m.thought);
  f.get("choice", m.choice);
  f.list("preference", m.preference, read_double);
  if (const Json* j = f.find("trace")) m.trace = trace_from_json(*j, f.at("trace"));
  f.list("lessons", m.lessons, lesson_use_from_json);
  return m;
}

Json to_json(const Step& s) {
  Json json{{"seen", to_json(s.seen)}, {"did", to_json(s.did)}, {"reward", number(s.reward)}};
  if (!s.comment.empty()) json["comment"] = valid_utf8(s.comment);
  return json;
}

Step step_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  Step s;
  s.seen = observation_from_json(f.required("seen"), f.at("seen"));
  s.did = move_from_json(f.required("did"), f.at("did"));
  f.get("reward", s.reward);
  f.get("comment", s.comment);
  return s;
}

Json to_json(const Stamp& s) {
  return {{"agent", valid_utf8(s.agent)},
          {"model", valid_utf8(s.model)},
          {"scope", valid_utf8(s.scope)},
          {"lessons", s.lessons},
          {"weights", valid_utf8(s.weights)}};
}

Stamp stamp_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  Stamp s;
  f.get("agent", s.agent);
  f.get("model", s.model);
  f.get("scope", s.scope);
  f.get("lessons", s.lessons);
  f.get("weights", s.weights);
  return s;
}

Json to_json(const Generation& g) {
  Json json{{"id", valid_utf8(g.id)}, {"key", valid_utf8(g.key)}, {"role", valid_utf8(g.role)}};
  json["prompt"] = all(g.prompt);
  json["text"] = valid_utf8(g.text);
  // The sampling inside counts even when no token ids were kept.
  if (!is_blank(g.trace) || to_json(g.trace.sampling) != to_json(Sampling{}))
    json["trace"] = to_json(g.trace);
  json["by"] = to_json(g.by);
  json["usage"] = to_json(g.usage);
  return json;
}

Generation generation_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  Generation g;
  f.get("id", g.id);
  f.get("key", g.key);
  f.get("role", g.role);
  f.list("prompt", g.prompt, message_from_json);
  f.need("text", g.text);
  if (const Json* j = f.find("trace")) g.trace = trace_from_json(*j, f.at("trace"));
  if (const Json* j = f.find("by")) g.by = stamp_from_json(*j, f.at("by"));
  if (const Json* j = f.find("usage")) g.usage = usage_from_json(*j, f.at("usage"));
  return g;
}

Json to_json(const Episode& e) {
  Json json{{"id", valid_utf8(e.id)},       {"run", valid_utf8(e.run)},       {"key", valid_utf8(e.key)},
            {"group", valid_utf8(e.group)}, {"parent", valid_utf8(e.parent)}, {"attempt", e.attempt}};
  json["task"] = to_json(e.task);
  json["by"] = to_json(e.by);
  if (!e.notes.empty()) json["notes"] = strings(e.notes);
  json["steps"] = all(e.steps);
  json["last"] = to_json(e.last);
  if (!e.aside.empty()) json["aside"] = all(e.aside);
  json["ending"] = to_string(e.ending);
  if (!e.fault.empty()) json["fault"] = valid_utf8(e.fault);
  json["score"] = number(e.score);
  json["solved"] = e.solved;
  if (!e.feedback.empty()) json["feedback"] = valid_utf8(e.feedback);
  json["usage"] = to_json(e.usage);
  json["started_ms"] = e.started_ms;
  json["ended_ms"] = e.ended_ms;
  return json;
}

Episode episode_from_json(const Json& json, const std::string& at) {
  const Fields f(json, at);
  Episode e;
  f.get("id", e.id);
  f.get("run", e.run);
  f.get("key", e.key);
  f.get("group", e.group);
  f.get("parent", e.parent);
  f.get("attempt", e.attempt);
  e.task = task_from_json(f.required("task"), f.at("task"));
  if (const Json* j = f.find("by")) e.by = stamp_from_json(*j, f.at("by"));
  f.get("notes", e.notes);
  f.list("steps", e.steps, step_from_json);
  if (const Json* j = f.find("last")) e.last = observation_from_json(*j, f.at("last"));
  f.list("aside", e.aside, generation_from_json);
  get_enum(f, "ending", endings, e.ending);
  f.get("fault", e.fault);
  f.get("score", e.score);
  f.get("solved", e.solved);
  f.get("feedback", e.feedback);
  if (const Json* j = f.find("usage")) e.usage = usage_from_json(*j, f.at("usage"));
  f.get("started_ms", e.started_ms);
  f.get("ended_ms", e.ended_ms);
  return e;
}

Json to_json(const Metrics& metrics) {
  Json json = Json::object();
  for (const auto& [name, value] : metrics) json[valid_utf8(name)] = number(value);
  return json;
}

}  // namespace hone::wire
