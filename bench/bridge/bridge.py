"""Steps a second of the bridge (through hone_worlds) beside AsyncVectorEnv and SyncVectorEnv: same world, slots and actions, in turn, several rounds."""
import argparse
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "acceptance"))
from _gymnasium import enter

enter()

import gymnasium
import numpy as np
from gymnasium.vector import AsyncVectorEnv, AutoresetMode, SyncVectorEnv
from hone_worlds import HoneVectorEnv

WORLDS = {"CartPole": ("CartPole-v1", None, {}), "Pong": ("ale_py:ALE/Pong-v5", 27000, {"frameskip": 4})}


def makers(name, slots):
    world, limit, kwargs = WORLDS[name]

    def one():
        return gymnasium.make(world, **({"max_episode_steps": limit} if limit else {}), **kwargs)

    bridge = {"id": world, "python": [sys.executable], "kwargs": [f"{k}={v}" for k, v in kwargs.items()], **({"max_steps": limit} if limit else {})}
    return {
        "bridge, a worker per core": lambda: HoneVectorEnv("gymnasium", slots, **bridge),
        "bridge, a worker per slot": lambda: HoneVectorEnv("gymnasium", slots, workers=slots, **bridge),
        "AsyncVectorEnv": lambda: AsyncVectorEnv([one] * slots, autoreset_mode=AutoresetMode.SAME_STEP),
        "SyncVectorEnv": lambda: SyncVectorEnv([one] * slots, autoreset_mode=AutoresetMode.SAME_STEP),
    }


def rate(env, seconds):
    draws = np.random.default_rng(1)
    n = env.single_action_space.n
    env.reset(seed=1)
    steps, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        env.step(draws.integers(0, n, env.num_envs))
        steps += env.num_envs
    return steps / (time.perf_counter() - start)


def main():
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("--slots", type=int, default=8)
    ask.add_argument("--seconds", type=float, default=3.0, help="for each side and round")
    ask.add_argument("--rounds", type=int, default=3)
    given = ask.parse_args()
    for name in WORLDS:
        envs = {side: make() for side, make in makers(name, given.slots).items()}
        rates = {side: [] for side in envs}
        for _ in range(given.rounds):
            for side, env in envs.items():
                rates[side].append(rate(env, given.seconds))
        for side, found in rates.items():
            middle = statistics.median(found)
            print(f"{name:9} {side:26} {middle:9.0f} steps/s  {1e6 / middle:7.1f} us a step  (best {max(found):.0f})", flush=True)
        for env in envs.values():
            env.close()


main()
