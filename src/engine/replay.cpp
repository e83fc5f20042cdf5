#include "engine/replay.h"

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

}  // namespace

std::vector<Change> find_changes(const Stage& stage, const ReplayPlan& plan, const std::vector<Episode>& played, Journal& journal,
                                 const Listener& listener) {
  std::vector<Change> changes;
  int looked = 0;
  for (const Episode& episode : played) {
    if (static_cast<int>(changes.size()) >= plan.want || looked >= plan.try_at_most) break;
    if (episode.steps.empty() || episode.ending == Ending::fault) continue;
    ++looked;
    const Step& first = episode.steps.front();
    for (std::size_t i = 0; i < first.did.lessons.size(); ++i) {
      const LessonUse& use = first.did.lessons[i];
      if (use.how != LessonUse::used) continue;
      const Episode other = without_lesson(stage, plan, episode, use, i, journal);
      if (other.steps.empty() || other.steps.front().did.action == first.did.action) continue;
      changes.push_back({episode.task, use.lesson, use.similarity, first.seen, first.did, other.steps.front().did, episode.solved, other.solved});
      break;
    }
    if (listener)
      listener({"progress", {{"phase", "replay"}, {"done", std::max<int>(looked, static_cast<int>(changes.size()))},
                             {"total", std::min<int>(plan.try_at_most, static_cast<int>(played.size()))}}});
  }
  return changes;
}

}  // namespace hone
