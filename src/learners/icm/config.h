// Settings of ICM (Pathak et al. 2017, arXiv 1705.05363); defaults are the official code's for Doom (icm.md section 3), stepped together
// instead of by 20 asynchronous workers.
#pragma once

#include "core/config.h"
#include "core/explorer.h"

namespace hone {

enum class Bonus { icm, none, random_features, pixels, rnd, noise };
enum class Algorithm { a2c, a3c, ppo };
enum class Keep { last, best };
enum class Noise { uniform, gaussian, laplace };

struct IcmConfig {
  std::int64_t steps = 1000000;
  int rollout = 20, round = 50;
  Bonus curiosity = Bonus::icm;
  Algorithm algorithm = Algorithm::a2c;
  bool reward = true;
  double reward_scale = 1.0;
  double eta = 0.01;
  double gamma = 0.99, lambda = 1.0;
  bool separate_values = false;
  double bonus_gamma = 0.99;
  bool endless = false;
  double reward_clip = 1.0;
  double entropy = 0.01, value_weight = 0.5;
  double lr = 1e-4, curiosity_lr = 1e-4, adam_eps = 1e-8;
  double lr_end = 1.0, eta_end = 1.0;
  double loss_scale = 20.0, curiosity_scale = 200.0, clip = 40.0;
  double beta = 0.2;
  int curiosity_epochs = 1, curiosity_minibatches = 1;
  std::int64_t warmup = 0;
  bool detach_target = false;
  int memory = 256;
  bool normalise_bonus = false, normalise_advantage = false, centre_advantage = false;
  int epochs = 4, minibatches = 4;
  double ppo_clip = 0.2;
  Noise noise = Noise::uniform;
  bool greedy = false;
  Keep keep = Keep::last;
  int keep_window = 40;
  std::string start_from;
};
template <class V>
void visit(V& v, IcmConfig& c) {
  v.field("steps", c.steps, "decisions in all, every slot's counted", {.min = 1});
  v.field("rollout", c.rollout, "decisions of every slot between two updates", {.min = 1, .max = 4096});
  v.field("round", c.round, "rollouts between two checkpoints and two points of the curve", {.min = 1, .max = 1000000});
  v.choice("curiosity", c.curiosity,
           {{"icm", Bonus::icm}, {"none", Bonus::none}, {"random_features", Bonus::random_features}, {"pixels", Bonus::pixels}, {"rnd", Bonus::rnd}, {"noise", Bonus::noise}},
           "what is added to the reward: the error of predicting learned features, nothing, the same with features as drawn, of predicting frames, of copying a random network, or mere noise");
  v.choice("algorithm", c.algorithm, {{"a2c", Algorithm::a2c}, {"a3c", Algorithm::a3c}, {"ppo", Algorithm::ppo}},
           "how the networks learn: one step on each rollout of all slots; a step for every slot's part of it, one after the other, as A3C's workers do when they take turns; or PPO's several with a clipped ratio");
  v.field("reward", c.reward, "false: the world's reward is set to 0 before the bonus is added");
  v.field("reward_scale", c.reward_scale, "the world's reward is multiplied by it first", {.min = 0});
  v.field("eta", c.eta, "the bonus is eta times the error (after normalise_bonus)", {.min = 0, .max = 1e6});
  v.field("gamma", c.gamma, "discount per decision", {.min = 0, .max = 1});
  v.field("lambda", c.lambda, "of generalised advantage estimation; 1 = n-step return less value", {.min = 0, .max = 1});
  v.field("endless", c.endless, "an episode's end does not end the return, the next start is worth its value: else finding the goal costs all bonuses to come (Burda et al. 2018, arXiv 1808.04355)");
  v.field("separate_values", c.separate_values,
          "the critic foresees bonus and reward each by itself and their advantages are added; the bonus's return, discounted by bonus_gamma, goes on past an episode's end, the reward's does not (Burda et al. 2018, arXiv 1810.12894)");
  v.field("bonus_gamma", c.bonus_gamma, "separate_values: discount of the bonus per decision; gamma is the reward's", {.min = 0, .max = 1});
  v.field("reward_clip", c.reward_clip, "reward plus bonus (with separate_values each) is cut to this on both sides, 0 = never", {.min = 0});
  v.field("entropy", c.entropy, "weight of the entropy bonus", {.min = 0});
  v.field("value_weight", c.value_weight, "weight of half the mean squared error of values", {.min = 0});
  v.field("lr", c.lr, "learning rate of actor and critic (Adam)", {.min = 0});
  v.field("curiosity_lr", c.curiosity_lr, "learning rate of what the bonus is the error of", {.min = 0});
  v.field("adam_eps", c.adam_eps, "Adam's epsilon for actor and critic: gradients well below it make small steps", {.min = 0, .max = 1});
  v.field("lr_end", c.lr_end, "share of lr and curiosity_lr that is left at the last step, to which they fall linearly", {.min = 0, .max = 1});
  v.field("eta_end", c.eta_end, "the same of eta", {.min = 0, .max = 1});
  v.field("loss_scale", c.loss_scale, "gradient of actor and critic is multiplied by it; acts through clip alone", {.min = 0});
  v.field("curiosity_scale", c.curiosity_scale, "the same of curiosity's", {.min = 0});
  v.field("clip", c.clip, "most length of either gradient, 0 = any", {.min = 0});
  v.field("beta", c.beta, "share of the forward loss in curiosity's, against the inverse one", {.min = 0, .max = 1});
  v.field("curiosity_epochs", c.curiosity_epochs, "passes of curiosity's networks over each rollout", {.min = 1, .max = 100});
  v.field("curiosity_minibatches", c.curiosity_minibatches, "parts of the slots that such a pass is split into, each a step of theirs", {.min = 1, .max = 4096});
  v.field("warmup", c.warmup, "decisions (every slot's counted) before actor and critic begin to learn: what all places have in common is no news by then", {.min = 0});
  v.field("detach_target", c.detach_target, "the forward loss does not reach the features of the next state");
  v.field("memory", c.memory, "width of the LSTM", {.min = 1, .max = 4096});
  v.field("normalise_bonus", c.normalise_bonus, "errors are divided by the running deviation of their discounted sum (as in random network distillation)");
  v.field("normalise_advantage", c.normalise_advantage, "advantages of a rollout get mean 0 and deviation 1");
  v.field("centre_advantage", c.centre_advantage, "advantages of a rollout get mean 0 and keep their deviation: else a critic that lags behind rewards whatever was done");
  v.field("epochs", c.epochs, "ppo: passes over each rollout", {.min = 1, .max = 100});
  v.field("minibatches", c.minibatches, "ppo: parts of the slots that a pass is split into", {.min = 1, .max = 4096});
  v.field("ppo_clip", c.ppo_clip, "ppo: the ratio counts between 1 - ppo_clip and 1 + ppo_clip", {.min = 0, .max = 1});
  v.choice("noise", c.noise, {{"uniform", Noise::uniform}, {"gaussian", Noise::gaussian}, {"laplace", Noise::laplace}}, "curiosity noise: drawn from (mean 0 but for uniform's 0 to 1, scale 1)");
  v.field("greedy", c.greedy, "evaluation takes the likeliest action instead of drawing one");
  v.choice("keep", c.keep, {{"last", Keep::last}, {"best", Keep::best}},
           "which networks the run ends with: the last ones, or those under which the last keep_window finished training episodes brought most reward");
  v.field("keep_window", c.keep_window, "keep best: so many episodes", {.min = 1, .max = 100000});
  v.field("start_from", c.start_from, "file with the bytes of another run's published networks (hone store weights) to begin with instead of random ones");
}

}  // namespace hone
