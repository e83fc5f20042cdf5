#include <thread>

#include "store/test_support.h"
#include "store/upkeep.h"

namespace hone {
namespace {

using namespace store_test;

TEST(Episodes, ComeBackAsTheyWent) {
  Store store(":memory:");
  const std::string run = a_run(store);
  Episode e = an_episode(run, "learn/3/17");
  e.steps[0].did.trace = Trace{{1, 2}, {3}, {-0.5F}, {}, {}};
  e.steps[0].did.lessons = {{"l", LessonUse::withheld, 0.25}};
  e.aside = {Generation{"g", "k", "critique", {{"user", "why"}}, "so", {}, {}, {}}};
  e.notes = {"n"};
  e.usage.seconds = 0.125;
  e.id = store.append(e);
  EXPECT_EQ(json_of(*store.episode(e.id)), json_of(e));
  EXPECT_EQ(json_of(*store.find_episode(run, "learn/3/17")), json_of(e));
  EXPECT_FALSE(store.find_episode(run, "learn/3/18").has_value());
  EXPECT_FALSE(store.episode("none").has_value());
  EXPECT_TRUE(verify(store).empty());
}

TEST(Episodes, TheSameKeyAgainIsTheSameEpisodeOrAConflict) {
  Store store(":memory:");
  const std::string run = a_run(store);
  Episode e = an_episode(run, "k");
  const std::string id = store.append(e);
  e.started_ms += 1000;  // a resumed run plays later, under another id, at another speed
  e.usage.seconds = 9.0;
  e.id = "another";
  EXPECT_EQ(store.append(e), id);
  EXPECT_EQ(store.count_episodes({}), 1);
  e.steps[0].did.action = "loans";
  EXPECT_EQ(error_of([&] { store.append(e); }).fault(), Fault::conflict);
  EXPECT_EQ(store.count_episodes({}), 1);
}

TEST(Episodes, OutsideARunHaveNoKeyToCollideBy) {
  Store store(":memory:");
  const Episode e = an_episode("", "");
  EXPECT_NE(store.append(e), store.append(e));
  EXPECT_EQ(error_of([&] { store.append(an_episode("no such run", "k")); }).fault(), Fault::not_found);
}

TEST(Episodes, AreQueriedByEveryField) {
  Store store(":memory:");
  const std::string run = a_run(store);
  for (int i = 0; i < 10; ++i) {
    Episode e = an_episode(run, (i < 5 ? "learn/1/" : "eval/1/") + std::to_string(i));
    e.solved = i % 2 == 0;
    e.task.kind = i < 3 ? "cards" : "loans";
    e.started_ms = 1000 + i;
    store.append(e);
  }
  const auto n = [&](const EpisodeQuery& q) { return store.count_episodes(q); };
  EXPECT_EQ(n({}), 10);
  EXPECT_EQ(n({.run = run}), 10);
  EXPECT_EQ(n({.run = ""}), 0);
  EXPECT_EQ(n({.env = "desk"}), 10);
  EXPECT_EQ(n({.kind = "cards"}), 3);
  EXPECT_EQ(n({.key_prefix = "learn/1/"}), 5);
  EXPECT_EQ(n({.key_prefix = "learn/1"}), 5);
  EXPECT_EQ(n({.key_prefix = "%"}), 0);
  EXPECT_EQ(n({.solved = true}), 5);
  EXPECT_EQ(n({.since_ms = 1004, .until_ms = 1006}), 2);
  EXPECT_EQ(n({.task = "task-learn/1/0"}), 1);
  EXPECT_EQ(n({.group = "task-eval/1/9"}), 1);
  const auto keys = [&](const EpisodeQuery& q) {
    std::string all;
    for (const auto& e : store.episodes(q)) all += e.key.back();
    return all;
  };
  EXPECT_EQ(keys({.order = EpisodeOrder::inserted}), "0123456789");
  EXPECT_EQ(keys({.order = EpisodeOrder::key}), "5678901234");
  EXPECT_EQ(keys({.order = EpisodeOrder::newest, .limit = 3, .offset = 1}), "876");
  EXPECT_TRUE(store.episodes({.with_steps = false})[0].steps.empty());
  EXPECT_EQ(store.episodes({})[0].steps.size(), 1U);
}

TEST(Episodes, TenMegabytesOfObservationFit) {
  Folder folder;
  Store store(folder / "s.db");
  Episode e = an_episode("", "");
  e.steps[0].seen.text = std::string(10'000'000, 'x') + "\n\"end";
  e.id = store.append(e);
  EXPECT_EQ(store.episode(e.id)->steps[0].seen.text, e.steps[0].seen.text);
}

TEST(Episodes, NulBytesSurviveInvalidUtf8IsRepaired) {
  Store store(":memory:");
  Episode e = an_episode("", std::string("k\0ey", 4));
  e.steps[0].seen.text = std::string("a\0b", 3);
  e.last.text = "bad \xFF byte";
  e.task.kind = "\xC3";
  e.id = store.append(e);
  const Episode back = *store.episode(e.id);
  EXPECT_EQ(back.steps[0].seen.text, e.steps[0].seen.text);
  EXPECT_EQ(back.last.text, "bad \xEF\xBF\xBD byte");
  EXPECT_EQ(back.key, e.key);
  EXPECT_EQ(store.count_episodes({.kind = "\xC3"}), 1);
  EXPECT_TRUE(store.find_episode("", std::string("k\0ey", 4)).has_value());
  EXPECT_FALSE(store.find_episode("", "k").has_value());
  EXPECT_TRUE(verify(store).empty());
}

TEST(Episodes, ManyThreadsMayAppend) {
  Folder folder;
  Store store(folder / "s.db");
  const std::string run = a_run(store);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) store.append(an_episode(run, std::to_string(t) + "/" + std::to_string(i)));
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(store.count_episodes({}), 40);
}

TEST(Generations, AreKeptByKeyAndTheSameAgainIsKnown) {
  Store store(":memory:");
  const std::string run = a_run(store);
  Generation g{"", "reflect/1", "reflection", {{"user", "why"}}, "because", Trace{{}, {1}, {-1.0F}, {}, {}},
               {}, {}};
  const std::string id = store.append(run, g);
  g.usage.seconds = 3.0;
  EXPECT_EQ(store.append(run, g), id);
  EXPECT_EQ(store.find_generation(run, "reflect/1")->text, "because");
  EXPECT_EQ(store.find_generation(run, "reflect/1")->trace.logp, g.trace.logp);
  EXPECT_FALSE(store.find_generation(run, "reflect/2").has_value());
  g.text = "otherwise";
  EXPECT_EQ(error_of([&] { store.append(run, g); }).fault(), Fault::conflict);
  g.key = "reflect/2";
  g.id.clear();
  EXPECT_EQ(error_of([&] { store.append(run, g, "no such episode"); }).fault(), Fault::bad_input);
  EXPECT_EQ(store.generations(run).size(), 1U);
}

}  // namespace
}  // namespace hone
