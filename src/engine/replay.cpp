#include "engine/replay.h"

#include <algorithm>
#include <map>

namespace hone {

namespace {

Episode without_lesson(const Stage& stage, const ReplayPlan& plan, const Episode& played, const LessonUse& use, std::size_t place,
                       Journal& journal) {
  const std::string key = "replay/" + played.key + "/" + std::to_string(place);
  if (auto known = journal.find(key)) return *known;
  Play how;
  how.run = plan.run;
  how.key = key;
  how.view = {.lessons = plan.lessons, .withheld = {use.lesson}};
  how.rng = plan.rng.split(played.key);  // the same draws as the try it repeats
  Trial trial{.task = played.task, .group = played.group, .parent = played.id, .notes = {}, .sampling = {}};
  Episode episode = play(stage, trial, how);
  journal.append(episode);
  return episode;
}

// Of the lessons a move used, those that speak for it: insights and whatever else has no action of its own, and cases that were
// solved by this very action. Taking out one of several that say the same changes little, so where nothing speaks for it: all.
std::vector<std::size_t> speakers(const Move& move, const std::map<std::string, std::string>& case_actions) {
  std::vector<std::size_t> all, out;
  for (std::size_t i = 0; i < move.lessons.size(); ++i) {
    if (move.lessons[i].how != LessonUse::used) continue;
    all.push_back(i);
    const auto known = case_actions.find(move.lessons[i].lesson);
    if (known == case_actions.end() || known->second == move.action) out.push_back(i);
  }
  return out.empty() ? all : out;
}

}  // namespace

std::vector<Change> find_changes(const Stage& stage, const ReplayPlan& plan, const std::vector<Episode>& played, Journal& journal,
                                 const Listener& listener) {
  std::vector<Change> changes;
  std::map<std::string, std::string> case_actions;  // last action by lesson
  for (const auto& lesson : plan.lessons->all({}))
    if (const auto* known = std::get_if<Case>(&lesson.what); known != nullptr && !known->actions.empty()) case_actions[lesson.id] = known->actions.back();
  // A move that rests on one lesson is looked at before one that rests on several.
  struct Candidate {
    const Episode* episode;
    std::vector<std::size_t> lessons;
  };
  std::vector<Candidate> candidates;
  for (const Episode& episode : played)
    if (!episode.steps.empty() && episode.ending != Ending::fault)
      if (auto lessons = speakers(episode.steps.front().did, case_actions); !lessons.empty()) candidates.push_back({&episode, std::move(lessons)});
  std::stable_sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.lessons.size() < b.lessons.size(); });
  int looked = 0;
  for (const auto& candidate : candidates) {
    if (static_cast<int>(changes.size()) >= plan.want || looked >= plan.try_at_most) break;
    ++looked;
    const Episode& episode = *candidate.episode;
    const Step& first = episode.steps.front();
    for (const std::size_t i : candidate.lessons) {
      const LessonUse& use = first.did.lessons[i];
      const Episode other = without_lesson(stage, plan, episode, use, i, journal);
      if (other.steps.empty() || other.steps.front().did.action == first.did.action) continue;
      changes.push_back({episode.task, use.lesson, use.similarity, first.seen, first.did, other.steps.front().did, episode.solved, other.solved});
      break;
    }
    if (listener)
      listener({"progress", {{"phase", "replay"}, {"done", changes.size()}, {"total", plan.want}}});
  }
  // What a lesson gained comes before what it lost.
  std::stable_partition(changes.begin(), changes.end(), [](const Change& c) { return c.solved_with && !c.solved_without; });
  return changes;
}

}  // namespace hone
