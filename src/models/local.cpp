#include "models/local.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>

#include "core/error.h"
#include "models/llama/engine.h"
#include "wire/sha256.h"

namespace hone {
namespace {

constexpr std::size_t priors_kept = 10000;  // then the memory of priors starts over

void check_choices(const ChoiceRequest& request) {
  if (request.choices.empty()) throw Error(Fault::bad_input, "choices: expected at least one, got none");
  std::set<std::string_view> seen;
  for (const std::string& choice : request.choices) {
    if (choice.empty()) throw Error(Fault::bad_input, "choices: expected text, got an empty one");
    if (!seen.insert(choice).second) throw Error(Fault::bad_input, "choices: expected distinct ones, got \"" + choice + "\" twice");
  }
}

std::string key_of(const llama::ChoiceWork& work) {
  Sha256 sha;
  const auto add = [&](std::span<const int> tokens) {
    const std::int64_t n = static_cast<std::int64_t>(tokens.size());
    sha.update({reinterpret_cast<const char*>(&n), sizeof n});
    sha.update({reinterpret_cast<const char*>(tokens.data()), tokens.size_bytes()});
  };
  add(work.prompt.tokens);
  add(work.prompt.cuts);
  for (const auto& choice : work.choices) add(choice);
  return sha.hex();
}

}  // namespace

struct LocalModel::Impl {
  Impl(const LocalFile& file, const ModelOptions& options) : model(llama::load_model(file.path)), prompter(check(*model, file)) {
    facts = llama::facts_of(*model, file);
    facts.context = std::min(options.context, llama_model_n_ctx_train(model.get()));
    const llama::EngineSetup setup{model.get(), &prompter.vocab(), prompter.ends(), options, facts.context, facts.name};
    engine = options.deterministic ? llama::make_canonical_engine(setup) : llama::make_batching_engine(setup);
  }

  static const llama_model& check(const llama_model& model, const LocalFile& file) {
    if (llama::metadata(model, "tokenizer.ggml.model").empty() || llama_model_has_encoder(&model) || !llama_model_has_decoder(&model) ||
        llama_vocab_n_tokens(llama_model_get_vocab(&model)) == 0 || llama::metadata(model, "general.architecture").find("bert") != std::string::npos)
      throw Error(Fault::bad_input, file.path + ": expected a causal language model, got architecture " + llama::metadata(model, "general.architecture"));
    return model;
  }

  llama::ChoiceWork work(const std::vector<Message>& messages, const ChoiceRequest& request) const {
    llama::Prompter::Choices prepared = prompter.choices(messages, request.lead, request.choices);
    llama::ChoiceWork work{std::move(prepared.prompt), std::move(prepared.tokens)};
    llama::check_room(llama::tokens_needed(work), facts.context, facts.name);
    return work;
  }

  // Counted as if computed, so that what a run is said to have cost doesn't depend on what was asked before; cached_tokens
  // tells the difference.
  std::vector<double> prior(const llama::ChoiceWork& work, Usage& usage) {
    const std::string key = key_of(work);
    {
      const std::lock_guard hold(lock);
      if (const auto known = priors.find(key); known != priors.end()) {
        Usage again = known->second.usage;
        again.cached_tokens = again.prompt_tokens;
        again.seconds = 0.0;
        usage += again;
        return known->second.logp;
      }
    }
    const llama::ChoiceAnswer answer = engine->score({&work, 1})[0];
    usage += answer.usage;
    const std::lock_guard hold(lock);
    if (priors.size() >= priors_kept) priors.clear();
    return priors.insert_or_assign(key, answer).first->second.logp;
  }

  llama::ModelPtr model;
  llama::Prompter prompter;
  ModelFacts facts;
  std::mutex lock;  // around priors
  std::map<std::string, llama::ChoiceAnswer> priors;
  std::unique_ptr<llama::Engine> engine;
};

LocalModel::LocalModel(const LocalFile& file, const ModelOptions& options) : impl_(std::make_unique<Impl>(file, options)) {}
LocalModel::~LocalModel() = default;

const ModelFacts& LocalModel::facts() const { return impl_->facts; }

int LocalModel::count_tokens(std::string_view text) {
  return static_cast<int>(llama::tokenize(impl_->prompter.vocab(), text, false).size());
}

std::string LocalModel::rendered(std::span<const Message> messages) const { return impl_->prompter.prompt(messages).text; }

Reply LocalModel::chat(std::span<const Message> messages, const Sampling& sampling) {
  llama::check_sampling(sampling);
  const llama::Prompt prompt = impl_->prompter.prompt(messages);
  llama::check_room(static_cast<std::int64_t>(prompt.tokens.size()) + sampling.max_tokens, impl_->facts.context, impl_->facts.name);
  return impl_->engine->chat(prompt, llama::Generation(impl_->prompter.vocab(), sampling, prompt.tokens));
}

std::vector<Score> LocalModel::score(std::span<const ChoiceRequest> requests) {
  for (const ChoiceRequest& request : requests) check_choices(request);
  std::vector<llama::ChoiceWork> works;
  for (const ChoiceRequest& request : requests) works.push_back(impl_->work(request.prompt, request));
  std::vector<llama::ChoiceAnswer> answers = impl_->engine->score(works);
  std::vector<Score> scores(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Score& score = scores[i];
    score.logp = std::move(answers[i].logp);
    score.usage = answers[i].usage;
    for (const auto& tokens : works[i].choices) score.tokens.push_back(static_cast<int>(tokens.size()) + 1);
    if (requests[i].content_free) score.prior = impl_->prior(impl_->work(*requests[i].content_free, requests[i]), score.usage);
    score.usage.calls = 1;
  }
  return scores;
}

Score LocalModel::score_separately(const ChoiceRequest& request) {
  check_choices(request);
  const llama::ChoiceWork work = impl_->work(request.prompt, request);
  Score score;
  for (const auto& tokens : work.choices) {
    const llama::ChoiceWork alone{work.prompt, {tokens}};
    const llama::ChoiceAnswer answer = impl_->engine->score({&alone, 1})[0];
    score.logp.push_back(answer.logp[0]);
    score.tokens.push_back(static_cast<int>(tokens.size()) + 1);
    score.usage += answer.usage;
  }
  return score;
}

}  // namespace hone
