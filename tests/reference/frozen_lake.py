#!/usr/bin/env python3
"""Records how Gymnasium's FrozenLake-v1 steps, for src/envs/board/frozenlake_test.cpp (frozen_lake.json beside this file).

usage: pip install gymnasium==1.4.0; python3 tests/reference/frozen_lake.py > tests/reference/frozen_lake.json

maps: the two standard maps. walks: random walks without slipping on them and on random maps, [action, state, reward, terminated] each
step, started anew at every end. slippery: for every state that is no end and every action the three next states of Gymnasium's own
transition table (it must give each a third).
"""
import json
import random

import gymnasium
from gymnasium.envs.toy_text.frozen_lake import MAPS, generate_random_map


def walk(rows, seed):
    env = gymnasium.make("FrozenLake-v1", desc=rows, is_slippery=False, max_episode_steps=1000)
    rng = random.Random(seed)
    env.reset(seed=seed)
    steps = []
    for _ in range(60):
        action = rng.choice([0, 1, 1, 2, 2, 3])
        state, reward, terminated, _, _ = env.step(action)
        steps.append([action, int(state), float(reward), bool(terminated)])
        if terminated:
            break
    return {"map": "\n".join(rows), "steps": steps}


def table(name):
    env = gymnasium.make("FrozenLake-v1", map_name=name, is_slippery=True).unwrapped
    letters = "".join(MAPS[name])
    out = []
    for state, actions in env.P.items():
        if letters[state] in "HG":
            continue
        for action, nexts in actions.items():
            assert len(nexts) == 3 and all(abs(p - 1 / 3) < 1e-12 for p, *_ in nexts), nexts
            for _, to, reward, ended in nexts:
                assert reward == (letters[to] == "G") and ended == (letters[to] in "HG")
            out.append([state, action, sorted(int(to) for _, to, _, _ in nexts)])
    return out


walks = [walk(MAPS[name], seed) for name in ("4x4", "8x8") for seed in range(20)]
walks += [walk(generate_random_map(size=size, p=0.8, seed=size), seed) for size in range(2, 10) for seed in range(4)]
print(json.dumps({"gymnasium": gymnasium.__version__, "maps": {k: "\n".join(v) for k, v in MAPS.items() if k in ("4x4", "8x8")}, "walks": walks,
                  "slippery": {name: table(name) for name in ("4x4", "8x8")}}, separators=(",", ":")))
