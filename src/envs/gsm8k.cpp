#include "envs/gsm8k.h"

#include <algorithm>
#include <cstdio>
#include <unordered_map>
#include <unordered_set>

#include "core/reflex.h"
#include "envs/requests.h"
#include "envs/setting_file.h"
#include "wire/read.h"
#include "wire/text_file.h"

namespace hone {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// U+2212 as '-', and 1,234,567 without its commas.
std::string plain_numbers(std::string_view text) {
  constexpr std::string_view minus = "\xE2\x88\x92";
  std::string signs;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!text.substr(i).starts_with(minus)) {
      signs += text[i];
      continue;
    }
    signs += '-';
    i += minus.size() - 1;
  }
  std::string out;
  const auto digit = [&](std::size_t i) { return i < signs.size() && is_digit(signs[i]); };
  for (std::size_t i = 0; i < signs.size(); ++i) {
    const bool group = signs[i] == ',' && i > 0 && digit(i - 1) && digit(i + 1) && digit(i + 2) && digit(i + 3) && !digit(i + 4);
    if (!group) out += signs[i];
  }
  return out;
}

std::string canonical(bool negative, std::string whole, std::string fraction) {
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  fraction.erase(fraction.find_last_not_of('0') + 1);
  if (whole.empty()) whole = "0";
  if (whole == "0" && fraction.empty()) negative = false;
  return (negative ? "-" : "") + whole + (fraction.empty() ? "" : "." + fraction);
}

struct Gsm8kData {
  Gsm8kConfig config;
  std::vector<Task> train, validation, test;
  std::unordered_map<std::string, std::string> answer_of;  // by task id
  WorldFacts facts;
};

class Gsm8kEnv final : public Env, public Savable {
 public:
  explicit Gsm8kEnv(const Gsm8kData& data) : data_(data) {}

  Observation reset(const Task& task) override {
    const auto it = data_.answer_of.find(task.id);
    if (it == data_.answer_of.end()) throw Error(Fault::bad_input, "gsm8k: expected a task of these settings, got '" + task.id + "'");
    item_ = &*it;
    return {};
  }

  Outcome step(std::string_view action) override {
    if (item_ == nullptr) throw Error(Fault::internal, "gsm8k: step before reset or after the end");
    const bool marked = data_.config.answer == NumberAnswer::marked;
    const auto said = marked ? marked_answer(action) : last_number(action);
    Outcome out;
    out.solved = said && (marked ? *said == item_->second : said == last_number(item_->second));
    out.score = out.solved ? 1.0 : 0.0;
    out.reward = out.solved ? 1.0F : 0.0F;
    out.next.text = out.solved ? "Right." : said ? "Wrong." : marked ? "Wrong: no number behind \"#### \"." : "Wrong: there is no number in this answer.";
    out.ending = Ending::terminal;
    item_ = nullptr;
    return out;
  }

  void save(Sink& sink) const override { put_text(sink, item_ == nullptr ? std::string() : item_->first); }
  void load(Source& source) override {
    const std::string id = get_text(source);
    const auto it = data_.answer_of.find(id);
    if (!id.empty() && it == data_.answer_of.end()) throw Error(Fault::corrupt, "gsm8k: saved state: expected a task of these settings, got '" + excerpt(id) + "'");
    item_ = id.empty() ? nullptr : &*it;
  }

 private:
  const Gsm8kData& data_;
  const std::pair<const std::string, std::string>* item_ = nullptr;  // task id and answer; null before reset and after the end
};

class Gsm8kWorld final : public World {
 public:
  explicit Gsm8kWorld(Gsm8kData data) : data_(std::move(data)) {}
  const WorldFacts& facts(Split) const override { return data_.facts; }
  std::vector<Task> tasks(Split split) const override {
    return split == Split::train ? data_.train : split == Split::validation ? data_.validation : data_.test;
  }
  std::unique_ptr<Env> make(Split) const override { return std::make_unique<Gsm8kEnv>(data_); }

 private:
  Gsm8kData data_;
};

Task task_of(const Gsm8kItem& item) {
  const std::uint64_t hash = hash64(normalised(item.question));
  char hex[17];
  std::snprintf(hex, sizeof hex, "%016llx", static_cast<unsigned long long>(hash));
  return {.id = std::string("gsm8k/") + hex, .env = "gsm8k", .kind = "problem", .goal = item.question, .seed = hash, .params = {}};
}

WorldFacts gsm8k_facts(const Gsm8kConfig& config) {
  WorldFacts f;
  f.name = "gsm8k";
  f.role = "You solve a word problem: calculate in your thoughts, one step after the other, and then say the number that was asked for.";
  f.action_help = std::string("There is one answer, and it is final: give it last, when every step is calculated. ") +
                  (config.answer == NumberAnswer::marked ? "It ends with #### and the number, as in: #### 42" : "It is one number, written in digits.");
  f.task_word = "Problem";
  f.action_word = "Answer";
  f.max_steps = 1;
  f.failure_reasons = {"the number was wrong"};
  return f;
}

// Problems whose text is in `seen` already are left out.
void keep_unseen(std::vector<Gsm8kItem>& items, std::unordered_set<std::string>& seen) {
  std::erase_if(items, [&](const Gsm8kItem& item) { return !seen.insert(normalised(item.question)).second; });
}

}  // namespace

std::vector<Gsm8kItem> parse_gsm8k(std::string_view text, const std::string& name) {
  std::vector<Gsm8kItem> out;
  for_each_json_line(text, name, [&](const wire::Json& json, int line, const std::string& at) {
    const wire::Fields f(json, at + ": problem");
    Gsm8kItem item{one_line(wire::read_string(f.required("question"), f.at("question"))), {}, line};
    if (item.question.empty()) throw Error(Fault::bad_input, f.at("question") + ": expected a problem, got nothing");
    const std::string worked = wire::read_string(f.required("answer"), f.at("answer"));
    const auto answer = marked_answer(worked);
    if (!answer || !last_number(*answer))
      throw Error(Fault::bad_input, f.at("answer") + ": expected a number behind \"#### \", got \"" + clipped(one_line(worked), 100) + "\"");
    item.answer = *answer;
    out.push_back(std::move(item));
  });
  std::unordered_set<std::string> seen;
  keep_unseen(out, seen);
  return out;
}

std::optional<std::string> marked_answer(std::string_view text) {
  constexpr std::string_view mark = "#### ";
  for (std::size_t at = text.find(mark); at != std::string_view::npos; at = text.find(mark, at + 1)) {
    const std::string_view rest = text.substr(at + mark.size());
    const std::size_t sign = rest.starts_with('-') ? 1 : 0;
    const std::size_t end = std::min(rest.find_first_not_of("0123456789.,", sign), rest.size());
    if (end == sign) continue;
    std::string out(rest.substr(0, end));
    std::erase(out, ',');
    return out;
  }
  return std::nullopt;
}

std::optional<std::string> last_number(std::string_view text) {
  const std::string s = plain_numbers(text);
  std::optional<std::string> out;
  for (std::size_t i = 0; i < s.size();) {
    const bool point = s[i] == '.' && i + 1 < s.size() && is_digit(s[i + 1]) && (i == 0 || !is_digit(s[i - 1]));
    if (!is_digit(s[i]) && !point) {
      ++i;
      continue;
    }
    std::size_t sign = i;  // where a minus would stand
    if (sign > 1 && s[sign - 1] == '$' && s[sign - 2] == '-') --sign;
    const bool negative = sign > 0 && s[sign - 1] == '-' &&
                          (sign == 1 || !(is_digit(s[sign - 2]) || is_letter(s[sign - 2]) || s[sign - 2] == '.' || s[sign - 2] == ')'));
    std::size_t end = i;
    while (end < s.size() && is_digit(s[end])) ++end;
    const std::string whole = s.substr(i, end - i);
    std::string fraction;
    if (end + 1 < s.size() && s[end] == '.' && is_digit(s[end + 1])) {
      const std::size_t from = ++end;
      while (end < s.size() && is_digit(s[end])) ++end;
      fraction = s.substr(from, end - from);
    }
    out = canonical(negative, whole, fraction);
    i = end;
  }
  return out;
}

std::unique_ptr<World> open_gsm8k(const Settings& settings) {
  Gsm8kData data;
  data.config = read_config<Gsm8kConfig>(settings);
  const auto& c = data.config;
  auto items = parse_gsm8k(read_setting_file("gsm8k", "problems", c.problems), c.problems);
  std::vector<Gsm8kItem> own_test;
  if (!c.test_problems.empty()) {
    own_test = parse_gsm8k(read_setting_file("gsm8k", "test_problems", c.test_problems), c.test_problems);
    if (own_test.empty()) throw Error(Fault::bad_input, c.test_problems + ": holds no problem");
    std::unordered_set<std::string> seen;  // a problem in both files is a test problem only
    keep_unseen(own_test, seen);
    keep_unseen(items, seen);
  }
  const std::size_t test_count = own_test.size();
  const auto dealt = deal_splits(items.size(), own_test.empty() ? nullptr : &test_count, c.splits,
                                 {.world = "gsm8k", .items = "different problems", .parts = {}, .fit = false, .fewest = own_test.empty() ? 3 : 1});
  const auto add = [&](std::vector<Task>& to, const std::vector<Gsm8kItem>& from, const std::vector<std::size_t>& indices) {
    for (const std::size_t i : indices) {
      to.push_back(task_of(from[i]));
      data.answer_of[to.back().id] = from[i].answer;
    }
  };
  add(data.train, items, dealt.train);
  add(data.validation, items, dealt.validation);
  add(data.test, own_test.empty() ? items : own_test, dealt.test);
  data.facts = gsm8k_facts(c);
  return std::make_unique<Gsm8kWorld>(std::move(data));
}

constinit const EnvEntry env_gsm8k{
    .name = "gsm8k",
    .summary = "solve a word problem and say the number (GSM8K)",
    .fields = &describe_config<Gsm8kConfig>,
    .open = &open_gsm8k,
    .open_batch = nullptr,
    .needs_settings = true,
};

}  // namespace hone
