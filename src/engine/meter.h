// A model lent to one episode or one learner call: the same model, with its use counted, priced and stoppable. A call that fails is
// charged for what the server said it used before.
#pragma once

#include <stop_token>

#include "core/model.h"
#include "engine/recipe.h"
#include "models/errand.h"

namespace hone {

class Meter final : public Model, public ChoiceModel {
 public:
  // Either may be null; calling what is absent throws Error{unavailable}.
  Meter(Model* model, ChoiceModel* chooser, Prices prices, std::stop_token stop)
      : model_(model), chooser_(chooser), prices_(prices), stop_(std::move(stop)) {}

  const ModelFacts& facts() const override;
  Reply chat(std::span<const Message> messages, const Sampling& sampling) override;
  int count_tokens(std::string_view text) override;
  std::vector<Score> score(std::span<const ChoiceRequest> requests) override;

  // Charges what was used beside the model, by an embedder, at the price of embedded tokens.
  void also(Errand& errand);

  const Usage& usage() const { return usage_; }
  bool has_model() const { return model_ != nullptr; }
  bool has_chooser() const { return chooser_ != nullptr; }

 private:
  void before() const;
  template <class Call>
  auto lend(Call call);
  void charge(Usage used, double price_of_read);
  Model* model_;
  ChoiceModel* chooser_;
  Prices prices_;
  std::stop_token stop_;
  Usage usage_;
};

}  // namespace hone
