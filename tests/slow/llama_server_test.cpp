// The remote back end against llama.cpp's own server, held to the local back end on the same model file. The server is built by
// `scripts/setup --for check`; where it is not there, or the models are not pulled, the tests are skipped with the reason.
#include <gtest/gtest.h>
#include <httplib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "core/error.h"
#include "models/backend.h"
#include "models/catalogue.h"
#include "models/remote/probe.h"
#include "models/remote/schema.h"

namespace hone {
namespace {

// Attention and cache in single precision, as the local back end has them by default. One thread each: threads of OpenMP that wait
// for each other spin, and those of two programs on two cores keep each other waiting (237 s instead of 3).
class LlamaServer {
 public:
  LlamaServer(const std::string& program, const std::string& model, std::vector<std::string> more) {
    port_ = free_port();
    std::vector<std::string> words{program, "-m", model, "--host", "127.0.0.1", "--port", std::to_string(port_), "--offline", "--no-ui", "-np", "1", "-t", "1", "-tb", "1", "-fa", "off", "-ctk", "f32", "-ctv", "f32"};
    words.insert(words.end(), more.begin(), more.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    process_ = fork();
    if (process_ == 0) {
      if (std::freopen("/dev/null", "w", stdout) == nullptr || std::freopen("/dev/null", "w", stderr) == nullptr) _exit(126);
      execv(argv[0], argv.data());
      _exit(127);
    }
  }
  ~LlamaServer() {
    if (process_ > 0) kill(process_, SIGKILL);
    if (process_ > 0) waitpid(process_, nullptr, 0);
  }
  LlamaServer(const LlamaServer&) = delete;
  LlamaServer& operator=(const LlamaServer&) = delete;

  bool ready() {
    httplib::Client client("127.0.0.1", port_);
    for (int i = 0; i < 600; ++i) {
      if (const auto answer = client.Get("/health"); answer && answer->status == 200) return true;
      if (waitpid(process_, nullptr, WNOHANG) == process_) return process_ = 0, false;
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
    return false;
  }
  static int free_port() {
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const bool good = bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 && getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
    close(fd);
    return good ? ntohs(address.sin_port) : 0;
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }

 private:
  int port_ = 0;
  pid_t process_ = 0;
};

ModelOptions unkept() {  // for both sides
  ModelOptions options;
  options.remote.cache = false;
  options.threads = 1;
  return options;
}

class AgainstLlamaServer : public testing::Test {
 protected:
  void SetUp() override {
    const char* source = std::getenv("HONE_SOURCE_DIR");
    std::ifstream note(std::string(source == nullptr ? "." : source) + "/build/llama-server.txt");
    if (!std::getline(note, program_)) GTEST_SKIP() << "llama-server is not here (scripts/setup --for check builds it)";
  }
  bool start(const char* model, std::vector<std::string> more) {
    if (!model_status(model).present) return false;
    server_ = std::make_unique<LlamaServer>(program_, path_of(model).string(), std::move(more));
    EXPECT_TRUE(server_->ready()) << "llama-server did not start";
    return true;
  }
  std::string program_;
  std::unique_ptr<LlamaServer> server_;
};

#define START_OR_SKIP(model, ...)                    \
  if (IsSkipped()) return;                           \
  if (!start(model, __VA_ARGS__)) GTEST_SKIP() << model << " is not pulled (hone model pull --default)"

// Same weights, same template, same precision; what is left is the order of additions.
constexpr double tolerance = 0.005;  // nats; 0.00024 was seen

void expect_same_reply(Model& local, Model& remote, const std::vector<Message>& prompt) {
  Sampling sampling;
  sampling.max_tokens = 24;
  sampling.logprobs = true;
  const Reply here = local.chat(prompt, sampling), there = remote.chat(prompt, sampling);
  EXPECT_EQ(here.text, there.text);
  EXPECT_EQ(here.usage.prompt_tokens, there.usage.prompt_tokens);
  const std::size_t n = std::min(here.trace.ids.size(), there.trace.ids.size());  // the local trace has the end token, too
  ASSERT_GE(n, 4U);
  double worst = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_EQ(here.trace.ids[i], there.trace.ids[i]) << i;
    worst = std::max(worst, std::abs(double{here.trace.logp[i]} - there.trace.logp[i]));
    EXPECT_LE(there.trace.entropy[i], here.trace.entropy[i] + tolerance) << "a lower bound";
  }
  EXPECT_LE(worst, tolerance);
  std::printf("%zu tokens, log-probabilities differ by %.2g nats at most\n", n, worst);
}

TEST_F(AgainstLlamaServer, WritesWhatTheLocalBackEndWrites) {
  START_OR_SKIP("smollm2-135m", {"-c", "2048"});
  const OpenModel local = open_model("smollm2-135m", unkept()), remote = open_model(server_->url(), unkept());
  EXPECT_EQ(remote.model->facts().context, 2048);
  EXPECT_EQ(remote.model->facts().parameters, 134515008);
  expect_same_reply(*local.model, *remote.model, {{"system", "You answer in one short sentence."}, {"user", "Name a colour of the rainbow, please."}});
  expect_same_reply(*local.model, *remote.model, {{"text", "The capital of France is Paris. The capital of "}, {"text", "Italy is"}});
  for (const char* text : {"one two three", "Überweisung <|im_end|> 12345", "\n\n"}) EXPECT_EQ(local.model->count_tokens(text), remote.model->count_tokens(text)) << text;
  Sampling stopping;
  stopping.max_tokens = 24;
  stopping.stop = {","};
  EXPECT_EQ(local.model->chat(std::vector<Message>{{"text", "Red, green"}}, stopping).text, remote.model->chat(std::vector<Message>{{"text", "Red, green"}}, stopping).text);
}

TEST_F(AgainstLlamaServer, KeepsRepliesToASchemaAGrammarAndAList) {
  START_OR_SKIP("smollm2-135m", {"-c", "2048"});
  const OpenModel remote = open_model(server_->url() + "#any", unkept());
  const std::vector<Message> ask{{"user", "A red apple weighs 150 grams. Describe it."}};
  Sampling sampling;
  sampling.max_tokens = 200;
  sampling.json_schema = R"({"type":"object","properties":{"colour":{"enum":["red","green"]},"grams":{"type":"integer"}},"required":["colour","grams"],"additionalProperties":false})";
  const Reply reply = remote.model->chat(ask, sampling);
  ASSERT_EQ(reply.why, StopReason::end) << reply.text;
  EXPECT_EQ(remote::misfit(wire::parse(reply.text, "reply"), wire::parse(sampling.json_schema, "schema")), "") << reply.text;
  sampling.json_schema.clear();
  sampling.grammar = "root ::= \"heavy\" | \"light\"";
  const std::string word = remote.model->chat(ask, sampling).text;
  EXPECT_TRUE(word == "heavy" || word == "light") << word;
  const ChoiceRequest request{.prompt = ask, .lead = "Colour:", .choices = {"red", "green", "blue"}, .content_free = ask};
  const Score score = remote.chooser->score({&request, 1})[0];
  ASSERT_EQ(score.logp.size(), 3U);
  EXPECT_NEAR(std::exp(score.logp[0]) + std::exp(score.logp[1]) + std::exp(score.logp[2]), 1.0, 1e-9);
  std::map<std::string, std::string> found;
  for (const auto& f : remote::probe_server(server_->url(), {})) found[f.what] = f.state;
  for (const char* what : {"reachable", "models", "chat", "completions", "streaming", "log-probabilities", "JSON schema", "tokenize"}) EXPECT_EQ(found[what], "yes") << what;
  EXPECT_EQ(found["echo scoring"], "no");
  EXPECT_EQ(found["embeddings"], "no");
}

TEST_F(AgainstLlamaServer, EmbedsAsTheLocalBackEndDoes) {
  START_OR_SKIP("all-minilm-l6-v2", {"--embeddings", "--pooling", "mean", "-c", "512"});
  const auto local = open_embedder("all-minilm-l6-v2", unkept()), remote = open_embedder(server_->url(), unkept());
  ASSERT_EQ(local->dimensions(), remote->dimensions());
  const std::vector<std::string_view> texts{"my card was stolen", "Wie lange dauert eine Überweisung?", "a", "the printer on the third floor is out of paper again"};
  const auto width = static_cast<std::size_t>(local->dimensions());
  std::vector<float> here(texts.size() * width), there(texts.size() * width);
  local->embed(texts, here);
  remote->embed(texts, there);
  for (std::size_t t = 0; t < texts.size(); ++t) {
    double cosine = 0.0;
    for (std::size_t i = 0; i < width; ++i) cosine += double{here[t * width + i]} * there[t * width + i];
    EXPECT_GT(cosine, 0.9999) << texts[t];
  }
}

}  // namespace
}  // namespace hone
