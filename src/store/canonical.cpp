// The export that two runs of one recipe share: ids become places, what differs from run to run is left out.
#include <algorithm>
#include <ostream>

#include "store/impl.h"
#include "store/transfer.h"
#include "wire/id.h"

namespace hone::store_detail {

using wire::Json;

void export_canonical(Impl& impl, const ExportOptions& options, std::ostream& out);

namespace {

class Places {
 public:
  void name(const std::string& id, const std::string& place) {
    if (!id.empty()) places_.emplace(id, place);
  }
  // Strings that are an id, and UUIDs inside longer strings (scopes, keys).
  std::string map(const std::string& text) const {
    const auto whole = places_.find(text);
    if (whole != places_.end()) return whole->second;
    constexpr std::size_t width = 36;
    std::string out;
    std::size_t done = 0;
    for (std::size_t i = text.find('-'); i != std::string::npos; i = text.find('-', i + 1)) {
      if (i < done + 8 || i - 8 + width > text.size()) continue;
      const std::string id = text.substr(i - 8, width);
      if (!is_id(id)) continue;
      const auto found = places_.find(id);
      out += text.substr(done, i - 8 - done) + (found == places_.end() ? "unknown" : found->second);
      done = i - 8 + width;
      i = done - 1;
    }
    return done == 0 ? text : out + text.substr(done);
  }
  void map_all(Json& json) const {
    if (json.is_string()) {
      json = map(json.get_ref<const std::string&>());
    } else if (json.is_array()) {
      for (auto& element : json) map_all(element);
    } else if (json.is_object()) {
      Json renamed = Json::object();
      for (auto& [key, value] : json.items()) {
        map_all(value);
        renamed[map(key)] = std::move(value);
      }
      json = std::move(renamed);
    }
  }

 private:
  std::map<std::string, std::string> places_;
};

bool is_measured(const std::string& metric) {
  for (const char* part : {"seconds", "_ms", "per_second", "tokens_s", "money"})
    if (metric.find(part) != std::string::npos) return true;
  return false;
}

void drop(Json& json, std::initializer_list<const char*> fields) {
  for (const char* field : fields) json.erase(field);
}

std::string text_of(const Json& json, const char* field) { return json.value(field, std::string()); }

// Order: type, then places. `sort_key` is compared bytewise.
struct Line {
  std::string sort_key;
  Json json;
};

class Canonical {
 public:
  void take(Json&& line) {
    const std::string type = text_of(line, "type");
    if (type == "artifact")
      line["bytes"] =
          line["bytes"].get_ref<const std::string&>().size() / 4 * 3;  // about; the hash says the rest
    if (type == "run") {
      const std::string place = "run:" + std::to_string(runs_++);
      places_.name(text_of(line, "id"), place);
      drop(line, {"name", "created_ms", "meta", "recipe"});  // the hash of what decides the outcome stays
      add("1" + place, std::move(line));
    } else if (type == "metric") {
      if (is_measured(text_of(line, "name"))) return;
      const std::string round = wire::dump(line["round"]);
      add("2" + places_.map(text_of(line, "run")) + "/" +
              std::string(20 - std::min<std::size_t>(20, round.size()), '0') + round + "/" +
              text_of(line, "name") + "/" + wire::dump(line["value"]),
          std::move(line));
    } else if (type == "episode") {
      episode(std::move(line));
    } else if (type == "generation") {
      Json& g = line["generation"];
      const std::string place = places_.map(text_of(line, "run")) + ":" + text_of(g, "key");
      places_.name(text_of(g, "id"), "generation:" + place);
      drop(g, {"usage"});
      add("4" + place + wire::dump(g["text"]), std::move(line));
    } else if (type == "scope") {
      const std::string name = text_of(line, "name");
      const std::string run = text_of(line, "run");
      if (!run.empty() && name.starts_with(run))
        places_.name(name, places_.map(run) + name.substr(run.size()));
      add("5" + places_.map(text_of(line, "name")), std::move(line));
    } else if (type == "lesson") {
      lesson(std::move(line));
    } else if (type == "commit") {
      add("7" + places_.map(text_of(line, "run")) + ":" + text_of(line, "key"), std::move(line));
    } else if (type == "artifact" || type == "hone-store") {
      add("0" + wire::dump(line), std::move(line));
    }  // records and checkpoints differ from run to run
  }

  void write(std::ostream& out) {
    for (auto& line : lines_) {
      places_.map_all(line.json);
      line.sort_key = places_.map(line.sort_key);
    }
    std::stable_sort(lines_.begin(), lines_.end(),
                     [](const Line& a, const Line& b) { return a.sort_key < b.sort_key; });
    std::string last;
    for (const auto& line : lines_) {
      const std::string text = wire::dump(line.json);
      if (text != last || line.sort_key[0] != '2')
        out << text << '\n';  // a resumed run may note a metric twice
      last = text;
    }
  }

 private:
  void add(std::string key, Json&& json) { lines_.push_back({std::move(key), std::move(json)}); }

  void episode(Json&& line) {
    Json& e = line["episode"];
    const Episode parsed = wire::episode_from_json(e, "store: episode");
    Episode bare = parsed;  // without a key of its own, its content names it
    bare.parent.clear();
    const std::string own = parsed.key.empty() ? "#" + episode_content(bare).substr(0, 16) : parsed.key;
    const std::string place = places_.map(parsed.run) + ":" + own;
    places_.name(parsed.id, "episode:" + place);
    drop(e, {"usage", "started_ms", "ended_ms"});
    if (e.contains("aside"))
      for (auto& g : e["aside"]) drop(g, {"id", "usage"});
    add("3" + place, std::move(line));
  }

  void lesson(Json&& line) {
    Json& l = line["lesson"];
    const auto number = [&](const char* field) {
      const std::string text = wire::dump(line[field]);
      return std::string(10 - std::min<std::size_t>(10, text.size()), '0') + text;
    };
    const std::string place =
        places_.map(text_of(l, "scope")) + ":" + number("added") + ":" + number("place");
    places_.name(text_of(l, "id"), "lesson:" + place);
    drop(l, {"created_ms"});
    drop(line, {"vectors"});
    add("6" + place, std::move(line));
  }

  Places places_;
  std::vector<Line> lines_;
  int runs_ = 0;
};

}  // namespace

void export_canonical(Impl& impl, const ExportOptions& options, std::ostream& out) {
  Canonical canonical;
  each_line(impl, {options.runs, true}, [&](Json&& line) { canonical.take(std::move(line)); });
  canonical.write(out);
}

}  // namespace hone::store_detail
