"""The native worlds from Python: gridworld plays its golden transcript, in all three modes of autoreset; the README's example runs."""
import os
import pathlib
import re
import subprocess
import sys

from _gymnasium import enter

enter()

import numpy as np
from gymnasium.vector import AutoresetMode
from hone_worlds import HoneVectorEnv

SOURCE = pathlib.Path(os.environ["HONE_SOURCE_DIR"])


def transcript():
    """tests/golden/gridworld.txt, which the C++ tests play too, says actions and what came of them."""
    env = HoneVectorEnv("gridworld", 2)
    env.reset(seed=0)
    played = 0
    for line in (SOURCE / "tests/golden/gridworld.txt").read_text().splitlines()[2:]:
        slots = re.findall(r"(\d+)>(\d+)( end)?( cut)?( reward)?", line)
        obs, reward, terminated, truncated, _ = env.step([int(s[0]) for s in slots])
        told = [(str(o), e, c, r) for o, e, c, r in zip(obs, terminated, truncated, reward != 0)]
        assert told == [(s[1], bool(s[2]), bool(s[3]), bool(s[4])) for s in slots], (line, told)
        played += 1
    assert played == 60
    env.close()


def modes():
    same, next_, off = (HoneVectorEnv("gridworld", 4, autoreset_mode=m, step_limit=20) for m in (AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED))
    for env in (same, next_, off):
        assert env.metadata["autoreset_mode"] is not None and env.reset(seed=7)[0].shape == (4,)
    assert np.array_equal(same.reset(seed=7)[0], next_.reset(seed=7)[0])
    for t in range(20):
        actions = np.full(4, t % 4)
        a, b, c = same.step(actions), next_.step(actions), off.step(actions)
        ended = a[2] | a[3]
        assert np.array_equal(ended, b[2] | b[3]) and np.array_equal(a[1], b[1])
        if ended.any():
            assert np.array_equal(a[4]["_final_obs"], ended) and np.array_equal(a[4]["final_obs"][ended], b[0][ended])
            break
    off_ended = c[2] | c[3]
    assert np.array_equal(off_ended, ended) and np.array_equal(c[0], b[0])
    first = next_.step(actions)
    assert (first[1][ended] == 0).all() and np.array_equal(first[0][ended], a[0][ended])
    obs, _ = off.reset(seed=7, options={"reset_mask": ended})
    assert np.array_equal(obs[~ended], c[0][~ended])
    memory = obs
    assert off.step(actions)[0] is memory, "the arrays are the buffers"
    for env in (same, next_, off):
        env.close()


def mistakes():
    env = HoneVectorEnv("gridworld", 2)
    for words, call in (("was not reset", lambda: env.step([0, 0])), ("expected shape (2,), got (3,)", lambda: env.step([0, 0, 0])), ("seed", lambda: env.reset(seed=-1)),
                        ("did you mean 'gridworld'", lambda: HoneVectorEnv("gridworl")), ("slip", lambda: HoneVectorEnv("gridworld", slip=7)), ("at least 1 slot", lambda: HoneVectorEnv("gridworld", 0)),
                        ("split", lambda: HoneVectorEnv("gridworld", split="all"))):
        try:
            call()
        except ValueError as e:
            assert words in str(e), (words, e)
        else:
            sys.exit(f"expected an error with '{words}'")
    env.reset(seed=1)
    *_, truncated, info = env.step([9, 0])
    assert list(info["fault"]) == [True, False] and list(truncated) == [True, False]
    env.close()


def example():
    text = re.search(r"```python\n(.*?)```", (SOURCE / "python/README.md").read_text(), re.S).group(1)
    done = subprocess.run([sys.executable, "-c", text], text=True, capture_output=True)
    assert done.returncode == 0 and "times at the goal" in done.stdout, done


transcript()
modes()
mistakes()
example()
print("gridworld from Python plays what it plays natively")
