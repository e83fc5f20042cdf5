"""The native maze beside ViZDoom itself (tests/reference/vizdoom_parity.py, icm.md section 8, item 9), the world `vizdoom` over the bridge, and its engines' end."""
import os
import pathlib
import signal
import subprocess
import sys
import time

from _gymnasium import enter

enter("vizdoom")

ROOT = pathlib.Path(os.environ["HONE_SOURCE_DIR"])
sys.path.insert(0, str(ROOT / "tests" / "reference"))

import numpy as np
from hone_worlds import HoneVectorEnv
from vizdoom_parity import Parity, world_beside_engine

BIN = pathlib.Path(os.environ["HONE_BIN"])


def engines():
    """Processes of ViZDoom on this machine."""
    out = set()
    for folder in pathlib.Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and (folder / "comm").read_text() == "vizdoom\n":
                out.add(folder.name)
        except OSError:
            continue
    return out


def memory():
    return {path.name for path in pathlib.Path("/dev/shm").glob("ViZDoom*")}


def many_slots():
    """Results don't depend on the number of workers; several episodes of each slot."""
    seen = []
    for workers in (1, 2):
        env = HoneVectorEnv("vizdoom", 3, python=[sys.executable], start="dense", limit_tics=60, workers=workers)
        draws = np.random.default_rng(2)
        frames = [env.reset(seed=5)[0].copy()]
        for _ in range(40):
            obs, _, _, truncated, _ = env.step(draws.integers(0, 4, 3))
            frames.append(obs.copy())
        assert truncated.shape == (3,)
        seen.append(np.stack(frames))
        env.close()
    assert np.array_equal(*seen)


def nothing_is_left():
    """A player who is killed leaves no engine and no file behind."""
    before, shared = engines(), memory()
    game = subprocess.Popen([BIN, "play", "vizdoom", "--set", f"python={sys.executable}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 30
    while not engines() - before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert engines() - before, "no engine came up"
    game.send_signal(signal.SIGKILL)
    game.wait()
    deadline = time.monotonic() + 30
    while engines() - before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not engines() - before, "an engine outlives the program that asked for it"
    while memory() - shared and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not memory() - shared, memory() - shared


parity = Parity()
parity.all(12)
world_beside_engine(parity)
parity.starts(340)
many_slots()
nothing_is_left()
print("native maze and ViZDoom are the same walk")
