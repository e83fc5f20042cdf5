#include "store/transfer.h"

#include "store/test_world.h"
#include "store/upkeep.h"

namespace hone {
namespace {

using namespace store_test;

std::string exported(const Store& store, const ExportOptions& options = {}) {
  std::ostringstream out;
  export_jsonl(store, out, options);
  return out.str();
}

Imported imported(Store& store, const std::string& text) {
  std::istringstream in(text);
  return import_jsonl(store, in, "x.jsonl");
}

TEST(Export, ThenImportThenExportGivesTheSameBytes) {
  Store store(":memory:");
  WordEmbedder embedder;
  fill(store, &embedder);
  fill(store, nullptr, 5);
  store.append(an_episode("", ""));
  const std::string text = exported(store);
  Store copy(":memory:");
  const Imported result = imported(copy, text);
  EXPECT_EQ(result.known, 0);
  EXPECT_EQ(result.added + 2, result.lines);  // the first and the last line add nothing
  EXPECT_EQ(exported(copy), text);
  EXPECT_EQ(content_hash(copy), content_hash(store));
  EXPECT_TRUE(verify(copy).empty());
  const auto again = imported(copy, text);
  EXPECT_EQ(again.added, 0);
  EXPECT_EQ(exported(copy), text);
}

TEST(Export, CutAtALineIsNotTakenAsWhole) {
  Store store(":memory:");
  fill(store);
  const std::string text = exported(store);
  const auto last = text.rfind("{\"type\":\"end\"");
  const auto fault = [](const std::string& cut) {
    Store copy(":memory:");
    const Error e = error_of([&] { imported(copy, cut); });
    EXPECT_TRUE(copy.runs().empty());
    return std::string(e.what());
  };
  EXPECT_NE(fault(text.substr(0, last)).find("it was cut off"), std::string::npos);
  EXPECT_NE(fault(text.substr(0, text.find('\n') + 1)).find("it was cut off"), std::string::npos);
  EXPECT_NE(fault(text.substr(0, last) + text).find("it was cut off"), std::string::npos);
  std::string hole = text;
  const auto metric = hole.find("{\"type\":\"metric\"");
  hole.erase(metric, hole.find('\n', metric) + 1 - metric);
  EXPECT_NE(fault(hole).find("some are missing"), std::string::npos);
  // One written before exports had an end.
  std::string older = text.substr(0, last);
  older.replace(older.find("\"format\":2"), 10, "\"format\":1");
  Store copy(":memory:");
  imported(copy, older);
  EXPECT_EQ(exported(copy), text);
  EXPECT_EQ(imported(copy, text + text).added, 0);
}

TEST(Export, ToAFileNeverToTheStoreItselfAndLeavesNoPart) {
  Folder folder;
  const auto path = folder / "s.db";
  Store store(path);
  fill(store);
  const std::string before = content_hash(store);
  std::filesystem::create_hard_link(path, folder / "link");
  for (const char* name : {"s.db", "s.db-wal", "s.db-shm", "link", "../s.db/../s.db"}) {
    const auto target = std::string(name).starts_with("..") ? folder.path() / "." / "s.db" : folder / name;
    EXPECT_EQ(error_of([&] { export_file(store, target); }).fault(), Fault::usage) << name;
  }
  EXPECT_EQ(error_of([&] { export_file(store, folder.path()); }).fault(), Fault::usage);
  EXPECT_EQ(content_hash(store), before);
  export_file(store, folder / "out.jsonl");
  EXPECT_EQ(bytes_of(folder / "out.jsonl"), exported(store));
  EXPECT_EQ(error_of([&] { export_file(store, folder / "out.jsonl", {.runs = {"none"}}); }).fault(), Fault::not_found);
  EXPECT_EQ(bytes_of(folder / "out.jsonl"), exported(store));
  EXPECT_FALSE(std::filesystem::exists(folder / "out.jsonl.part"));
  EXPECT_EQ(error_of([&] { export_file(store, "/dev/full"); }).fault(), Fault::io);
}

TEST(Import, ThatFailsLeavesNoStoreBehind) {
  Folder folder;
  const auto path = folder / "s.db";
  Store store(path);
  EXPECT_THROW(imported(store, "{}"), Error);
  discard_if_empty(std::move(store));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  Store used(path);
  a_run(used);
  discard_if_empty(std::move(used));
  EXPECT_EQ(Store(path).runs().size(), 1U);
}

TEST(Export, KeepsWhatRecallAndCreditNeed) {
  Store store(":memory:");
  WordEmbedder embedder;
  const World w = fill(store, &embedder);
  Store copy(":memory:");
  imported(copy, exported(store));
  RecallQuery query;
  query.text = "raise a loan";
  query.by = RecallBy::fused;
  const auto a = store.snapshot(w.run + "/fold0", {}, &embedder)->recall(query);
  const auto b = copy.snapshot(w.run + "/fold0", {}, &embedder)->recall(query);
  ASSERT_EQ(a.size(), 2U);
  ASSERT_EQ(b.size(), a.size());
  EXPECT_EQ(a[0].lesson.id, b[0].lesson.id);
  EXPECT_EQ(a[0].score, b[0].score);
  EXPECT_EQ(copy.credit(w.run + "/fold0").size(), store.credit(w.run + "/fold0").size());
  EXPECT_EQ(copy.checkpoint(w.run)->round, 2);
  EXPECT_TRUE(copy.commit({w.run, "learn/2", {}, {}}).repeated);
  EXPECT_EQ(copy.snapshot(w.run + "/fold0", 1)->all({}).size(), 3U);
}

TEST(Export, OfOneRunBringsTheTriesItsLessonsRestOn) {
  Store store(":memory:");
  const World w = fill(store);
  const std::string run = a_run(store, "later");
  Lesson lesson = an_insight("later", "rests on a try of the other run");
  lesson.evidence = {w.other_try};
  store.commit({run, "1", {{lesson}, {}}, {}});
  Store copy(":memory:");
  imported(copy, exported(store, {.runs = {"later"}}));
  EXPECT_EQ(copy.runs().size(), 2U);
  EXPECT_EQ(copy.count_episodes({}), 1);
  EXPECT_EQ(copy.lessons({}).size(), 1U);
  EXPECT_TRUE(verify(copy).empty());
  EXPECT_EQ(error_of([&] { exported(store, {.runs = {"none"}}); }).fault(), Fault::not_found);
}

TEST(Export, CanonicalIsEqualForTwoRunsOfOneRecipeAndTellsARealDifference) {
  WordEmbedder embedder;
  Store one(":memory:"), two(":memory:"), three(":memory:");
  fill(one, &embedder, 0);
  fill(two, nullptr, 99);
  const ExportOptions canonical{.canonical = true};
  EXPECT_EQ(exported(one, canonical), exported(two, canonical));
  EXPECT_NE(exported(one), exported(two));
  const World w = fill(three, nullptr, 3);
  Episode extra = an_episode(w.run, "learn/9/9");
  extra.steps[0].did.action = "loans";
  three.append(extra);
  EXPECT_NE(exported(one, canonical), exported(three, canonical));
  EXPECT_EQ(exported(one, canonical).find(one.runs()[0].id), std::string::npos);
}

TEST(Export, CanonicalDoesNotDependOnTheOrderOfWriting) {
  const auto make = [](bool reverse) {
    Store store(":memory:");
    const std::string run = a_run(store);
    std::vector<std::string> keys{"a", "b", "c"};
    if (reverse) std::reverse(keys.begin(), keys.end());
    for (const auto& key : keys) store.append(an_episode(run, key));
    for (const auto& key : keys) store.append(run, Generation{"", key, "r", {}, key, {}, {}, {}});
    return exported(store, {.canonical = true});
  };
  EXPECT_EQ(make(false), make(true));
}

TEST(Import, NamesFileLineAndFieldAndTakesNothingInHalf) {
  Store store(":memory:");
  fill(store);
  const std::string text = exported(store);
  const auto fails = [](const std::string& broken) {
    Store copy(":memory:");
    const std::string before = content_hash(copy);
    const Error e = error_of([&] { imported(copy, broken); });
    EXPECT_EQ(content_hash(copy), before);
    EXPECT_TRUE(verify(copy).empty());
    return std::string(e.what());
  };
  EXPECT_EQ(fails("{\"x\":1}\n"),
            "x.jsonl:1: expected the first line of a store's export, {\"type\":\"hone-store\",\"format\":2}");
  EXPECT_NE(fails(text + "{\"type\":\"nonsense\"}\n").find("type: expected hone-store, artifact"),
            std::string::npos);
  EXPECT_NE(fails(text.substr(0, text.size() / 2)).find("not valid JSON at byte"), std::string::npos);
  EXPECT_NE(fails("{\"type\":\"hone-store\",\"format\":3}\n").find("format: expected 1 or 2, got 3"),
            std::string::npos);
  const std::string head = "{\"type\":\"hone-store\",\"format\":1}\n";
  EXPECT_EQ(fails(head + "{\"type\":\"metric\",\"run\":\"r\",\"round\":\"x\"}\n"),
            "x.jsonl:2.round: expected a whole number from -9223372036854775808 to 9223372036854775807, got "
            "string \"x\"");
  EXPECT_NE(fails(head + "{\"type\":\"artifact\",\"sha\":\"00\",\"bytes\":\"AAAA\"}\n")
                .find("expected the SHA-256 of the bytes"),
            std::string::npos);
  EXPECT_NE(fails(head + "{\"type\":\"artifact\",\"sha\":\"00\",\"bytes\":\"A*AA\"}\n")
                .find("not base64 at character 2"),
            std::string::npos);
  EXPECT_NE(fails(head + "{\"type\":\"episode\",\"episode\":{\"id\":\"e\"}}\n")
                .find("x.jsonl:2.episode.task: missing"),
            std::string::npos);
}

TEST(Import, RefusesRunsNamedLikeAnotherFolder) {
  Store good(":memory:");
  a_run(good, "plain");
  const std::string text = exported(good);
  for (const char* id : {"../../victim", "..", "a/b", "", "import/..", "..\\u0000x"}) {
    std::string bad = text;
    bad.replace(bad.find("plain"), 5, id);
    Store store(":memory:");
    const Error e = error_of([&] { imported(store, bad); });
    EXPECT_EQ(e.fault(), Fault::bad_input);
    EXPECT_NE(std::string(e.what()).find("x.jsonl:2.id: expected a plain name"), std::string::npos) << e.what();
    EXPECT_TRUE(store.runs().empty());
  }
}

TEST(Import, SaysOnlyTheStartOfWhatItCannotRead) {
  Store store(":memory:");
  const std::string much(1 << 20, 'x');
  const std::string head = "{\"type\":\"hone-store\",\"format\":1}\n";
  for (const auto& line : {"{\"type\":\"" + much + "\"}\n", "{\"type\":\"" + much + "\n"})
    EXPECT_LT(std::string(error_of([&] { imported(store, head + line); }).what()).size(), 500U);
}

TEST(Import, RefusesWeightsWithoutTheirArtifact) {
  Store store(":memory:");
  const std::string text = R"({"type":"hone-store","format":1}
{"type":"run","id":"r","name":"","recipe":"","config_hash":"","env":"","method":"","model":"","seed":1,"created_ms":1,"status":"finished","meta":"{}"}
{"type":"scope","name":"s","run":"r","version":1}
{"type":"lesson","added":1,"place":0,"retired":0,"lesson":{"id":"w","scope":"s","learner":"x","env":"e","kind":"k","what":{"form":"weights","base_sha":"","artifact_sha":"abc","arch":"mlp","tokenizer_sha":"","kind":"net"},"keys":[],"evidence":[],"prompt_hash":"","parent":"","created_ms":1},"vectors":[]}
)";
  const Error error = error_of([&] { imported(store, text); });
  EXPECT_EQ(error.fault(), Fault::bad_input);
  EXPECT_NE(std::string(error.what()).find(":4.lesson.what.artifact_sha: names abc"), std::string::npos) << error.what();
}

TEST(Import, OfContradictingContentIsAConflict) {
  Store store(":memory:");
  Episode e = an_episode("", "");
  e.id = "same";
  store.append(e);
  const std::string text = exported(store);
  Store other(":memory:");
  e.steps[0].did.action = "loans";
  other.append(e);
  const std::string before = content_hash(other);
  EXPECT_EQ(error_of([&] { imported(other, text); }).fault(), Fault::conflict);
  EXPECT_EQ(content_hash(other), before);
}

TEST(Import, SurvivesMutatedLines) {
  Store store(":memory:");
  WordEmbedder embedder(4);
  fill(store, &embedder);
  const std::string good = exported(store);
  Rng rng(11);
  int refused = 0;
  for (int i = 0; i < 150; ++i) {
    std::string bad = good;
    for (int j = 0; j < 2; ++j) bad[rng.below(bad.size())] = static_cast<char>(32 + rng.below(96));
    Store copy(":memory:");
    try {
      imported(copy, bad);
      EXPECT_GT(copy.runs().size(), 0U);
    } catch (const Error& e) {
      ++refused;
      EXPECT_NE(e.fault(), Fault::internal) << e.what();
      EXPECT_TRUE(copy.runs().empty());
    }
  }
  EXPECT_GT(refused, 30);
}

TEST(Chats, BecomeEpisodes) {
  Store store(":memory:");
  const std::string text =
      R"({"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"My card is lost"},{"role":"assistant","content":"Which one?"},{"role":"user","content":"The red one"},{"role":"assistant","content":"Blocked."},{"role":"user","content":"Thanks"}],"outcome":"solved","kind":"cards"})"
      "\n\n"
      R"({"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]},{"role":"tool","content":"ok"},{"role":"assistant","content":"done"}],"outcome":0.25,"task":"do it"})"
      "\r\n"
      R"({"messages":[{"role":"assistant","content":"hi"}],"outcome":false})";
  std::istringstream in(text);
  const Imported result = import_chats(store, in, {"support", "chats.jsonl", "chat"});
  EXPECT_EQ(result.added, 3);
  const auto episodes = store.episodes({.run = "import/support"});
  ASSERT_EQ(episodes.size(), 3U);
  const Episode& e = episodes[0];
  EXPECT_EQ(e.task.goal, "My card is lost");
  EXPECT_EQ(e.task.kind, "cards");
  ASSERT_EQ(e.steps.size(), 2U);
  EXPECT_EQ(e.steps[0].seen.text, "Be kind.\nMy card is lost");
  EXPECT_EQ(e.steps[0].did.action, "Which one?");
  EXPECT_EQ(e.steps[1].seen.text, "The red one");
  EXPECT_EQ(e.last.text, "Thanks");
  EXPECT_TRUE(e.solved);
  EXPECT_EQ(episodes[1].score, 0.25);
  EXPECT_FALSE(episodes[1].solved);
  EXPECT_EQ(episodes[1].task.goal, "do it");
  EXPECT_EQ(episodes[1].steps[0].seen.text, "a\nb");
  EXPECT_EQ(episodes[1].steps[0].did.action, R"([{}])");
  EXPECT_EQ(store.run("import/support")->status, RunStatus::imported);
  std::istringstream again(text);
  EXPECT_EQ(import_chats(store, again, {"support", "chats.jsonl", "chat"}).known, 3);
  EXPECT_EQ(store.count_episodes({}), 3);
  EXPECT_TRUE(verify(store).empty());
}

TEST(Chats, OfRealAssistantsWithImagesToolsAndRefusals) {
  const auto chat = [](const std::string& id) {
    return R"({"messages":[{"role":"user","content":[{"type":"text","text":"look"},{"type":"image_url","image_url":{"url":"x"}},{"type":"input_audio"},{"type":"file"}]},)"
           R"({"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":")" +
           id + R"(","type":"function","function":{"name":"find","arguments":"{}"}}]},{"role":"tool","tool_call_id":")" + id +
           R"(","content":"found"},{"role":"assistant","function_call":{"name":"old","arguments":"{}"}},)"
           R"({"role":"function","name":"old","content":"done"},{"role":"assistant","content":null,"refusal":"I can't."},)"
           R"({"role":"assistant","content":[{"type":"refusal","refusal":"no"}]}],"outcome":0})" + "\n";
  };
  Store store(":memory:");
  std::istringstream in(chat("call_1") + "\n"), again(chat("call_2"));
  EXPECT_EQ(import_chats(store, in, {}).added, 1);
  EXPECT_EQ(import_chats(store, again, {}).known, 1);
  const Episode e = store.episodes({})[0];
  ASSERT_EQ(e.steps.size(), 4U);
  EXPECT_EQ(e.steps[0].seen.text, "look\n[image]\n[audio]\n[file]");
  EXPECT_EQ(e.steps[0].did.action, R"([{"type":"function","function":{"name":"find","arguments":"{}"}}])");
  EXPECT_EQ(e.steps[1].seen.text, "find: found");
  EXPECT_EQ(e.steps[1].did.action, R"({"name":"old","arguments":"{}"})");
  EXPECT_EQ(e.steps[2].seen.text, "old: done");
  EXPECT_EQ(e.steps[2].did.action, "I can't.");
  EXPECT_EQ(e.steps[3].did.action, "no");
}

TEST(Chats, WithBrokenTextAreRepaired) {
  const auto said = [](const std::string& content) {
    Store store(":memory:");
    std::istringstream in(R"({"messages":[{"role":"assistant","content":")" + content + R"("}],"outcome":1})");
    import_chats(store, in, {});
    return store.episodes({})[0].steps[0].did.action;
  };
  const std::string replacement = "\xEF\xBF\xBD";
  EXPECT_EQ(said("a\xFFz"), "a" + replacement + "z");
  EXPECT_EQ(said("a\\ud83dz"), "a" + replacement + "z");
  EXPECT_EQ(said("a\\ude00"), "a" + replacement);
  EXPECT_EQ(said("\\ud83d\\ude00"), "\xF0\x9F\x98\x80");
  EXPECT_EQ(said("\\\\ud83d"), "\\ud83d");
  EXPECT_EQ(said("\\ud83d\\ud83d\\ude00"), replacement + "\xF0\x9F\x98\x80");
}

TEST(Chats, AreToldByTheFirstLineThatIsNotBlank) {
  std::istringstream chat("\n  \r\n{\"messages\":[]}\n"), ours("\n{\"type\":\"hone-store\"}\n{\"messages\":[]}"), empty("");
  EXPECT_TRUE(starts_with_chat(chat));
  EXPECT_EQ(chat.get(), '\n');
  EXPECT_FALSE(starts_with_chat(ours));
  EXPECT_FALSE(starts_with_chat(empty));
}

TEST(Chats, EqualLinesStayTwoAndOurOwnLinesMayStandBetween) {
  Store from(":memory:");
  from.append(an_episode("", ""));
  const std::string line = R"({"messages":[{"role":"assistant","content":"hi"}],"outcome":true})"
                           "\n";
  Store store(":memory:");
  std::istringstream in(line + exported(from) + line);
  EXPECT_EQ(import_chats(store, in, {}).added, 3);
  EXPECT_EQ(store.count_episodes({}), 3);
}

TEST(Chats, ErrorsNameFileLineAndFieldAndTakeNothingInHalf) {
  const std::string good = R"({"messages":[{"role":"assistant","content":"hi"}],"outcome":true})"
                           "\n";
  const auto fails = [&](const std::string& line) {
    Store store(":memory:");
    std::istringstream in(good + line);
    const Error e = error_of([&] { import_chats(store, in, {"x", "c.jsonl", "chat"}); });
    EXPECT_EQ(store.count_episodes({}), 0);
    EXPECT_TRUE(store.runs().empty());
    return std::string(e.what());
  };
  EXPECT_EQ(fails(R"({"messages":[{"role":"assistant","content":"x"}]})"), "c.jsonl:2.outcome: missing");
  EXPECT_EQ(fails(R"({"messages":[{"role":"assistant","content":"x"}],"outcome":"won"})"),
            "c.jsonl:2.outcome: expected \"solved\", \"failed\", true, false or a number from 0 to 1, got "
            "string \"won\"");
  EXPECT_NE(
      fails(R"({"messages":[{"role":"assistant","content":"x"}],"outcome":1.5})").find("outcome: expected"),
      std::string::npos);
  EXPECT_EQ(fails(R"({"outcome":1})"), "c.jsonl:2.messages: missing");
  EXPECT_NE(fails(R"({"messages":[{"role":"user","content":"x"}],"outcome":1})")
                .find("at least one of role assistant"),
            std::string::npos);
  EXPECT_NE(fails(R"({"messages":[{"role":"owner","content":"x"}],"outcome":1})")
                .find("c.jsonl:2.messages[0].role: expected system"),
            std::string::npos);
  EXPECT_EQ(fails(R"({"messages":[{"role":"assistant","content":5}],"outcome":1})"),
            "c.jsonl:2.messages[0].content: expected a string or a list of parts, got number 5");
  EXPECT_EQ(fails(R"({"messages":[{"role":"assistant","content":[{"text":"x"}]}],"outcome":1})"),
            "c.jsonl:2.messages[0].content[0].type: missing");
  EXPECT_NE(fails("garbage").find("c.jsonl:2: not valid JSON at byte 1"), std::string::npos);
  EXPECT_NE(fails("[]").find("c.jsonl:2: expected an object"), std::string::npos);
}

}  // namespace
}  // namespace hone
