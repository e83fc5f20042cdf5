#include "nn/pixels/explorer.h"

#include "core/error.h"
#include "nn/pixels/curiosity.h"

namespace hone::nn {

namespace {

class ExplorerNets final : public Explorer {
 public:
  explicit ExplorerNets(const ExplorerOptions& o) : actor_(o) {
    switch (o.curiosity) {
      case Curiosity::none: break;
      case Curiosity::icm:
      case Curiosity::random_features: curiosity_ = make_icm(o); break;
      case Curiosity::pixels: curiosity_ = make_pixels(o); break;
      case Curiosity::rnd: curiosity_ = make_rnd(o); break;
    }
  }

  void act(const Sight& sight, std::span<float> memory, std::span<float> logits, std::span<float> values) override { actor_.act(sight, memory, logits, values); }
  Judged judge(const Stretch& stretch) override { return actor_.judge(stretch); }
  double learn(const Slopes& slopes, const NetStep& how) override { return actor_.learn(slopes, how); }
  std::span<const float> curiosity(const Stretch& stretch) override { return net().errors(stretch); }
  CuriosityLoss learn_curiosity(double beta, const NetStep& how) override { return net().learn(beta, how); }
  std::int64_t parameters() const override { return actor_.weights().count(); }
  std::int64_t curiosity_parameters() const override { return curiosity_ ? curiosity_->weights().count() : 0; }

  void save(Sink& sink) const override {
    actor_.weights().save(sink);
    if (curiosity_) curiosity_->save(sink);
  }
  void load(Source& source) override {
    actor_.weights().load(source);
    if (curiosity_) curiosity_->load(source);
  }

 private:
  CuriosityNet& net() {
    if (!curiosity_) throw Error(Fault::internal, "explorer: asked for the curiosity of networks that have none");
    return *curiosity_;
  }
  ActorCritic actor_;
  std::unique_ptr<CuriosityNet> curiosity_;
};

}  // namespace

std::unique_ptr<Explorer> make_explorer(const ExplorerOptions& o) {
  const auto refuse = [](const std::string& what) { throw Error(Fault::bad_input, "networks over frames: " + what); };
  if (o.channels < 1 || o.channels > 64) refuse("expected 1 to 64 channels, got " + std::to_string(o.channels));
  if (o.side < 8 || o.side > 256) refuse("expected frames of 8 to 256 pixels a side, got " + std::to_string(o.side));
  if (o.actions < 2 || o.actions > 1024) refuse("expected 2 to 1024 actions, got " + std::to_string(o.actions));
  if (o.memory < 1 || o.memory > 4096) refuse("expected a memory of 1 to 4096, got " + std::to_string(o.memory));
  if (o.values < 1 || o.values > 16) refuse("expected 1 to 16 values, got " + std::to_string(o.values));
  return std::make_unique<ExplorerNets>(o);
}

}  // namespace hone::nn
