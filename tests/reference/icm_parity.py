#!/usr/bin/env python3
"""Records what the networks of curiosity (Pathak et al. 2017, arXiv 1705.05363) make of given frames in PyTorch, differentiated by autograd in double
precision: actor and critic with the losses of A2C and PPO, icm with and without its target's slope, random features, prediction of pixels, and random
network distillation (Burda et al. 2018, arXiv 1810.12894). src/nn/pixels/parity_test.cpp and src/learners/icm/parity_test.cpp compare.

Weights and frames follow from names (named_numbers.py), so that the record has neither; of each gradient it has the length, the largest entry and some
entries. Matrices are written as Hone keeps them, [in, out] and a convolution's [3 * 3 * in, out]. "float": how far the same code in single precision is off,
the largest distance of any entry of any gradient by that matrix's largest entry.
usage: pip install torch==2.15.0 numpy; python3 tests/reference/icm_parity.py > tests/reference/icm_parity.json"""
import json
import math

import torch
import torch.nn.functional as F
from named_numbers import numbers

STEPS, SLOTS, CHANNELS, SIDE, ACTIONS, MEMORY, FILTERS, HIDDEN, WIDTH = 4, 3, 4, 42, 4, 256, 32, 256, 512
FEATURES = 288
FRAME = CHANNELS * SIDE * SIDE
# [STEPS, SLOTS]: slot 1 runs out of time at once, slot 2 reaches a goal, slot 0's world fails once (that transition counts for nothing).
ENDED = [[0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 0]]
COUNTS = [[1, 1, 1], [0, 1, 1], [1, 1, 1], [1, 1, 1]]
ACTION = [[0, 3, 1], [2, 1, 0], [1, 2, 3], [3, 0, 2]]
GAMMA, LAMBDA, BETA, VALUE, ENTROPY, CLIP = 0.99, 0.9, 0.2, 0.5, 0.01, 0.2
SAMPLED, STRIDE = 150, 7919


def pictures(name, *shape):
    return torch.from_numpy((numbers(name, math.prod(shape) * FRAME) + 0.5) * 256).floor().view(*shape, CHANNELS, SIDE, SIDE)


OBS, FINAL = pictures("frames", STEPS + 1, SLOTS), pictures("last frames", STEPS, SLOTS)
COUNTED = [(t, s) for t in range(STEPS) for s in range(SLOTS) if COUNTS[t][s]]
TAKEN = torch.tensor([ACTION[t][s] for t, s in COUNTED])


class Weights(dict):
    """By name, in the order they are made; `layout` is what the record says of them."""

    def __init__(self, dtype):
        super().__init__()
        self.dtype, self.layout = dtype, []

    def add(self, name, rows, columns):
        scale = 0.125 if name.endswith("/b") else 2.0 ** round(math.log2(math.sqrt(12 / rows)))
        self.layout.append({"name": name, "rows": rows, "columns": columns, "scale": scale})
        self[name] = (torch.from_numpy(numbers(name, rows * columns) * scale)).view(rows, columns).to(self.dtype).requires_grad_()

    def layer(self, name, rows, columns):
        self.add(name + "/w", rows, columns)
        self.add(name + "/b", 1, columns)

    def encoder(self, name, channels):
        for i in range(4):
            self.layer(f"{name}/conv{i + 1}", 9 * (channels if i == 0 else FILTERS), FILTERS)

    def linear(self, name, x):
        return F.linear(x, self[name + "/w"].t(), self[name + "/b"].view(-1))

    def encode(self, name, x):
        for i in range(1, 5):
            kernel = self[f"{name}/conv{i}/w"].view(3, 3, -1, FILTERS).permute(3, 2, 0, 1)
            x = F.elu(F.conv2d(x, kernel, self[f"{name}/conv{i}/b"].view(-1), stride=2, padding=1))
        return x.permute(0, 2, 3, 1).flatten(1)  # pixel by pixel


def gradients(weights):
    out = {}
    for name, w in weights.items():
        g = (torch.zeros_like(w) if w.grad is None else w.grad).reshape(-1).double()
        out[name] = {"length": g.norm(), "largest": g.abs().max(), "entries": g[torch.arange(min(SAMPLED, g.numel())) * STRIDE % g.numel()], "all": g}
    return out


# ---- actor and critic
def played(w):
    """logits [STEPS + 1, SLOTS, ACTIONS] and values; the last row is what the state after the last step is worth."""
    forget = torch.zeros(4 * MEMORY, dtype=w.dtype)
    forget[MEMORY:2 * MEMORY] = 1.0  # BasicLSTMCell's constant
    began = torch.from_numpy(numbers("memory", SLOTS * 2 * MEMORY)).view(SLOTS, 2, MEMORY).to(w.dtype)
    c, h = began[:, 0], began[:, 1]
    logits, values = [], []
    for t in range(STEPS + 1):
        if t > 0:
            on = 1.0 - torch.tensor(ENDED[t - 1], dtype=w.dtype).view(-1, 1)
            c, h = c * on, h * on
        x = w.encode("actor", OBS[t].to(w.dtype) / 255)
        h, c = torch.lstm_cell(x, (h, c), w["actor/lstm/x"].t(), w["actor/lstm/h"].t(), w["actor/lstm/b"].view(-1) + forget, torch.zeros(4 * MEMORY, dtype=w.dtype))
        logits.append(w.linear("actor/logits", h))
        values.append(w.linear("actor/value", h).view(-1))
    return torch.stack(logits), torch.stack(values)


def advantages(reward, values, last):
    """Generalised advantages, and discounted returns with the last value for what follows."""
    advantage, target = torch.zeros_like(reward), torch.zeros_like(reward)
    for s in range(SLOTS):
        following, sum_of_errors, rest = last[s], 0.0, last[s]
        for t in reversed(range(STEPS)):
            goes_on = 1 - ENDED[t][s]
            error = reward[t, s] + GAMMA * goes_on * following - values[t, s]
            sum_of_errors = error + GAMMA * LAMBDA * goes_on * sum_of_errors
            rest = reward[t, s] + GAMMA * goes_on * rest
            advantage[t, s], target[t, s], following = sum_of_errors, rest, values[t, s]
    return advantage, target


def actor(dtype):
    w = Weights(dtype)
    w.encoder("actor", CHANNELS)
    w.add("actor/lstm/x", FEATURES, 4 * MEMORY)
    w.add("actor/lstm/h", MEMORY, 4 * MEMORY)
    w.add("actor/lstm/b", 1, 4 * MEMORY)
    w.layer("actor/logits", MEMORY, ACTIONS)
    w.layer("actor/value", MEMORY, 1)
    logits, values = played(w)
    last = values[STEPS].detach()
    logits, values = logits[:STEPS], values[:STEPS]
    logits.retain_grad()
    values.retain_grad()
    counts, action = torch.tensor(COUNTS, dtype=dtype), torch.tensor(ACTION)
    reward = torch.from_numpy(numbers("reward", STEPS * SLOTS)).view(STEPS, SLOTS).to(dtype) * 4
    advantage, target = advantages(reward, values.detach(), last)

    def mean(x):
        return (x * counts).sum() / counts.sum()

    def losses(logits, values, old, clip):
        logp = F.log_softmax(logits, -1)
        taken = logp.gather(-1, action.unsqueeze(-1)).squeeze(-1)
        entropy = mean(-(logp.exp() * logp).sum(-1))
        if clip is None:
            policy = mean(-taken * advantage)
        else:
            ratio = (taken - old).exp()
            policy = mean(-torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage))
        squares = mean((values - target) ** 2)
        return policy, squares, entropy, policy + VALUE * 0.5 * squares - ENTROPY * entropy

    policy, squares, entropy, loss = losses(logits, values, None, None)
    loss.backward()
    out = {"logits": logits, "values": values, "last": last, "reward": reward, "advantage": advantage, "target": target, "a2c": {"policy": policy, "value": squares, "entropy": entropy,
           "d_logits": logits.grad, "d_values": values.grad}, "weights": w.layout, "gradients": gradients(w)}
    # PPO's surrogate of the same rollout as if it had been played with other probabilities: some ratios beyond either bound.
    old = (F.log_softmax(logits, -1).gather(-1, action.unsqueeze(-1)).squeeze(-1) + torch.from_numpy(numbers("old", STEPS * SLOTS)).view(STEPS, SLOTS).to(dtype)).detach()
    z, v = logits.detach().requires_grad_(), values.detach().requires_grad_()
    policy, squares, entropy, loss = losses(z, v, old, CLIP)
    loss.backward()
    out["ppo"] = {"old": old, "policy": policy, "value": squares, "entropy": entropy, "d_logits": z.grad, "d_values": v.grad}
    return out


# ---- curiosity
def states(dtype):
    """What the counted transitions begin and end with; an ended episode's last frames are its own."""
    begin = torch.stack([OBS[t, s] for t, s in COUNTED])
    end = torch.stack([FINAL[t, s] if ENDED[t][s] else OBS[t + 1, s] for t, s in COUNTED])
    return begin.to(dtype) / 255, end.to(dtype) / 255


def everywhere(errors):
    out = torch.zeros(STEPS, SLOTS, dtype=errors.dtype)
    for (t, s), e in zip(COUNTED, errors):
        out[t, s] = e
    return out


def result(w, errors, forward, **more):
    return {"errors": everywhere(errors), "forward": forward, "weights": w.layout, "gradients": gradients(w), **more}


def icm(dtype, detach=False, fixed=False):
    w, features = Weights(dtype), Weights(dtype)
    (features if fixed else w).encoder("curiosity", CHANNELS)
    w.layer("curiosity/inverse1", 2 * FEATURES, HIDDEN)
    w.layer("curiosity/inverse2", HIDDEN, ACTIONS)
    w.layer("curiosity/forward1", FEATURES + ACTIONS, HIDDEN)
    w.layer("curiosity/forward2", HIDDEN, FEATURES)
    begin, end = ((features if fixed else w).encode("curiosity", x) for x in states(dtype))
    if fixed:
        begin, end = begin.detach(), end.detach()
    logits = w.linear("curiosity/inverse2", F.relu(w.linear("curiosity/inverse1", torch.cat([begin, end], 1))))
    inverse = F.cross_entropy(logits, TAKEN)
    guess = w.linear("curiosity/forward2", F.relu(w.linear("curiosity/forward1", torch.cat([begin, F.one_hot(TAKEN, ACTIONS).to(dtype)], 1))))
    errors = 0.5 * ((guess - (end.detach() if detach else end)) ** 2).sum(1)
    forward = errors.mean()
    (forward if fixed else (1 - BETA) * inverse + BETA * forward).backward()
    return result(w, errors, forward, inverse=inverse, accuracy=(logits.argmax(1) == TAKEN).double().mean(), fixed=features.layout)


def pixels(dtype):
    w = Weights(dtype)
    w.encoder("curiosity", CHANNELS)
    w.layer("curiosity/decode0", FEATURES + ACTIONS, FEATURES)
    for i in range(1, 5):
        w.add(f"curiosity/decode{i}/w", FILTERS, 9 * (FILTERS if i < 4 else CHANNELS))
    begin, end = states(dtype)
    x = F.relu(w.linear("curiosity/decode0", torch.cat([w.encode("curiosity", begin), F.one_hot(TAKEN, ACTIONS).to(dtype)], 1)))
    x = x.view(-1, 3, 3, FILTERS).permute(0, 3, 1, 2)
    for i, side in enumerate((6, 11, 21, 42), 1):
        kernel = w[f"curiosity/decode{i}/w"].view(FILTERS, -1, 3, 3)
        x = F.conv_transpose2d(x, kernel, stride=2, padding=1, output_padding=1 if side % 2 == 0 else 0)
        assert x.shape[-1] == side
        x = F.elu(x) if i < 4 else x
    errors = 0.5 * ((x - end) ** 2).flatten(1).mean(1)
    errors.mean().backward()
    return result(w, errors, errors.mean())


def rnd(dtype):
    w, target = Weights(dtype), Weights(dtype)
    target.encoder("target", 1)
    target.layer("target/out", FEATURES, WIDTH)
    w.encoder("curiosity", 1)
    for i, rows in enumerate((FEATURES, WIDTH, WIDTH), 1):
        w.layer(f"curiosity/{i}", rows, WIDTH)
    newest = (states(torch.float64)[1][:, -1:] * 255).round()
    mean, deviation = newest.mean(0, keepdim=True), newest.var(0, unbiased=False, keepdim=True).sqrt().clamp(min=1.0)
    seen = ((newest - mean) / deviation).clamp(-5, 5).to(dtype)
    wanted = target.linear("target/out", target.encode("target", seen)).detach()
    x = F.relu(w.linear("curiosity/1", w.encode("curiosity", seen)))
    x = w.linear("curiosity/3", F.relu(w.linear("curiosity/2", x)))
    errors = ((x - wanted) ** 2).mean(1)
    errors.mean().backward()
    return result(w, errors, errors.mean(), fixed=target.layout)


def off(exact, single):
    """The largest distance of any entry of a gradient by that matrix's largest entry."""
    return max(float((single["gradients"][n]["all"] - g["all"]).abs().max() / g["largest"]) for n, g in exact["gradients"].items() if g["largest"] > 0)


def plain(x):
    if isinstance(x, torch.Tensor):
        return plain(x.detach().double().tolist())
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items() if k != "all"}
    if isinstance(x, list):
        return [plain(v) for v in x]
    return float(f"{x:.9g}") if isinstance(x, float) else x


def main():
    cases = {"actor": actor, "icm": icm, "icm_detached": lambda d: icm(d, detach=True), "random_features": lambda d: icm(d, fixed=True), "pixels": pixels, "rnd": rnd}
    out = {"torch": torch.__version__, "steps": STEPS, "slots": SLOTS, "actions": ACTION, "ended": ENDED, "counts": COUNTS, "gamma": GAMMA, "lambda": LAMBDA, "beta": BETA, "value_weight": VALUE,
           "entropy_weight": ENTROPY, "clip": CLIP, "stride": STRIDE, "cases": {}}
    for name, run in cases.items():
        exact = run(torch.float64)
        out["cases"][name] = {**plain(exact), "float": float(f"{off(exact, run(torch.float32)):.2g}")}
    print(json.dumps(out, separators=(",", ":")).replace('"cases"', '\n"cases"').replace('{"length"', '\n{"length"'))


main()
