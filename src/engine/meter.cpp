#include "engine/meter.h"

#include "core/error.h"

namespace hone {

void Meter::before() const {
  if (stop_.stop_requested()) throw Error(Fault::interrupted, "stopped");
}

// An answer that was remembered (by the program or on disk) counts its tokens and costs nothing: all of its prompt was cached, in
// no time. A server that caches on its side takes time and asks its price.
void Meter::charge(Usage used, double price_of_read) {
  const bool remembered = used.prompt_tokens > 0 && used.cached_tokens == used.prompt_tokens && used.seconds == 0.0;
  if (!remembered) used.money += (static_cast<double>(used.prompt_tokens) * price_of_read + static_cast<double>(used.generated_tokens) * prices_.generated) / 1e6;
  usage_ += used;
}

void Meter::also(Errand& errand) {
  for (const Usage& used : errand.take()) charge(used, prices_.embedded < 0.0 ? prices_.prompt : prices_.embedded);
}

// What was used is paid for, whatever came of it.
template <class Call>
auto Meter::lend(Call call) {
  struct Paid {
    Meter& meter;
    Errand errand;
    ~Paid() {
      for (const Usage& used : errand.take()) meter.charge(used, meter.prices_.prompt);
    }
  };
  const Paid paid{*this, Errand(stop_)};
  return call();
}

const ModelFacts& Meter::facts() const {
  if (model_ == nullptr) throw Error(Fault::unavailable, "this agent needs a language model: give the recipe a `model`");
  return model_->facts();
}

Reply Meter::chat(std::span<const Message> messages, const Sampling& sampling) {
  before();
  facts();
  auto reply = lend([&] { return model_->chat(messages, sampling); });
  charge(reply.usage, prices_.prompt);
  return reply;
}

int Meter::count_tokens(std::string_view text) {
  facts();
  return lend([&] { return model_->count_tokens(text); });
}

std::vector<Score> Meter::score(std::span<const ChoiceRequest> requests) {
  before();
  if (chooser_ == nullptr) throw Error(Fault::unavailable, "this model can't score choices");
  auto scores = lend([&] { return chooser_->score(requests); });
  for (const auto& s : scores) charge(s.usage, prices_.prompt);
  return scores;
}

}  // namespace hone
