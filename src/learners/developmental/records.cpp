#include "learners/developmental/records.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "core/error.h"
#include "wire/read.h"
#include "wire/sha256.h"

namespace hone::developmental {

namespace {

std::string hash_of(const std::string& kind, const std::string& id, const wire::Json& body) { return sha256_hex(kind + "\n" + id + "\n" + wire::dump(body)); }

wire::Json to_json(const Rating& r) { return {{"stage", r.stage}, {"margin", wire::number(r.margin)}, {"refusal", r.refusal}}; }

Rating rating_from_json(const wire::Json& json, const std::string& at) {
  const wire::Fields f(json, at);
  Rating r;
  f.need("stage", r.stage);
  f.need("margin", r.margin);
  f.need("refusal", r.refusal);
  return r;
}

wire::Json to_json(const Situation& s) {
  return {{"id", s.id}, {"unseen", s.unseen}, {"source", s.source}, {"domain", s.domain}, {"conflict", s.conflict}, {"scenario", s.scenario}, {"question", s.question},
          {"who", s.who}, {"act", s.act}, {"rule", s.rule}, {"helped", s.helped}};
}

Situation situation_from_json(const wire::Json& json, const std::string& at) {
  const wire::Fields f(json, at);
  Situation s;
  f.need("id", s.id);
  f.need("unseen", s.unseen);
  f.need("source", s.source);
  f.need("scenario", s.scenario);
  f.need("question", s.question);
  f.get("domain", s.domain);
  f.get("conflict", s.conflict);
  f.get("who", s.who);
  f.get("act", s.act);
  f.get("rule", s.rule);
  f.get("helped", s.helped);
  return s;
}

}  // namespace

Record make_record(std::string kind, const Situation& situation, int round, wire::Json body) {
  Record r{kind, kind == "dilemma" ? situation.id : situation.id + "/" + kind + "/" + std::to_string(round), {}, std::move(body)};
  r.hash = hash_of(r.kind, r.id, r.body);
  return r;
}

wire::Json to_json(const Record& r) {
  wire::Json out{{"kind", r.kind}, {"id", r.id}, {"hash", r.hash}};
  for (const auto& [name, value] : r.body.items()) out[name] = value;
  return out;
}

Record record_from_json(const wire::Json& json, const std::string& at) {
  const wire::Fields f(json, at);
  Record r;
  f.need("kind", r.kind);
  f.need("id", r.id);
  f.need("hash", r.hash);
  r.body = wire::Json::object();
  for (const auto& [name, value] : json.items())
    if (name != "kind" && name != "id" && name != "hash") r.body[name] = value;
  if (const auto now = hash_of(r.kind, r.id, r.body); now != r.hash) throw Error(Fault::corrupt, at + ": record " + r.id + " was changed: its hash is " + r.hash.substr(0, 12) + ", its content's " + now.substr(0, 12));
  return r;
}

wire::Json to_json(const Story& s) {
  wire::Json records = wire::Json::array();
  for (const auto& r : s.records) records.push_back(to_json(r));
  return {{"situation", to_json(s.situation)}, {"records", records}, {"first", s.first}, {"last", s.last}, {"first_rating", to_json(s.first_rating)},
          {"last_rating", to_json(s.last_rating)}, {"rounds", s.rounds}, {"accepted", s.accepted}, {"dropped", s.dropped}};
}

Story story_from_json(const wire::Json& json, const std::string& at) {
  const wire::Fields f(json, at);
  Story s;
  s.situation = situation_from_json(f.required("situation"), f.at("situation"));
  f.list("records", s.records, record_from_json);
  f.need("first", s.first);
  f.need("last", s.last);
  s.first_rating = rating_from_json(f.required("first_rating"), f.at("first_rating"));
  s.last_rating = rating_from_json(f.required("last_rating"), f.at("last_rating"));
  f.need("rounds", s.rounds);
  f.need("accepted", s.accepted);
  f.need("dropped", s.dropped);
  return s;
}

wire::Json provenance(const Story& s) {
  const std::string& id = s.situation.id;
  const std::string last = "/" + std::to_string(s.rounds);
  wire::Json out;
  for (const auto& [role, kind, key] : {std::tuple<const char*, const char*, std::string>{"dilemma", "dilemma", id}, {"experience", "attempt", id + "/attempt/0"}, {"reflection", "reflection", id + "/reflection/1"},
                                        {"analysis", "analysis", id + "/analysis" + last}, {"hypothesis", "hypothesis", id + "/hypothesis" + last}, {"revision", "attempt", id + "/attempt" + last}}) {
    const auto it = std::find_if(s.records.begin(), s.records.end(), [&, name = std::string_view(kind), &want = key](const Record& r) { return r.kind == name && r.id == want; });
    if (it == s.records.end()) throw Error(Fault::corrupt, "dilemma " + id + ": its pair needs the record " + key + ", which is not there");
    if (hash_of(it->kind, it->id, it->body) != it->hash) throw Error(Fault::corrupt, "dilemma " + id + ": the record " + key + " was changed");
    out[role] = {{"id", it->id}, {"hash", it->hash}};
  }
  return out;
}

void write_lines(const std::filesystem::path& path, const std::vector<wire::Json>& lines) {
  const std::filesystem::path next = path.string() + ".new";
  std::ofstream out(next, std::ios::binary);
  for (const auto& line : lines) out << wire::dump(line) << '\n';
  out.close();
  std::error_code failure;
  if (out) std::filesystem::rename(next, path, failure);
  if (!out || failure) throw Error(Fault::io, path.string() + ": can't be written");
}

std::vector<Situation> read_situations(const std::string& path) {
  std::ifstream in(path);
  if (!in) throw Error(Fault::not_found, path + ": can't be opened for reading");
  std::vector<Situation> out;
  std::set<std::string> ids;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string at = path + ":" + std::to_string(number);
    const auto json = wire::parse(line, at);
    const wire::Fields f(json, at);
    Situation s;
    std::string split;
    f.need("id", s.id);
    f.need("split", split);
    f.need("scenario", s.scenario);
    f.need("question", s.question);
    f.get("domain", s.domain);
    if (split != "train" && split != "unseen") throw Error(Fault::bad_input, at + ": split: expected train or unseen, got '" + excerpt(split) + "'");
    if (s.id.empty() || s.scenario.empty() || s.question.empty()) throw Error(Fault::bad_input, at + ": expected id, scenario and question, got an empty one");
    if (!ids.insert(s.id).second) throw Error(Fault::bad_input, at + ": two dilemmas have the id '" + excerpt(s.id) + "'");
    s.unseen = split == "unseen";
    s.source = "file";
    out.push_back(std::move(s));
  }
  if (out.empty()) throw Error(Fault::bad_input, path + ": expected at least one line");
  return out;
}

}  // namespace hone::developmental
