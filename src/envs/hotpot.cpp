#include "envs/hotpot.h"

#include <algorithm>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "core/reflex.h"
#include "envs/qa_metrics.h"
#include "envs/setting_file.h"
#include "envs/titles.h"
#include "envs/unicode.h"
#include "wire/text_file.h"

namespace hone {

namespace {

constexpr std::size_t longest_shown = 4000, longest_echo = 100;  // bytes
constexpr const char* how_to_act = "Write Search[title], Lookup[word] or Finish[answer].";

std::string in_quotes(std::string_view text) { return "\"" + clipped(one_line(text), longest_echo) + "\""; }

// The paragraphs that one Search looks through.
struct Library {
  std::vector<const Page*> pages;
  Titles titles;
  std::vector<std::string> texts;  // of each page, lower case
  explicit Library(std::vector<const Page*> given) : pages(std::move(given)), titles(names(pages)) {
    for (const Page* page : pages) {
      std::string text;
      for (const auto& sentence : page->sentences) text += sentence + " ";
      texts.push_back(unicode::lowered(text));
    }
  }

 private:
  static std::vector<std::string> names(const std::vector<const Page*>& pages) {
    std::vector<std::string> out;
    for (const Page* page : pages) out.push_back(page->title);
    return out;
  }
};

std::vector<const Page*> pages_of(const HotpotItem& item) {
  std::vector<const Page*> out;
  for (const auto& page : item.pages) out.push_back(&page);
  return out;
}

struct HotpotData {
  HotpotConfig config;
  std::vector<HotpotItem> items;
  std::unordered_map<std::string, const HotpotItem*> by_task;
  std::vector<Task> train, validation, test;
  std::unique_ptr<Library> all;  // null with corpus own
  WorldFacts facts;
};

std::string task_id(const HotpotItem& item) { return "hotpot/" + item.id; }

class HotpotEnv final : public Env, public Savable {
 public:
  explicit HotpotEnv(const HotpotData& data) : data_(data) {}

  Observation reset(const Task& task) override {
    const auto it = data_.by_task.find(task.id);
    if (it == data_.by_task.end()) throw Error(Fault::bad_input, "hotpot: expected a task of these settings, got '" + task.id + "'");
    begin(it->second);
    return {};
  }

  Outcome step(std::string_view action) override {
    if (item_ == nullptr) throw Error(Fault::internal, "hotpot: step before reset or after the end");
    ++steps_;
    const HotpotAction asked = parse_hotpot_action(action);
    if (asked.kind == HotpotAction::finish && !asked.text.empty()) return finish(asked.text);
    Outcome out;
    out.next.changed = false;  // unless something is found
    if (asked.kind == HotpotAction::none) out.next.text = "Not an action: " + in_quotes(action) + ". " + how_to_act;
    else if (asked.text.empty()) out.next.text = std::string("Nothing stands between the brackets. ") + how_to_act;
    else out.next.text = asked.kind == HotpotAction::search ? search(asked.text, out.next.changed) : lookup(asked.text, out.next.changed);
    if (steps_ >= data_.config.max_steps) {
      out.ending = Ending::cut_off;
      item_ = nullptr;
    }
    return out;
  }

  // The task, the page that is open, the word looked up in it.
  void save(Sink& sink) const override {
    put_text(sink, item_ == nullptr ? std::string() : task_id(*item_));
    put(sink, steps_);
    put_text(sink, page_ == nullptr ? std::string() : page_->title);
    put_text(sink, keyword_);
    put(sink, static_cast<std::uint64_t>(next_));
  }
  void load(Source& source) override {
    const std::string id = get_text(source);
    const auto it = data_.by_task.find(id);
    int steps = 0;
    get(source, steps);
    const std::string title = get_text(source), keyword = get_text(source);
    std::uint64_t next = 0;
    get(source, next);
    if (!id.empty() && it == data_.by_task.end()) throw corrupt("a task of these settings", id);
    if (steps < 0 || steps > data_.config.max_steps) throw corrupt("at most " + std::to_string(data_.config.max_steps) + " steps", std::to_string(steps));
    begin(id.empty() ? nullptr : it->second);
    steps_ = steps;
    if (item_ == nullptr || title.empty()) return;
    const auto found = library().titles.find(title);
    if (!found) throw corrupt("a paragraph of the task", title);
    page_ = library().pages[*found];
    if (keyword.empty()) return;
    look_for(keyword);
    if (next > hits_.size()) throw corrupt("at most " + std::to_string(hits_.size()) + " results", std::to_string(next));
    next_ = next;
  }

 private:
  void begin(const HotpotItem* item) {
    item_ = item;
    own_ = item != nullptr && data_.all == nullptr ? std::make_unique<Library>(pages_of(*item)) : nullptr;
    page_ = nullptr;
    keyword_.clear();
    hits_.clear();
    next_ = 0;
    steps_ = 0;
  }
  static Error corrupt(const std::string& expected, const std::string& got) { return {Fault::corrupt, "hotpot: saved state: expected " + expected + ", got '" + excerpt(got) + "'"}; }
  const Library& library() const { return data_.all != nullptr ? *data_.all : *own_; }

  Outcome finish(const std::string& answer) {
    Outcome out;
    out.solved = exact_match(answer, item_->answer);
    // A right answer of articles and signs alone ("The The") has no words to share: its F1 would be 0.
    out.score = out.solved ? 1.0 : answer_f1(answer, item_->answer);
    out.reward = out.solved ? 1.0F : 0.0F;
    out.next.text = out.solved ? "The answer is right." : "The answer is wrong.";
    out.ending = Ending::terminal;
    item_ = nullptr;
    return out;
  }

  std::string search(const std::string& asked, bool& found_it) {
    const Library& books = library();
    if (const auto found = books.titles.find(asked)) {
      found_it = true;
      page_ = books.pages[*found];
      keyword_.clear();
      return shown(*page_);
    }
    std::string out = "Could not find " + in_quotes(asked) + ".";
    const auto near = books.titles.nearest(asked, static_cast<std::size_t>(data_.config.similar));
    if (!near.empty()) out += " Similar: " + listed(near);
    else if (data_.config.similar > 0) out += " No title is similar.";
    const auto mentioned = mentions(asked, near);
    return mentioned.empty() ? out : out + " Mentioned in: " + listed(mentioned);
  }
  std::string listed(const std::vector<std::size_t>& pages) const {
    std::string out;
    for (const std::size_t i : pages) out += (out.empty() ? "[" : ", ") + in_quotes(library().pages[i]->title);
    return out + "]";
  }
  // In the order of the file.
  std::vector<std::size_t> mentions(const std::string& asked, const std::vector<std::size_t>& but) const {
    const auto& texts = library().texts;
    const std::string text = unicode::lowered(asked);
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < texts.size() && out.size() < static_cast<std::size_t>(data_.config.mentions); ++i)
      if (texts[i].find(text) != std::string::npos && std::find(but.begin(), but.end(), i) == but.end()) out.push_back(i);
    return out;
  }

  std::string shown(const Page& page) const {
    const std::size_t all = page.sentences.size();
    const std::size_t count = data_.config.sentences > 0 ? std::min(all, static_cast<std::size_t>(data_.config.sentences)) : all;
    if (all == 0) return page.title + ": (no sentences)";
    std::string text = page.title + ":";
    for (std::size_t i = 0; i < count; ++i) text += " " + page.sentences[i];
    return clipped(text, longest_shown) +
           (count == all ? " (all " + std::to_string(all) + " sentences)" : " (first " + std::to_string(count) + " of " + std::to_string(all) + " sentences)");
  }

  // The next sentence with the word; another word, or another page, starts from the first sentence.
  std::string lookup(const std::string& asked, bool& found_it) {
    if (page_ == nullptr) return "No page is open: Search[title] comes first.";
    const std::string keyword = unicode::lowered(asked);
    if (keyword != keyword_) look_for(keyword);
    if (hits_.empty()) return "No sentence of " + in_quotes(page_->title) + " has " + in_quotes(asked) + ".";
    if (next_ == hits_.size()) return "No more results for " + in_quotes(asked) + " in " + in_quotes(page_->title) + ".";
    found_it = true;
    const std::string& sentence = *hits_[next_++];
    return "(Result " + std::to_string(next_) + " / " + std::to_string(hits_.size()) + ") " + clipped(sentence, longest_shown);
  }

  void look_for(const std::string& keyword) {
    keyword_ = keyword;
    next_ = 0;
    hits_.clear();
    for (const auto& sentence : page_->sentences)
      if (unicode::lowered(sentence).find(keyword) != std::string::npos) hits_.push_back(&sentence);
  }

  const HotpotData& data_;
  const HotpotItem* item_ = nullptr;  // null before reset and after the end
  std::unique_ptr<Library> own_;
  const Page* page_ = nullptr;        // found last
  std::string keyword_;               // looked up last in it
  std::vector<const std::string*> hits_;
  std::size_t next_ = 0;
  int steps_ = 0;
};

class HotpotWorld final : public World {
 public:
  explicit HotpotWorld(std::unique_ptr<HotpotData> data) : data_(std::move(data)) {}
  const WorldFacts& facts(Split) const override { return data_->facts; }
  std::vector<Task> tasks(Split split) const override {
    return split == Split::train ? data_->train : split == Split::validation ? data_->validation : data_->test;
  }
  std::unique_ptr<Env> make(Split) const override { return std::make_unique<HotpotEnv>(*data_); }

 private:
  std::unique_ptr<HotpotData> data_;
};

WorldFacts hotpot_facts(const HotpotConfig& config) {
  WorldFacts f;
  f.name = "hotpot";
  f.role = "You answer a question by looking things up in an encyclopedia, one action at a time.";
  f.action_help =
      "An action is one of three. Search[title] opens the paragraph with that title, or names similar titles. Lookup[word] shows the "
      "next sentence with that word in the paragraph opened last. Finish[answer] ends with the answer: a few words, yes or no.";
  f.task_word = "Question";
  f.action_word = "Action";
  f.max_steps = config.max_steps;
  f.failure_reasons = {"the answer was wrong", "the steps were used up before an answer was given"};
  return f;
}

Task task_of(const HotpotItem& item) {
  return {.id = task_id(item), .env = "hotpot", .kind = item.type, .goal = item.question, .seed = hash64(item.id), .params = {}};
}

bool starts_with_word(std::string_view text, std::string_view word) {
  return text.size() > word.size() &&
         std::equal(word.begin(), word.end(), text.begin(), [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? static_cast<char>(b - 'A' + 'a') : b); });
}

}  // namespace

HotpotAction parse_hotpot_action(std::string_view action) {
  const std::string_view text = trimmed(action);
  for (const auto& [word, kind] : {std::pair{"search", HotpotAction::search}, std::pair{"lookup", HotpotAction::lookup}, std::pair{"finish", HotpotAction::finish}}) {
    if (!starts_with_word(text, word)) continue;
    const std::string_view rest = trimmed(text.substr(std::string_view(word).size()));
    if (!rest.starts_with('[')) continue;
    std::size_t end = 1;
    for (int open = 1; end < rest.size(); ++end) {
      if (rest[end] == '[') ++open;
      if (rest[end] == ']' && --open == 0) break;
    }
    return {kind, one_line(rest.substr(1, end - 1))};
  }
  return {};
}

std::unique_ptr<World> open_hotpot(const Settings& settings) {
  auto data = std::make_unique<HotpotData>();
  data->config = read_config<HotpotConfig>(settings);
  const auto& c = data->config;
  data->items = parse_hotpot(read_setting_file("hotpot", "questions", c.questions), c.questions);
  const auto dealt = deal_splits(data->items.size(), nullptr, c.splits, {.world = "hotpot", .items = "different questions", .parts = {}, .fit = false, .fewest = 3});
  for (const auto& [indices, tasks] : {std::pair{&dealt.train, &data->train}, std::pair{&dealt.validation, &data->validation}, std::pair{&dealt.test, &data->test}})
    for (const std::size_t i : *indices) {
      tasks->push_back(task_of(data->items[i]));
      data->by_task[tasks->back().id] = &data->items[i];
    }
  if (c.corpus == HotpotCorpus::all) {
    std::vector<const Page*> pages;
    std::unordered_set<std::string_view> seen;
    for (const auto& item : data->items)
      for (const auto& page : item.pages)
        if (seen.insert(page.title).second) pages.push_back(&page);
    data->all = std::make_unique<Library>(std::move(pages));
  }
  data->facts = hotpot_facts(c);
  return std::make_unique<HotpotWorld>(std::move(data));
}

constinit const EnvEntry env_hotpot{
    .name = "hotpot",
    .summary = "answer a question by searching and reading local paragraphs (HotpotQA)",
    .fields = &describe_config<HotpotConfig>,
    .open = &open_hotpot,
    .open_batch = nullptr,
    .needs_settings = true,
};

}  // namespace hone
