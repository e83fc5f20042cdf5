// process: an agent of the user's own, any program that speaks docs/formats/process-protocol.md. One program per episode.
#include "agents/process_move.h"
#include "agents/prompt.h"
#include "agents/recollection.h"
#include "core/agent.h"
#include "wire/line_process.h"

namespace hone {

extern constinit const AgentEntry agent_process;

namespace {

using wire::Json;

struct ProcessAgentConfig {
  wire::LineProcessConfig process;
  int cases = 3;
  bool insights = true;
  RecallBy recall_by = RecallBy::dense;
};

template <class V>
void visit(V& v, ProcessAgentConfig& c) {
  visit(v, c.process);
  v.field("cases", c.cases, "solved cases handed over with the task", {.min = 0, .max = 1000});
  v.field("insights", c.insights, "hand over the insights");
  v.choice("recall_by", c.recall_by, {{"dense", RecallBy::dense}, {"fused", RecallBy::fused}, {"text", RecallBy::text}}, "how cases are found");
}

Json world_json(const WorldFacts& w) {
  return {{"name", w.name}, {"role", w.role}, {"action_help", w.action_help}, {"task_word", task_word(w)}, {"action_word", action_word(w)},
          {"max_steps", w.max_steps}};
}

class ProcessAgent final : public Agent {
 public:
  explicit ProcessAgent(const ProcessAgentConfig& config) : config_(config), program_(config.process) { program_.ask({{"do", "hello"}, {"protocol", 1}}); }

  void begin(const Brief& brief) override {
    const WorldFacts none;
    const WorldFacts& world = brief.world != nullptr ? *brief.world : none;
    Recollection known(brief);
    Json lessons = Json::array();
    if (config_.insights)
      for (const auto& lesson : known.insights()) {
        lessons.push_back(std::get<Insight>(lesson.what).text);
        known.used(lesson.id);
      }
    RecallQuery query;
    query.text = brief.task.goal;
    query.k = config_.cases;
    query.by = config_.recall_by;
    query.filter = known.cases(true);
    for (const auto& r : known.recall(query)) {
      const auto& known_case = std::get<Case>(r.lesson.what);
      lessons.push_back(task_word(world) + ": " + known_case.task + "\n" + known_case.transcript);
      known.used(r.lesson.id);
    }
    account_ = known.account();
    program_.ask({{"do", "begin"}, {"task", wire::to_json(brief.task)}, {"world", world_json(world)}, {"lessons", lessons},
                  {"notes", brief.notes}, {"seed", brief.rng.split("process").next() >> 11}});  // 53 bits: exact in every language
  }

  Move act(const Observation& seen) override {
    const Json answer = program_.ask({{"do", "act"}, {"observation", {{"text", seen.text}, {"choices", seen.choices}}}});
    Move move;
    try {
      move = read_process_move(answer, seen);
    } catch (const Error& e) {
      throw e.within("program '" + program_.shown() + "'");
    }
    move.lessons = account_;
    return move;
  }

 private:
  ProcessAgentConfig config_;
  wire::LineProcess program_;
  std::vector<LessonUse> account_;
};

std::unique_ptr<Agent> make_process_agent(const Settings& settings, const AgentTools&) {
  return std::make_unique<ProcessAgent>(read_config<ProcessAgentConfig>(settings));
}

}  // namespace

constinit const AgentEntry agent_process{
    .name = "process",
    .summary = "an agent of your own: any program that answers JSON lines",
    .fields = &describe_config<ProcessAgentConfig>,
    .make = &make_process_agent,
    .needs_settings = true,
};

}  // namespace hone
