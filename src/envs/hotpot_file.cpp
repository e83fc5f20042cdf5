// Reading questions with their paragraphs.
#include <map>
#include <set>

#include "envs/hotpot.h"
#include "envs/qa_metrics.h"
#include "wire/read.h"
#include "wire/text_file.h"

namespace hone {

namespace {

using wire::Fields;
using wire::Json;

// One line, which must hold something.
std::string read_text(const Json& json, const std::string& at, const char* what) {
  std::string out = one_line(wire::read_string(json, at));
  if (out.empty()) throw Error(Fault::bad_input, at + ": expected " + what + ", got nothing");
  return out;
}

std::vector<std::string> read_sentences(const Json& json, const std::string& at) {
  std::vector<std::string> out;
  for (const auto& s : wire::read_strings(json, at))
    if (auto line = one_line(s); !line.empty()) out.push_back(std::move(line));
  return out;
}

std::vector<Page> read_context(const Json& json, const std::string& at) {
  std::vector<Page> pages;
  if (json.is_array()) {  // as HotpotQA publishes it: [[title, [sentence, ...]], ...]
    for (std::size_t i = 0; i < json.size(); ++i) {
      const std::string here = at + "[" + std::to_string(i) + "]";
      if (!json[i].is_array() || json[i].size() != 2) wire::expected(here, "a list of a title and its sentences", json[i]);
      pages.push_back({read_text(json[i][0], here + "[0]", "a title"), read_sentences(json[i][1], here + "[1]")});
    }
  } else {  // as copies of it on data hubs have it: {"title": [...], "sentences": [[...], ...]}
    const Fields f(json, at);
    const Json &titles = f.required("title"), &sentences = f.required("sentences");
    if (!titles.is_array()) wire::expected(f.at("title"), "a list", titles);
    if (!sentences.is_array()) wire::expected(f.at("sentences"), "a list", sentences);
    if (titles.size() != sentences.size())
      throw Error(Fault::bad_input, f.at("sentences") + ": expected a list for each of " + std::to_string(titles.size()) + " titles, got " +
                                        std::to_string(sentences.size()));
    for (std::size_t i = 0; i < titles.size(); ++i) {
      const std::string place = "[" + std::to_string(i) + "]";
      pages.push_back({read_text(titles[i], f.at("title") + place, "a title"), read_sentences(sentences[i], f.at("sentences") + place)});
    }
  }
  if (pages.empty()) throw Error(Fault::bad_input, at + ": expected at least one paragraph, got none");
  std::set<std::string> seen;
  std::erase_if(pages, [&](const Page& page) { return !seen.insert(page.title).second; });
  return pages;
}

HotpotItem read_item(const Json& json, int line, const std::string& at) {
  const Fields f(json, at + ": question");
  HotpotItem item;
  item.line = line;
  const char* id = f.find("id") == nullptr && f.find("_id") != nullptr ? "_id" : "id";
  item.id = read_text(f.required(id), f.at(id), "an id");
  item.question = read_text(f.required("question"), f.at("question"), "a question");
  item.answer = read_text(f.required("answer"), f.at("answer"), "an answer");
  item.type = "question";
  if (const Json* type = f.find("type")) item.type = read_text(*type, f.at("type"), "a kind of question");
  item.pages = read_context(f.required("context"), f.at("context"));
  return item;
}

}  // namespace

std::vector<HotpotItem> parse_hotpot(std::string_view text, const std::string& name) {
  std::vector<HotpotItem> out;
  std::map<std::string, const std::string> question_of;  // by id
  std::set<std::string> seen;
  const auto take = [&](HotpotItem item, const std::string& at) {
    std::string same = normalised_answer(item.question);
    if (same.empty()) same = item.question;
    const auto [known, fresh] = question_of.emplace(item.id, same);
    if (!fresh && known->second != same)
      throw Error(Fault::bad_input, at + ": question.id: expected an id of its own, got \"" + clipped(item.id, 100) + "\", which another question has");
    if (seen.insert(same).second) out.push_back(std::move(item));
  };
  const std::string_view body = trimmed(without_bom(text));
  if (!body.starts_with('[')) {
    for_each_json_line(text, name, [&](const Json& json, int line, const std::string& at) { take(read_item(json, line, at), at); });
    return out;
  }
  require_utf8(text, name);
  const Json list = wire::parse(body, name);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string at = name + "[" + std::to_string(i) + "]";
    take(read_item(list[i], static_cast<int>(i) + 1, at), at);
  }
  return out;
}

}  // namespace hone
