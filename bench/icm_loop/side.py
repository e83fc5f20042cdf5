"""One measurement of PyTorch's side: side.py THREADS ROUNDS ROUND [graph] [channels_last] [compile] plays and learns ROUNDS times ROUND rollouts and prints one
JSON line a round, as `hone --json learn` does; side.py THREADS gemm prints the rate of products.

Loop, networks, losses and settings are loop.yaml's (A2C with an LSTM and curiosity, docs/methods/icm.md). Frames of T + 1 steps are encoded once for curiosity, and its bonus and its
loss share one forward pass. `graph`: acting builds the graph that learning goes back through, so that nothing is computed twice; else acting is without gradients and learning runs forward again
over the whole rollout in one batch. `channels_last`: convolutions see that memory format; `compile`: encoders go through torch.compile."""
import json
import math
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SLOTS, ROLLOUT, ACTIONS, MEMORY, FEATURES, HIDDEN = 16, 20, 4, 256, 288, 256
GAMMA, BETA, ETA, VALUE, ENTROPY, LR, CURIOSITY_LR, SCALE, CURIOSITY_SCALE, CLIP = 0.99, 0.2, 1.0, 0.5, 0.003, 7e-4, 1e-3, 20.0, 200.0, 40.0


def columns(layer, length):
    with torch.no_grad():
        layer.weight.normal_()
        layer.weight.mul_(length / layer.weight.norm(dim=1, keepdim=True))  # a row here is a column of the paper's
        layer.bias.zero_()
    return layer


class Encoder(nn.Module):
    def __init__(self, channels_last):
        super().__init__()
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.convolutions = nn.ModuleList(nn.Conv2d(4 if i == 0 else 32, 32, 3, 2, 1) for i in range(4))
        for c in self.convolutions:
            nn.init.xavier_uniform_(c.weight)
            nn.init.zeros_(c.bias)
        self.to(memory_format=self.format)

    def forward(self, frames):  # bytes [n, 4, 42, 42]
        x = frames.to(torch.float32, memory_format=self.format).mul_(1 / 255)
        for c in self.convolutions:
            x = F.elu(c(x), inplace=True)
        return x.flatten(1)


class Actor(nn.Module):
    def __init__(self, flags):
        super().__init__()
        self.encoder = Encoder("channels_last" in flags)
        self.cell = nn.LSTMCell(FEATURES, MEMORY)
        for w in (self.cell.weight_ih, self.cell.weight_hh):
            nn.init.uniform_(w, -math.sqrt(6 / (FEATURES + 5 * MEMORY)), math.sqrt(6 / (FEATURES + 5 * MEMORY)))
        nn.init.zeros_(self.cell.bias_ih)
        nn.init.zeros_(self.cell.bias_hh)
        with torch.no_grad():
            self.cell.bias_ih[MEMORY:2 * MEMORY] = 1.0
        self.cell.bias_hh.requires_grad_(False)  # one bias is enough
        self.logits, self.value = columns(nn.Linear(MEMORY, ACTIONS), 0.01), columns(nn.Linear(MEMORY, 1), 1.0)

    def step(self, frames, h, c, on):
        h, c = self.cell(self.encoder(frames), (h * on, c * on))
        return self.logits(h), self.value(h).squeeze(1), h, c

    def rollout(self, frames, h, c, on):
        """frames [T, N, ...], on[t] [N, 1]: 0 where an episode begins."""
        t, n = frames.shape[:2]
        features = self.encoder(frames.flatten(0, 1))
        gates = F.linear(features, self.cell.weight_ih, self.cell.bias_ih).view(t, n, -1)  # what the frames add to them, in one product
        back, hs = self.cell.weight_hh.t(), []
        for i in range(t):
            a, f, g, o = torch.addmm(gates[i], h * on[i], back).chunk(4, 1)
            c = f.sigmoid() * (c * on[i]) + a.sigmoid() * g.tanh()
            h = o.sigmoid() * c.tanh()
            hs.append(h)
        h = torch.stack(hs)
        return self.logits(h), self.value(h).squeeze(2)


class Curiosity(nn.Module):
    def __init__(self, flags):
        super().__init__()
        self.encoder = Encoder("channels_last" in flags)
        layers = ((2 * FEATURES, HIDDEN), (HIDDEN, ACTIONS), (FEATURES + ACTIONS, HIDDEN), (HIDDEN, FEATURES))
        self.inverse1, self.inverse2, self.forward1, self.forward2 = (columns(nn.Linear(*shape), 0.01) for shape in layers)

    def forward(self, states, begin, end, actions):
        phi = self.encoder(states)
        begin, end = phi[begin], phi[end]
        inverse = F.cross_entropy(self.inverse2(F.relu(self.inverse1(torch.cat([begin, end], 1)))), actions)
        guess = self.forward2(F.relu(self.forward1(torch.cat([begin, F.one_hot(actions, ACTIONS).float()], 1))))
        return inverse, 0.5 * (guess - end).square().sum(1)


class Deviation:
    """Running deviation of every slot's discounted sum of bonuses."""

    def __init__(self):
        self.sums, self.count, self.mean, self.squares = np.zeros(SLOTS), 0.0, 0.0, 0.0

    def of(self, bonus):
        for row in bonus.astype(np.float64):
            self.sums = GAMMA * self.sums + row
            count, mean = self.count + SLOTS, self.sums.mean()
            self.squares += ((self.sums - mean) ** 2).sum() + (mean - self.mean) ** 2 * self.count * SLOTS / count
            self.mean += (mean - self.mean) * SLOTS / count
            self.count = count
        return math.sqrt(self.squares / self.count) + 1e-8


def returns(reward, value, ended, last):
    out, following = np.empty_like(reward), last
    for t in reversed(range(ROLLOUT)):
        following = reward[t] + GAMMA * (1.0 - ended[t]) * following
        out[t] = following
    return out - value, out


class Loop:
    def __init__(self, threads, flags):
        from hone_worlds import HoneVectorEnv
        torch.manual_seed(1)
        self.worlds = HoneVectorEnv("maze", SLOTS, threads=threads, map="three_rooms", start="sparse")
        self.actor, self.curiosity, self.graph = Actor(flags), Curiosity(flags), "graph" in flags
        if "compile" in flags:
            self.actor.encoder.compile(dynamic=False)
            self.curiosity.encoder.compile(dynamic=True)  # ended episodes add states
        self.optimisers = [torch.optim.Adam([p for p in net.parameters() if p.requires_grad], lr=lr, fused=True) for net, lr in ((self.actor, LR), (self.curiosity, CURIOSITY_LR))]
        self.deviation = Deviation()
        self.frames = torch.empty(ROLLOUT + 1, SLOTS, 4, 42, 42, dtype=torch.uint8)
        self.on = [torch.zeros(SLOTS, 1)] * (ROLLOUT + 1)
        self.seen, _ = self.worlds.reset(seed=1)
        self.seen = torch.from_numpy(self.seen)  # the worlds' own memory
        self.frames[ROLLOUT].copy_(self.seen)
        self.h = self.c = torch.zeros(SLOTS, MEMORY)

    def step_of(self, which, net, loss, scale):
        self.optimisers[which].zero_grad(set_to_none=True)
        (loss * scale).backward()
        nn.utils.clip_grad_norm_(net.parameters(), CLIP)
        self.optimisers[which].step()

    def once(self):
        self.frames[0].copy_(self.frames[ROLLOUT])
        self.on[0] = self.on[ROLLOUT]
        began = self.h, self.c = self.h.detach(), self.c.detach()
        actions = torch.empty(ROLLOUT, SLOTS, dtype=torch.long)
        reward, ended, value = (np.zeros((ROLLOUT, SLOTS), np.float32) for _ in range(3))
        kept, last_frames, last_of = [], [], []
        with torch.set_grad_enabled(self.graph):
            for t in range(ROLLOUT):
                logits, v, self.h, self.c = self.actor.step(self.frames[t], self.h, self.c, self.on[t])
                kept.append((logits, v))
                with torch.no_grad():
                    actions[t] = torch.multinomial(logits.softmax(1), 1).squeeze(1)
                    value[t] = v.detach().numpy()
                _, r, terminated, truncated, info = self.worlds.step(actions[t].numpy().astype(np.int32))
                self.frames[t + 1].copy_(self.seen)
                reward[t] = r
                ended[t] = terminated | truncated
                self.on[t + 1] = torch.from_numpy(1.0 - ended[t]).unsqueeze(1)  # another one: the graph may hold those before
                for slot in np.flatnonzero(ended[t]):
                    last_frames.append(torch.from_numpy(info["final_obs"][slot].copy()))
                    last_of.append(t * SLOTS + int(slot))
        with torch.no_grad():
            _, last, _, _ = self.actor.step(self.frames[ROLLOUT], self.h, self.c, self.on[ROLLOUT])

        begin = torch.arange(ROLLOUT * SLOTS)
        end = begin + SLOTS
        states = self.frames.flatten(0, 1)
        if last_of:
            end[last_of] = torch.arange(len(last_of)) + len(states)
            states = torch.cat([states, torch.stack(last_frames)])
        inverse, errors = self.curiosity(states, begin, end, actions.flatten())
        forward = errors.mean()
        bonus = errors.detach().view(ROLLOUT, SLOTS).numpy()
        bonus = bonus * (ETA / self.deviation.of(bonus))
        self.step_of(1, self.curiosity, (1 - BETA) * inverse + BETA * forward, CURIOSITY_SCALE)

        advantage, target = (torch.from_numpy(x.astype(np.float32)) for x in returns(reward + bonus, value, ended, last.numpy()))
        if self.graph:
            logits, values = (torch.stack(x) for x in zip(*kept))
        else:
            logits, values = self.actor.rollout(self.frames[:ROLLOUT], *began, self.on[:ROLLOUT])
        logp = logits.log_softmax(2)
        entropy = -(logp.exp() * logp).sum(2).mean()
        policy = -(logp.gather(2, actions.unsqueeze(2)).squeeze(2) * advantage).mean()
        self.step_of(0, self.actor, policy + VALUE * 0.5 * (values - target).square().mean() - ENTROPY * entropy, SCALE)
        return {"forward_loss": forward.item(), "inverse_loss": inverse.item(), "entropy": entropy.item(), "bonus": float(bonus.mean()), "episodes": float(ended.sum())}


def product():
    """Float products of 1,536 by 1,536 by two libraries: the best GFLOP a second of processor time."""
    rates = {}
    for name, make, times in (("torch", torch.rand, torch.mm), ("numpy", lambda *s: np.random.rand(*s).astype(np.float32), np.dot)):
        a, b = make(1536, 1536), make(1536, 1536)
        best = math.inf
        for _ in range(20):
            started = time.process_time()
            times(a, b)
            best = min(best, time.process_time() - started)
        rates[name] = round(2e-9 * 1536 ** 3 / best, 1)
    print(json.dumps({"event": "gemm", "version": torch.__version__, **rates}))


def main():
    threads, *rest = sys.argv[1:]
    torch.set_num_threads(int(threads))
    if rest == ["gemm"]:
        return product()
    rounds, rollouts, *flags = rest
    loop = Loop(int(threads), flags)
    for _ in range(int(rounds)):
        sums = {}
        for _ in range(int(rollouts)):
            for name, value in loop.once().items():
                sums[name] = sums.get(name, 0.0) + value / int(rollouts)
        print(json.dumps({"event": "round", "metrics": sums}), flush=True)


main()
