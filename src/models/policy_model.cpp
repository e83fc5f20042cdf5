#include "models/policy_model.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "core/error.h"
#include "wire/json.h"
#include "wire/one_of.h"

namespace hone {

namespace {

// A caller's question and its place for the answer.
struct Job {
  std::vector<SampleRequest> samples;
  std::vector<TokenSequence> scores;
  std::vector<Sampled> sampled;
  std::vector<SequenceScores> scored;
  double seconds = 0.0;
  std::exception_ptr error;
  bool done = false;
};

std::vector<int> prompt_ids(const Tokenizer& tokenizer, std::span<const Message> messages) {
  const auto plain = std::find_if(messages.begin(), messages.end(), [](const Message& m) { return m.role == "text"; });
  if (std::any_of(plain, messages.end(), [](const Message& m) { return m.role != "text"; }))
    throw Error(Fault::bad_input, "prompt: \"text\" before other roles");
  std::vector<int> ids;
  const auto chat = messages.first(static_cast<std::size_t>(plain - messages.begin()));
  if (!chat.empty()) ids = tokenizer.chat(chat, true);
  else if (tokenizer.special().begin >= 0) ids.push_back(tokenizer.special().begin);
  std::string text;
  for (auto it = plain; it != messages.end(); ++it) text += it->content;
  if (!text.empty())
    for (const int id : tokenizer.encode(text, false)) ids.push_back(id);
  if (ids.empty()) throw Error(Fault::bad_input, "prompt: empty");
  return ids;
}

}  // namespace

struct PolicyModel::Impl {
  Policy& policy;
  const Tokenizer& tokenizer;
  ModelFacts facts;
  std::mutex mutex;
  std::condition_variable work, answered;
  std::deque<Job*> waiting;
  bool stopping = false;
  std::thread worker;

  Impl(Policy& p, const Tokenizer& t, ModelFacts f) : policy(p), tokenizer(t), facts(std::move(f)) {
    worker = std::thread([this] { serve(); });
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex);
      stopping = true;
    }
    work.notify_all();
    worker.join();
  }

  void ask(Job& job) {
    std::unique_lock lock(mutex);
    waiting.push_back(&job);
    work.notify_one();
    answered.wait(lock, [&] { return job.done; });
    if (job.error) std::rethrow_exception(job.error);
  }

  // Callers who act side by side ask at about the same time: waiting a moment after each of them makes batches of all.
  std::vector<Job*> gather() {
    std::unique_lock lock(mutex);
    work.wait(lock, [&] { return stopping || !waiting.empty(); });
    for (std::size_t known = 0; !stopping && known != waiting.size();) {
      known = waiting.size();
      work.wait_for(lock, std::chrono::milliseconds(1), [&] { return stopping || waiting.size() != known; });
    }
    std::vector<Job*> jobs(waiting.begin(), waiting.end());
    waiting.clear();
    return jobs;
  }

  void serve() {
    for (auto jobs = gather(); !jobs.empty(); jobs = gather()) {
      const auto started = std::chrono::steady_clock::now();
      std::vector<SampleRequest> samples;
      for (const Job* j : jobs) samples.insert(samples.end(), j->samples.begin(), j->samples.end());
      std::exception_ptr error;
      std::vector<Sampled> sampled;
      try {
        if (!samples.empty()) sampled = policy.sample(samples);
        for (Job* j : jobs)  // each by itself: what a sequence scores depends, in its last bits, on what is scored with it
          if (!j->scores.empty()) j->scored = policy.score(j->scores, 1.0F, Which::current);
      } catch (...) {
        error = std::current_exception();
      }
      if (error && jobs.size() > 1) {  // one bad request must not fail the others
        for (Job* j : jobs) alone(*j);
      } else {
        auto s = sampled.begin();
        const double share = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count() / static_cast<double>(jobs.size());
        for (Job* j : jobs) {
          j->error = error;
          j->seconds = share;
          if (error) continue;
          j->sampled.assign(std::move_iterator(s), std::move_iterator(s + static_cast<std::ptrdiff_t>(j->samples.size())));
          s += static_cast<std::ptrdiff_t>(j->samples.size());
        }
      }
      {
        const std::lock_guard lock(mutex);
        for (Job* j : jobs) j->done = true;
      }
      answered.notify_all();
    }
  }

  void alone(Job& job) {
    try {
      if (!job.samples.empty()) job.sampled = policy.sample(job.samples);
      if (!job.scores.empty()) job.scored = policy.score(job.scores, 1.0F, Which::current);
    } catch (...) {
      job.error = std::current_exception();
    }
  }

  // What is said up to the first stop word, the end token left out.
  std::string text_of(const Sampled& sampled, const Sampling& sampling, std::span<const int> ids) const {
    std::span<const int> said = ids;
    if (sampled.why == StopReason::end && !said.empty()) said = said.first(said.size() - 1);
    std::string text = tokenizer.decode(said, false);
    std::size_t cut = text.size();
    for (const auto& word : sampling.stop)
      if (!word.empty()) cut = std::min(cut, text.find(word));
    text.resize(std::min(cut, text.size()));
    return wire::valid_utf8(text);
  }
};

PolicyModel::PolicyModel(Policy& policy, const Tokenizer& tokenizer, ModelFacts facts) : impl_(std::make_unique<Impl>(policy, tokenizer, std::move(facts))) {}
PolicyModel::~PolicyModel() = default;

const ModelFacts& PolicyModel::facts() const { return impl_->facts; }
int PolicyModel::count_tokens(std::string_view text) { return static_cast<int>(impl_->tokenizer.encode(text, false).size()); }

Reply PolicyModel::chat(std::span<const Message> messages, const Sampling& sampling) {
  Job job;
  job.samples.push_back({prompt_ids(impl_->tokenizer, messages), sampling, {}});
  if (!sampling.grammar.empty()) {
    const auto texts = wire::texts_of_grammar(sampling.grammar);
    if (!texts) throw Error(Fault::usage, "a model that trains can be held to one of some texts, not to a grammar");
    job.samples[0].sampling.grammar.clear();
    for (const auto& text : *texts) {
      auto ids = impl_->tokenizer.encode(text, false);
      if (impl_->tokenizer.special().end >= 0) ids.push_back(impl_->tokenizer.special().end);
      job.samples[0].allowed.push_back(std::move(ids));
    }
  }
  impl_->ask(job);
  const Sampled& s = job.sampled.at(0);
  Reply reply;
  reply.text = impl_->text_of(s, sampling, s.ids);
  reply.why = s.why;
  reply.trace.prompt_ids = job.samples[0].prompt;
  reply.trace.ids = s.ids;
  reply.trace.sampling = sampling;
  if (sampling.logprobs) reply.trace.logp = s.logp, reply.trace.entropy = s.entropy;
  reply.usage.calls = 1;
  reply.usage.prompt_tokens = static_cast<std::int64_t>(job.samples[0].prompt.size());
  reply.usage.generated_tokens = static_cast<std::int64_t>(s.ids.size());
  reply.usage.seconds = job.seconds;
  return reply;
}

std::vector<Score> PolicyModel::score(std::span<const ChoiceRequest> requests) {
  const Tokenizer& tokenizer = impl_->tokenizer;
  Job job;
  std::vector<Score> out(requests.size());
  // The choices of a request after `messages`.
  const auto add = [&](std::span<const Message> messages, const ChoiceRequest& r) {
    const std::vector<int> prompt = prompt_ids(tokenizer, messages), lead = tokenizer.encode(r.lead, false);
    for (const auto& choice : r.choices) {
      const bool blank = !r.lead.empty() && r.lead.back() != '\n' && r.lead.back() != ' ' && r.lead.back() != '(' && r.lead.back() != '"';
      std::vector<int> said = tokenizer.encode(r.lead + (blank ? " " : "") + choice, false);
      if (tokenizer.special().end >= 0) said.push_back(tokenizer.special().end);
      const auto same = static_cast<std::size_t>(std::mismatch(lead.begin(), lead.end(), said.begin(), said.end()).first - lead.begin());
      TokenSequence s{prompt, std::vector<std::uint8_t>(prompt.size())};
      s.ids.insert(s.ids.end(), said.begin(), said.end());
      for (std::size_t i = 0; i < said.size(); ++i) s.trained.push_back(i >= same);
      job.scores.push_back(std::move(s));
    }
  };
  for (const auto& r : requests) {
    if (r.choices.empty()) throw Error(Fault::bad_input, "choices: expected at least one");
    add(r.prompt, r);
    if (r.content_free) add(*r.content_free, r);
  }
  impl_->ask(job);
  std::size_t at = 0;
  const auto take = [&](Score& score, std::vector<double>& into, std::size_t count, bool counting) {
    for (std::size_t i = 0; i < count; ++i, ++at) {
      const auto& logp = job.scored[at].logp;
      double sum = 0.0;
      for (const float l : logp) sum += l;
      into.push_back(sum);
      if (counting) score.tokens.push_back(static_cast<int>(logp.size()));
      score.usage.prompt_tokens += static_cast<std::int64_t>(job.scores[at].ids.size());
    }
  };
  for (std::size_t i = 0; i < requests.size(); ++i) {
    take(out[i], out[i].logp, requests[i].choices.size(), true);
    if (requests[i].content_free) take(out[i], out[i].prior, requests[i].choices.size(), false);
    out[i].usage.calls = 1;
    out[i].usage.seconds = job.seconds / static_cast<double>(requests.size());
  }
  return out;
}

}  // namespace hone
