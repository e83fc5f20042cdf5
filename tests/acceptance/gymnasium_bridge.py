"""The bridge with real packages: CartPole, MiniGrid and Atari's Pong behind the world `gymnasium`."""
import os
import pathlib
import sys
import tempfile

from _gymnasium import enter

enter()

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from hone_worlds import HoneVectorEnv


def open_world(slots=4, **settings):
    return HoneVectorEnv("gymnasium", slots, python=[sys.executable], **settings)


def play(env, steps, seed=3):
    """Everything that a fixed row of actions brings."""
    draws = np.random.default_rng(seed)
    out = [env.reset(seed=seed)[0].copy()]
    for _ in range(steps):
        obs, reward, terminated, truncated, info = env.step(draws.integers(0, env.single_action_space.n, env.num_envs))
        assert "fault" not in info
        out.append([x.copy() for x in (obs, reward, terminated, truncated)])
    return out


def same(a, b):
    return all(np.array_equal(x, y) for p, q in zip(a, b, strict=True) for x, y in zip(p, q, strict=True))


def cart_pole():
    one, two = open_world(6, id="CartPole-v1", workers=1), open_world(6, id="CartPole-v1", workers=2)
    a, b = play(one, 300), play(two, 300)
    assert same(a, b), "the number of workers changes the episodes"
    assert sum(step[2].sum() for step in a[1:]) > 20 and one.max_steps == 500
    # each transition is Gymnasium's own
    theirs = gymnasium.make("CartPole-v1").unwrapped
    theirs.reset()
    draws = np.random.default_rng(3)
    before = a[0]
    for obs, reward, terminated, _ in a[1:]:
        actions = draws.integers(0, 2, 6)
        for i in range(6):
            theirs.state, theirs.steps_beyond_terminated = np.array(before[i], dtype=np.float64), None
            expected, paid, ended, _, _ = theirs.step(int(actions[i]))
            assert ended == terminated[i] and paid == reward[i]
            assert ended or np.allclose(expected, obs[i], atol=1e-5), (expected, obs[i])
        before = obs
    cut = open_world(1, id="CartPole-v1", max_steps=5)
    assert cut.max_steps == 5
    ends = [step[3][0] for step in play(cut, 10)[1:]]
    assert ends == [False] * 4 + [True] + [False] * 4 + [True], ends
    for mode in (AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED):
        env = open_world(1, id="CartPole-v1", max_steps=3, autoreset_mode=mode)
        env.reset(seed=1)
        for _ in range(3):
            *_, truncated, info = env.step([0])
        assert truncated[0] and "final_obs" not in info
    for e in (one, two, cut):
        e.close()


def pixels():
    grid = open_world(2, id="minigrid:MiniGrid-Empty-5x5-v0", wrapper=["minigrid.wrappers:ImgObsWrapper"], max_steps=50)
    assert grid.single_observation_space.shape == (7, 7, 3) and grid.single_observation_space.dtype == np.uint8
    steps = play(grid, 200)
    assert sum(step[2].sum() + step[3].sum() for step in steps[1:]) >= 8
    pong = open_world(2, id="ale_py:ALE/Pong-v5", max_steps=1000, kwargs=["frameskip=4"])
    assert pong.single_observation_space.shape == (210, 160, 3)
    steps = play(pong, 150)
    assert len({step[0].tobytes() for step in steps[1:]}) > 100 and sum(step[1].min() for step in steps[1:]) < 0
    again = open_world(2, id="ale_py:ALE/Pong-v5", max_steps=1000, kwargs=["frameskip=4"], workers=1)
    assert same(steps, play(again, 150))
    for e in (grid, pong, again):
        e.close()


def continuous_and_pictures():
    with tempfile.TemporaryDirectory() as folder:
        env = open_world(2, id="Pendulum-v1", render=folder)
        assert env.single_action_space.shape == (1,) and env.single_observation_space.dtype == np.float32
        env.reset(seed=1)
        for _ in range(5):
            obs, reward, *_ = env.step(np.full((2, 1), 0.5, np.float32))
        assert reward.max() < 0
        pictures = sorted(os.listdir(folder))
        assert len(pictures) == 6 and pathlib.Path(folder, pictures[0]).read_bytes().startswith(b"P6 500 500 255\n"), pictures
        env.close()


def mistakes():
    for words, settings in (("observation space Dict(", {"id": "minigrid:MiniGrid-Empty-5x5-v0"}), ("'NoSuchWorld-v9' can't be made", {"id": "NoSuchWorld-v9"}),
                            ("no limit of steps of its own", {"id": "ale_py:ALE/Pong-v5"}), ("field 'wrapper'", {"id": "CartPole-v1", "wrapper": ["nowhere:none"]})):
        try:
            open_world(1, **settings)
        except ValueError as e:
            assert str(e).startswith("gymnasium: ") and words in str(e), e
        else:
            sys.exit(f"{settings}: expected an error")


cart_pole()
continuous_and_pictures()
mistakes()
pixels()
print("CartPole, Pendulum, MiniGrid and Pong through the bridge")
