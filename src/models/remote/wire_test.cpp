// The pure parts: addresses, waits, streams and replies, schemas, the cache.
#include <cmath>

#include "core/config.h"
#include "models/backend.h"
#include "models/remote/retry.h"
#include "models/remote/schema.h"
#include "models/remote/server_test_kit.h"

namespace hone::remote {
namespace {

TEST(Address, IsTakenApart) {
  const Address plain = parse_address("http://127.0.0.1:8080/v1#qwen/qwen3");
  EXPECT_EQ(plain.origin, "http://127.0.0.1:8080");
  EXPECT_EQ(plain.base(), "http://127.0.0.1:8080/v1");
  EXPECT_EQ(plain.root(), "");
  EXPECT_EQ(plain.model, "qwen/qwen3");
  EXPECT_TRUE(plain.loopback);
  EXPECT_FALSE(plain.secure);
  const Address bare = parse_address("https://example.org");
  EXPECT_EQ(bare.base(), "https://example.org/v1");
  EXPECT_FALSE(bare.loopback);
  const Address deep = parse_address("https://example.org/proxy/v1/#m");
  EXPECT_EQ(deep.base(), "https://example.org/proxy/v1");
  EXPECT_EQ(deep.root(), "/proxy");
  EXPECT_TRUE(parse_address("http://[::1]:80#m").loopback);
  EXPECT_EQ(parse_address("http://127.0.0.1:1/v1#My Model.gguf").model, "My Model.gguf");  // as a file is called
  EXPECT_FALSE(parse_address("http://127.0.0.1.example.org#m").loopback);
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* spec : {"ftp://host/v1", "http://", "http:///v1", "http://host:0/v1", "http://host:99999/v1", "http://host:8a/v1", "http://ho st/v1", "http://host\n/v1",
                           "http://a:b:c/v1", "http://host/v1/chat/completions#m", "http://host/v 1#m", "http://host/v1#a\nb", "http://host/v1#a\x1b[31m", "http://host/v1#\x7f", "http://host/v1#  "})
    EXPECT_EQ(error_of([&] { parse_address(spec); }).fault(), Fault::usage) << spec;
  for (const char* spec : {"https://user:hunter2@host/v1", "https://host/v1?key=hunter2#m", "https://hunter2@host", "http://host:hunter2/@x"}) {
    const Error e = error_of([&] { open_model(spec); });
    EXPECT_EQ(e.fault(), Fault::usage);
    EXPECT_EQ(std::string(e.what()).find("hunter2"), std::string::npos) << e.what();
  }
}

TEST(Key, ComesFromTheEnvironmentAndGoesOverPlainHttpToThisMachineOnly) {
  const Environment standard("OPENAI_API_KEY", std::string(secret) + "\n"), own("HONE_TEST_KEY", "other");
  EXPECT_EQ(find_key(parse_address("https://example.org#m"), "OPENAI_API_KEY"), secret);
  EXPECT_EQ(find_key(parse_address("http://localhost:1#m"), "OPENAI_API_KEY"), secret);
  EXPECT_EQ(find_key(parse_address("http://example.org#m"), "OPENAI_API_KEY"), "");
  EXPECT_EQ(find_key(parse_address("http://example.org#m"), "HONE_TEST_KEY"), "other");
  const Error itself = error_of([&] { find_key(parse_address("https://example.org#m"), secret); });
  EXPECT_EQ(itself.fault(), Fault::usage);
  EXPECT_EQ(std::string(itself.what()).find(secret), std::string::npos);
  const Environment broken("HONE_TEST_KEY", "a\r\nX-Other: b");
  const Error e = error_of([&] { find_key(parse_address("https://example.org#m"), "HONE_TEST_KEY"); });
  EXPECT_EQ(std::string(e.what()).find("X-Other"), std::string::npos);
}

TEST(Settings, OfOtherBackEndsArePassedOver) {
  ModelOptions options = read_config<ModelOptions>(settings({{"threads", "3"}, {"exact", "false"}, {"timeout_s", "3"}, {"key_env", "NOBODY"}, {"api", "chat"}}));
  EXPECT_EQ(options.remote.timeout_s, 3.0);
  EXPECT_EQ(options.remote.api, RemoteApi::chat);
  EXPECT_NO_THROW(open_model("scripted:echo", options));
  EXPECT_NO_THROW(open_model("http://127.0.0.1:1/v1#m", options));
  EXPECT_THROW(read_config<ModelOptions>(settings({{"retries", "-1"}})), Error);
  EXPECT_TRUE(only_transport("timeout_s"));
  EXPECT_FALSE(only_transport("api"));
}

TEST(Retry, ReadsSecondsAndDates) {
  EXPECT_EQ(retry_after("7", 0), 7.0);
  EXPECT_EQ(retry_after("0.5", 0), 0.5);
  const std::int64_t then = 1445412480;  // Wed, 21 Oct 2015 07:28:00 GMT (date -u -d @1445412480)
  EXPECT_EQ(retry_after("Wed, 21 Oct 2015 07:28:00 GMT", then - 30), 30.0);
  EXPECT_EQ(retry_after("Wed, 21 Oct 2015 07:28:00 GMT", then + 30), 0.0);
  for (const char* text : {"", "soon", "-5", "1e9", "Wed, 21 Abc 2015 07:28:00 GMT", "Wed, 21 Oct 2015 07:28:00 CET", "1.2.3"}) EXPECT_FALSE(retry_after(text, 0)) << text;
  EXPECT_EQ(retry_after(std::string(64, '9'), 0), 1e9);
  EXPECT_EQ(retry_after("Wed, 21 Oct 9999 07:28:00 GMT", 0), 1e9);
}

TEST(Retry, WaitsLongerEachTimeTheSameForTheSameSeed) {
  const Rng rng(7);
  for (int n = 0; n < 8; ++n) {
    const double full = std::min(30.0, 0.5 * std::pow(2.0, n)), wait = backoff(0.5, n, rng);
    EXPECT_GE(wait, full / 2);
    EXPECT_LT(wait, full);
    EXPECT_EQ(wait, backoff(0.5, n, Rng(7)));
  }
  EXPECT_NE(backoff(0.5, 0, rng), backoff(0.5, 0, Rng(8)));
  EXPECT_LE(backoff(0.5, 1000, rng), 30.0);
  for (const int status : {408, 429, 500, 502, 503, 504, 529}) EXPECT_TRUE(worth_repeating(status));
  for (const int status : {200, 301, 400, 401, 403, 404, 422, 501}) EXPECT_FALSE(worth_repeating(status));
}

TEST(Stream, IsPutTogether) {
  const auto reply = assemble(chat_events("Hel", "lo"), "here");
  ASSERT_TRUE(reply);
  const Parsed parsed = parse_reply(*reply, "here");
  EXPECT_EQ(parsed.text, "Hello");
  EXPECT_EQ(parsed.finish, "stop");
  ASSERT_TRUE(parsed.usage);
  EXPECT_EQ(parsed.usage->prompt, 11);
  EXPECT_EQ(parsed.usage->cached, 4);
  EXPECT_EQ(parsed.usage->generated, 2);
  std::string windows;
  for (const char c : ": a comment\nevent: x\n" + chat_events("Hel", "lo")) windows += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_EQ(parse_reply(assemble(windows, "here").value(), "here").text, "Hello");
}

TEST(Stream, CutAnywhereBeforeItsEndIsNoReply) {
  const std::string whole = chat_events("Hel", "lo");
  const std::size_t finished = whole.find("\"stop\"");
  for (std::size_t n = 0; n < finished; ++n) EXPECT_FALSE(assemble(whole.substr(0, n), "here")) << n;
  EXPECT_TRUE(assemble(whole.substr(0, whole.find("data: [DONE]")), "here"));
}

TEST(Stream, OfManyPiecesTakesNoLongerThanItsLength) {
  const std::string words(std::size_t{1} << 20, 'a');
  std::string events = "data: {\"choices\":[{\"delta\":{\"content\":\"" + words + "\"}}]}\n";
  for (int i = 0; i < 20'000; ++i) events += "data: {\"choices\":[{\"delta\":{\"content\":\"b\"}}]}\n";  // 20 GiB when each copies what there is
  const auto reply = assemble(events + "data: [DONE]\n", "here");
  EXPECT_EQ(parse_reply(reply.value(), "here").text, words + std::string(20'000, 'b'));
}

TEST(Stream, OfNonsenseIsRefused) {
  for (const char* events : {"data: {broken}\n\n", "data: 7\n\n", "data: {\"choices\": 3}\n\n", "data: {\"choices\":[{\"delta\":{\"content\":5}}]}\n\n",
                             "data: {\"error\":{\"message\":\"out of memory\"}}\n\n", "error: {\"error\":\"gone\"}\n\n"})
    EXPECT_EQ(error_of([&] { assemble(events, "here"); }).fault(), Fault::bad_input) << events;
}

TEST(Reply, ReadsBothShapesOfLogProbabilities) {
  const Json content = Json::parse(R"({"choices":[{"message":{"content":"ab"},"finish_reason":"stop","logprobs":{"content":[
    {"id":5,"token":"a","logprob":-0.5,"top_logprobs":[{"token":"a","logprob":-0.6931471805599453},{"token":"b","logprob":-0.6931471805599453}]},
    {"token":"b","logprob":-0.25,"top_logprobs":[]}]}}]})");
  const Parsed parsed = parse_reply(content, "here");
  ASSERT_TRUE(parsed.logs);
  ASSERT_EQ(parsed.logs->size(), 2U);
  EXPECT_EQ((*parsed.logs)[0].id, 5);
  EXPECT_EQ((*parsed.logs)[1].id, -1);
  EXPECT_FLOAT_EQ((*parsed.logs)[0].logp, -0.5F);
  EXPECT_NEAR((*parsed.logs)[0].entropy, std::log(2.0), 1e-6);  // two halves
  const double p = std::exp(-0.25);
  EXPECT_NEAR((*parsed.logs)[1].entropy, -p * std::log(p) - (1 - p) * std::log(1 - p), 1e-6);
  const Json lists = Json::parse(R"({"choices":[{"text":"ab","finish_reason":"length","logprobs":{"tokens":["a","b"],"token_logprobs":[null,-2],
    "top_logprobs":[null,{"b":-2,"c":-0.3}],"text_offset":[0,1]}}]})");
  const Parsed older = parse_reply(lists, "here");
  ASSERT_TRUE(older.logs);
  EXPECT_EQ((*older.logs)[1].text, "b");
  EXPECT_FLOAT_EQ((*older.logs)[1].logp, -2.0F);
  EXPECT_EQ(older.finish, "length");
}

TEST(Reply, NamesTheFieldThatIsWrong) {
  const auto said = [](const char* text) { return std::string(error_of([&] { parse_reply(Json::parse(text), "here"); }).what()); };
  EXPECT_NE(said("{}").find("here.choices"), std::string::npos);
  EXPECT_NE(said(R"({"choices":[]})").find("here.choices"), std::string::npos);
  EXPECT_NE(said(R"({"choices":[{}]})").find("choices[0]"), std::string::npos);
  EXPECT_NE(said(R"({"choices":[{"message":{"content":7}}]})").find("message.content"), std::string::npos);
  EXPECT_NE(said(R"({"choices":[{"text":"x","logprobs":{"content":[{"token":"x","logprob":"high"}]}}]})").find("logprobs.content[0].logprob"), std::string::npos);
  EXPECT_NE(said(R"({"choices":[{"text":"x"}],"usage":{"prompt_tokens":-3}})").find("usage.prompt_tokens"), std::string::npos);
}

TEST(Schema, NumbersAndReferencesWithoutEndAreNoTrouble) {
  const Json whole = Json::parse(R"({"type":"integer"})");
  EXPECT_EQ(misfit(Json::parse("1e30"), whole), "");
  EXPECT_NE(misfit(Json::parse("1.5"), whole), "");
  const Json twice = Json::parse(R"({"allOf":[{"$ref":"#"},{"$ref":"#"}]})");  // 2^64 ways to ask the same
  EXPECT_EQ(misfit(Json::parse("3"), twice), "");
}

TEST(Schema, TellsWhatDoesNotFit) {
  const Json schema = Json::parse(R"({"type":"object","properties":{"name":{"type":"string","minLength":2},"n":{"type":"integer","minimum":1},"kind":{"enum":["a","b"]},
    "list":{"type":"array","items":{"$ref":"#/$defs/one"},"maxItems":2}},"required":["name"],"additionalProperties":false,"$defs":{"one":{"type":["string","null"]}}})");
  const auto why = [&](const char* text) { return misfit(Json::parse(text), schema); };
  EXPECT_EQ(why(R"({"name":"ab","n":1.0,"kind":"a","list":["x",null]})"), "");
  EXPECT_NE(why(R"([])").find("expected \"object\""), std::string::npos);
  EXPECT_NE(why(R"({})").find("lacks \"name\""), std::string::npos);
  EXPECT_NE(why(R"({"name":"a"})").find("reply.name"), std::string::npos);
  EXPECT_NE(why(R"({"name":"äö","n":0})").find("minimum"), std::string::npos);
  EXPECT_NE(why(R"({"name":"ab","n":1.5})").find("reply.n"), std::string::npos);
  EXPECT_NE(why(R"({"name":"ab","kind":"c"})").find("reply.kind"), std::string::npos);
  EXPECT_NE(why(R"({"name":"ab","list":[3]})").find("reply.list[0]"), std::string::npos);
  EXPECT_NE(why(R"({"name":"ab","list":[null,null,null]})").find("maxItems"), std::string::npos);
  EXPECT_NE(why(R"({"name":"ab","more":1})").find("\"more\""), std::string::npos);
  const Json any = Json::parse(R"({"anyOf":[{"type":"string"},{"const":3}]})");
  EXPECT_EQ(misfit("x", any), "");
  EXPECT_EQ(misfit(3, any), "");
  EXPECT_NE(misfit(4, any), "");
  EXPECT_EQ(misfit(4, Json::parse(R"({"$ref":"#"})")), "");  // round and round, and out
  EXPECT_FALSE(closed(schema));
  EXPECT_TRUE(closed(Json::parse(R"({"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false})")));
}

TEST(Schema, FindsTheJsonAmongWords) {
  EXPECT_EQ(json_part("Sure:\n```json\n{\"a\": [1]}\n```\nBye {x}"), "{\"a\": [1]}");
  EXPECT_EQ(json_part("no json"), "no json");
  EXPECT_EQ(json_part("[1]"), "[1]");
  EXPECT_EQ(json_part("As [asked]: {\"a\": \"}\\\"]\"} or {\"b\": 2}"), "{\"a\": \"}\\\"]\"}");
  const std::string open = "[" + std::string(std::size_t{1} << 22, ' ') + std::string(9000, ']');  // once through it, not once for each bracket
  EXPECT_EQ(json_part(open).size(), open.size() - 8999);
  EXPECT_EQ(json_part("{\"a\": [1}"), "{\"a\": [1}");
}

TEST(Cache, GivesBackWhatWasKeptAndNothingElse) {
  const Folder folder;
  const ReplyCache cache(folder.path() / "replies");
  const Question question{"http://h/v1/x", R"({"a":1})", ""};
  EXPECT_FALSE(cache.find(question));
  cache.keep(question, {{"text", "ü"}});
  ASSERT_TRUE(cache.find(question));
  EXPECT_EQ(*cache.find(question), Json({{"text", "ü"}}));
  EXPECT_FALSE(cache.find({"http://other/v1/x", question.body, ""}));
  EXPECT_FALSE(cache.find({question.url, question.body, "seed 3"}));
  const fs::path file = cache.path_of(question);
  EXPECT_EQ(fs::status(file).permissions() & (fs::perms::group_all | fs::perms::others_all), fs::perms::none);
  const std::string good = read_file(file);
  std::vector<std::string> damaged{"", "{", good.substr(0, good.size() / 2), "[]", "{\"version\":1}"};
  std::string other = good;
  other.replace(other.find("ü"), 2, "ue");
  damaged.push_back(other);
  for (const std::string& bytes : damaged) {
    write_file(file, bytes);
    EXPECT_FALSE(cache.find(question)) << bytes;
    cache.keep(question, {{"text", "ü"}});
    EXPECT_TRUE(cache.find(question));
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder.path())) EXPECT_NE(entry.path().extension(), ".part");
  EXPECT_EQ(error_of([&] { ReplyCache("/proc/nowhere/replies").keep(question, {}); }).fault(), Fault::io);
}

}  // namespace
}  // namespace hone::remote
