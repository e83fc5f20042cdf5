#include "agents/react.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "agents/examples.h"
#include "agents/neighbours.h"
#include "agents/prompt.h"
#include "agents/recollection.h"

namespace hone {

namespace {

constexpr int most_again = 3;           // times that a repeated action is asked for anew
constexpr float lively = 0.8F;          // at least at this temperature: a model that repeats itself is sure of it
constexpr double closed = -1e3;  // preference for a choice that was not looked at
constexpr std::string_view too_much_thinking = "You have thought for too long without acting. Take an action now.";

class ReactAgent final : public Agent {
 public:
  ReactAgent(const ReactConfig& config, const AgentTools& tools) : config_(config), tools_(tools) {
    if (config_.examples.empty()) return;
    try {
      examples_ = read_examples(config_.examples);
    } catch (const Error& e) {
      throw e.within("field 'examples'");
    }
  }

  void begin(const Brief& brief) override {
    brief_ = brief;
    if (brief_.world == nullptr) brief_.world = &no_world_;
    rules_ = quote_rules(*brief_.world, config_.text_limit);
    known_ = Recollection(brief);
    choice_rng_ = brief.rng.split("choice");
    recall_rng_ = brief.rng.split("random cases");
    transcript_.clear();
    listed_.clear();
    last_thought_.clear(), last_action_.clear(), last_step_.clear();
    tries_.clear(), all_tries_ = -1;
    repeats_ = Repeats(config_.repeat);
    started_ = overthought_ = thought_last_ = false;
    generations_ = 0;
    first_scores_.clear();
    step_begin_ = 0;
  }

  Move act(const Observation& seen) override {
    see(seen);
    known_.start_move();
    Move move = seen.choices.empty() ? write(seen) : choose(seen);
    repeats_.did(move.action);
    move.lessons = known_.account();
    last_action_ = move.action;
    if (!move.thought.empty()) last_thought_ = move.thought;
    transcript_.push_back(transcript_line(action_word(*brief_.world), move.action, rules_));
    return move;
  }

 private:
  void see(const Observation& seen) {
    const std::string_view text = overthought_ ? too_much_thinking : std::string_view(seen.text);
    if (const auto line = quoted_line(text, rules_); !line.empty()) transcript_.push_back(line);
    repeats_.saw(seen);
    last_step_.clear();
    for (std::size_t i = step_begin_; started_ && i < transcript_.size(); ++i) last_step_ += (i == step_begin_ ? "" : "\n") + transcript_[i];
    step_begin_ = transcript_.size();
    thought_last_ = false;
    overthought_ = false;
    if (!started_) listed_ = seen.choices;
    started_ = true;
  }

  // ---- lessons
  std::string query_text() const {
    switch (config_.recall_key) {
      case RecallFor::task:
      case RecallFor::random: return brief_.task.goal;
      case RecallFor::thought: return last_thought_;
      case RecallFor::action: return last_action_;
      case RecallFor::step: return last_step_;
      case RecallFor::task_thought: return last_thought_.empty() ? brief_.task.goal : last_thought_;
      case RecallFor::rotation: return thought_last_ ? last_thought_ : last_step_.empty() ? brief_.task.goal : last_step_;
      case RecallFor::none: break;
    }
    return {};
  }
  RecallKey query_key() const {
    switch (config_.recall_key) {
      case RecallFor::thought: return RecallKey::thought;
      case RecallFor::action: return RecallKey::action;
      case RecallFor::step: return RecallKey::step;
      case RecallFor::task_thought: return last_thought_.empty() ? RecallKey::task : RecallKey::thought;
      case RecallFor::rotation: return thought_last_ ? RecallKey::thought : last_step_.empty() ? RecallKey::task : RecallKey::step;
      default: return RecallKey::task;
    }
  }

  // At most `cases` solved ones, in the order shown: what is recalled, and examples where that is less.
  std::vector<Case> recall_cases(const PromptParts& parts) {
    std::vector<Case> out = own_cases(parts);
    for (const auto& example : examples_) {
      if (static_cast<int>(out.size()) >= config_.cases) break;
      if (example.task == brief_.task.goal || (!example.kind.empty() && example.kind != brief_.task.kind)) continue;
      Case shown = example.as_case(action_word(*brief_.world), parts.choosing ? config_.think : config_.thoughts > 0);
      if (!too_long(shown, parts)) out.push_back(std::move(shown));
    }
    if (config_.case_order == CaseOrder::nearest_last) std::reverse(out.begin(), out.end());
    return out;
  }
  // Nearest first, without those over the token limit.
  std::vector<Case> own_cases(const PromptParts& parts) {
    if (config_.cases == 0 || config_.recall_key == RecallFor::none || !known_.possible()) return {};
    const bool spare = config_.case_token_limit > 0 || config_.recall_key == RecallFor::random;
    RecallQuery query;
    query.text = query_text();
    query.k = config_.cases * (spare ? config_.rho : 1);
    query.by = config_.recall_by;
    query.key = query_key();
    query.diversity = config_.diversity;
    query.overfetch = spare ? 1 : config_.rho;
    query.filter = known_.cases(true);
    auto found = known_.recall(query);
    if (config_.recall_key == RecallFor::random) recall_rng_.shuffle(found);
    std::vector<Case> out;
    for (const auto& r : found) {
      if (static_cast<int>(out.size()) == config_.cases) break;
      const auto* known = std::get_if<Case>(&r.lesson.what);
      if (known == nullptr || too_long(*known, parts)) continue;
      known_.used(r.lesson.id);
      out.push_back(*known);
    }
    return out;
  }
  bool too_long(const Case& known, const PromptParts& parts) const {
    return config_.case_token_limit > 0 && tools_.model->count_tokens(shown_case(known, parts, config_)) > config_.case_token_limit;
  }

  std::vector<std::string> recall_insights() {
    std::vector<std::string> out;
    if (!config_.insights) return out;
    for (const auto& lesson : known_.insights()) {
      if (config_.max_insights > 0 && static_cast<int>(out.size()) == config_.max_insights) break;
      known_.used(lesson.id);
      out.push_back(std::get<Insight>(lesson.what).text);
    }
    return out;
  }

  PromptParts parts(const Observation& seen) {
    PromptParts p;
    p.world = brief_.world;
    p.choosing = !seen.choices.empty();
    p.task = brief_.task.goal;
    p.notes = brief_.notes;
    p.insights = recall_insights();
    p.cases = recall_cases(p);
    p.transcript = transcript_;
    if (config_.list_choices && p.choosing) list_choices(p, seen.choices);
    return p;
  }
  // The list of the first observation stays in the first message as long as it covers what is legal now; else the choices of
  // this step are named beside it.
  void list_choices(PromptParts& p, const std::vector<std::string>& now) const {
    for (const auto& c : listed_) p.choices.push_back(quoted_line(c, {{}, rules_.limit}));
    const bool covered = std::all_of(now.begin(), now.end(), [&](const auto& c) { return std::find(listed_.begin(), listed_.end(), c) != listed_.end(); });
    if (covered) return;
    p.choices.clear();
    std::string line = "Choices: ";
    for (std::size_t i = 0; i < now.size(); ++i) line += (i == 0 ? "" : ", ") + quoted_line(now[i], {{}, rules_.limit});
    p.transcript.push_back(line);
  }

  // ---- among choices
  // Among those that are open (see repeats.h); the others keep their places in the list, out of reach.
  Move choose(const Observation& seen) {
    const auto open = repeats_.open(seen.choices);
    if (open.size() == seen.choices.size()) return choose_among(seen);
    Observation part = seen;
    part.choices.clear();
    for (const std::size_t i : open) part.choices.push_back(seen.choices[i]);
    Move move = choose_among(part);
    std::vector<double> preference(seen.choices.size(), closed);
    for (std::size_t k = 0; k < open.size(); ++k) preference[open[k]] = move.preference[k];
    move.preference = std::move(preference);
    move.choice = static_cast<int>(open[static_cast<std::size_t>(move.choice)]);
    return move;
  }

  Move choose_among(const Observation& seen) {
    if (tools_.chooser == nullptr)
      throw Error(Fault::unavailable, "react: this world offers choices, but the model can't score them (it gives no log-probabilities)");
    PromptParts p = parts(seen);
    Move move;
    if (config_.think) {
      move.thought = think(p);
      p.transcript = transcript_;
      p.cases = recall_cases(p);  // the thought may be what is recalled by
    }
    const auto scores = scores_of(p, seen.choices);
    move.preference = scores;
    add_vote(seen.choices, move.preference);
    add_exploration(seen.choices, move.preference);
    move.choice = pick(move.preference);
    move.action = seen.choices[static_cast<std::size_t>(move.choice)];
    return move;
  }

  // The model's scores, or what it said at first when it is asked only once.
  std::vector<double> scores_of(const PromptParts& p, const std::vector<std::string>& choices) {
    if (config_.rescore) return model_scores(p, choices);
    std::vector<double> out;
    for (const auto& c : choices)
      if (const auto it = first_scores_.find(c); it != first_scores_.end()) out.push_back(it->second);
    if (out.size() == choices.size()) return out;
    out = model_scores(p, choices);
    first_scores_.clear();
    for (std::size_t i = 0; i < choices.size(); ++i) first_scores_[choices[i]] = out[i];
    return out;
  }

  // Log-softmax over the choices of the model's scores, calibrated and normalised as the settings say.
  std::vector<double> model_scores(const PromptParts& p, const std::vector<std::string>& choices) {
    ChoiceRequest request;
    request.prompt = react_prompt(p, config_);
    request.lead = action_word(*brief_.world) + ":";
    request.choices = choices;
    const double share = p.cases.empty() ? config_.calibrate_weight : config_.calibrate_with_cases;
    const bool calibrate = config_.calibrate == Calibrate::always || (config_.calibrate == Calibrate::without_cases && p.cases.empty());
    if (calibrate) request.content_free = content_free_prompt(p, config_);
    const auto answers = tools_.chooser->score({&request, 1});
    if (answers.size() != 1 || answers[0].logp.size() != choices.size() || (calibrate && !answers[0].prior.empty() && answers[0].prior.size() != choices.size()))
      throw Error(Fault::internal, "react: expected a score for each of " + std::to_string(choices.size()) + " choices");
    const Score& score = answers[0];
    const bool has_prior = calibrate && !score.prior.empty();  // a server that only writes its choice has none to subtract
    std::vector<double> out(choices.size());
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = score.logp[i] - (has_prior ? share * score.prior[i] : 0.0);
      if (config_.length_normalise) out[i] /= std::max(1, score.tokens[i]);
    }
    normalise(out);
    return out;
  }
  static void normalise(std::vector<double>& logs) {
    const double top = *std::max_element(logs.begin(), logs.end());
    double sum = 0.0;
    for (const double x : logs) sum += std::exp(x - top);
    for (double& x : logs) x -= top + std::log(sum);
  }

  void add_vote(const std::vector<std::string>& choices, std::vector<double>& scores) {
    if (config_.vote <= 0.0) return;
    RecallQuery query;
    query.text = brief_.task.goal;
    query.k = config_.vote_k;
    query.by = RecallBy::dense;
    query.filter = known_.cases(true);
    const auto near = known_.recall(query);
    if (near.empty()) return;
    for (const auto& r : near) known_.used(r.lesson.id);
    const auto votes = neighbour_vote(choices, near, {.power = config_.vote_power, .smoothing = config_.vote_smoothing});
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] += config_.vote * votes[i];
  }

  // Count bonus in the manner of UCB1 (Auer et al. 2002): choices seldom tried in all known cases of this kind come first.
  void add_exploration(const std::vector<std::string>& choices, std::vector<double>& scores) {
    if (config_.explore <= 0.0 || !known_.possible()) return;
    if (all_tries_ < 0) {
      all_tries_ = 0;
      for (const auto& lesson : known_.lessons().all(known_.cases(false)))
        if (const auto* known = std::get_if<Case>(&lesson.what))
          for (const auto& action : known->actions) ++tries_[action], ++all_tries_;
    }
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const auto it = tries_.find(choices[i]);
      const double n = it == tries_.end() ? 0.0 : it->second;
      scores[i] += config_.explore * std::sqrt(std::log(1.0 + all_tries_) / (1.0 + n));
    }
  }

  // Greedy at temperature 0 (the first of equals), else sampled: argmax of scores / T + Gumbel noise.
  int pick(const std::vector<double>& scores) {
    const double t = brief_.sampling.temperature;
    std::size_t best = 0;
    double best_value = 0.0;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const double value = t > 0.0 ? scores[i] / t - std::log(-std::log(1.0 - choice_rng_.uniform() + 0x1p-60)) : scores[i];
      if (i == 0 || value > best_value) best = i, best_value = value;
    }
    return static_cast<int>(best);
  }

  // ---- free text
  Reply generate(const std::vector<Message>& prompt, int lines = 1, std::string grammar = {}) {
    Sampling s = brief_.sampling;
    s.grammar = std::move(grammar);
    s.hold = false;  // lines are read as they come where a server takes no grammar
    if (lines == 1) s.stop = {"\n"};
    else s.stop = {"\n" + task_word(*brief_.world) + ":", "\nObservation"};
    s.max_tokens = config_.line_tokens * lines;
    s.temperature = std::max(s.temperature, again_ > 0 ? lively : 0.0F);
    s.seed = mix64(brief_.sampling.seed + static_cast<std::uint64_t>(generations_++));
    return tools_.model->chat(prompt, s);
  }

  std::string think(PromptParts p) {
    if (tools_.model == nullptr) throw Error(Fault::unavailable, "react: think needs a model that writes text");
    p.transcript.push_back("Thought:");
    const std::string thought = quoted_line(generate(react_prompt(p, config_)).text, rules_);
    if (thought.empty()) return {};
    transcript_.push_back("Thought: " + thought);
    last_thought_ = thought;
    thought_last_ = true;
    return thought;
  }

  // What is closed (see repeats.h) is asked for again, without the thoughts that led to it.
  Move write(const Observation& seen) {
    if (tools_.model == nullptr) throw Error(Fault::unavailable, "react: this world wants free text, and there is no model to write it");
    const auto before = std::tuple(transcript_.size(), last_thought_, thought_last_);
    Move move;
    for (again_ = 0; again_ <= most_again; ++again_) {
      if (again_ > 0) {
        transcript_.resize(std::get<0>(before));
        overthought_ = false;
        std::tie(std::ignore, last_thought_, thought_last_) = before;
      }
      move = write_once(seen);
      if (!repeats_.closed(move.action)) break;
    }
    again_ = 0;
    return move;
  }
  Move write_once(const Observation& seen) {
    Move move;
    const bool whole = config_.writes == Writes::step && config_.thoughts > 0;
    const int calls = whole ? 2 : config_.thoughts + 1;
    for (int i = 0; i < calls; ++i) {
      const int lines = whole && i == 0 ? config_.thoughts + 1 : 1;
      const bool held = config_.hold_action && (lines > 1 || i + 1 == calls);
      Reply reply = generate(react_prompt(parts(seen), config_), lines, held ? step_grammar(lines - 1) : std::string());
      move.trace = std::move(reply.trace);
      if (take_lines(reply.text, lines, move)) return move;
    }
    move.action = "N/A";
    overthought_ = true;
    return move;
  }
  // At most `count` lines that hold something, up to the first that is no thought; whether there was one.
  bool take_lines(std::string_view text, int count, Move& move) {
    while (!text.empty() && count > 0) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const auto line = parse_react_line(text.substr(0, end), action_word(*brief_.world));
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.kind != ReactLine::thought) {
        move.action = line.text;
        return true;
      }
      if (!line.text.empty()) --count;
      remember_thought(line.text, move);
    }
    return false;
  }
  // At most so many thoughts, then one line that starts with the world's word for a move.
  std::string step_grammar(int thoughts) const {
    std::string word;
    for (const char c : action_word(*brief_.world)) word += (c == '"' || c == '\\' ? "\\" : "") + std::string(1, c);
    const std::string action = "\"" + word + ": \" [^\\n]+";
    return thoughts == 0 ? "root ::= " + action : "root ::= (\"Thought: \" [^\\n]+ \"\\n\"){" + std::to_string(config_.least_thoughts) + "," + std::to_string(thoughts) + "} " + action;
  }
  void remember_thought(const std::string& text, Move& move) {
    const std::string thought = quoted_line(text, rules_);
    if (thought.empty()) return;
    transcript_.push_back("Thought: " + thought);
    move.thought += (move.thought.empty() ? "" : " ") + thought;
    last_thought_ = thought;
    thought_last_ = true;
  }

  ReactConfig config_;
  std::vector<Example> examples_;
  AgentTools tools_;
  Brief brief_;
  WorldFacts no_world_;
  QuoteRules rules_;
  Recollection known_;
  Repeats repeats_;
  Rng choice_rng_, recall_rng_;
  std::vector<std::string> transcript_, listed_;
  std::string last_thought_, last_action_, last_step_;
  std::size_t step_begin_ = 0;  // where the current step's lines start in transcript_
  std::map<std::string, int> tries_;
  std::map<std::string, double> first_scores_;  // by choice, when the model is asked once
  int all_tries_ = -1;  // -1 = not counted yet
  bool started_ = false, overthought_ = false, thought_last_ = false;
  int generations_ = 0, again_ = 0;
};

}  // namespace

std::unique_ptr<Agent> make_react(const Settings& settings, const AgentTools& tools) {
  const auto config = read_config<ReactConfig>(settings);
  if (tools.model == nullptr && tools.chooser == nullptr) throw Error(Fault::unavailable, "react: needs a model");
  if (tools.model == nullptr && (config.think || config.case_token_limit > 0))
    throw Error(Fault::unavailable, "react: think and case_token_limit need a model that writes text");
  return std::make_unique<ReactAgent>(config, tools);
}

constinit const AgentEntry agent_react{
    .name = "react",
    .summary = "a language model that thinks and acts by turns, with recalled cases and insights in its prompt",
    .fields = &describe_config<ReactConfig>,
    .make = &make_react,
    .needs_settings = false,
};

}  // namespace hone
