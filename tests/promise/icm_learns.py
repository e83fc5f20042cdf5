"""Curiosity against none in a maze (recipes/promise/icm.yaml holds the setting, margin, seeds and budget): share of unseen tasks in which the goal is reached.

--whole: all seeds, the promise; about half an hour on two cores, so it is no part of the check, where this is skipped.
--beside: other kinds of curiosity to measure on the same seeds. --seeds and --set are for looks, which hold nothing.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from _paired import mean, paired, said_in

SOURCE = pathlib.Path(os.environ.get("HONE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BIN = pathlib.Path(os.environ.get("HONE_BIN", SOURCE / "build" / "ci" / "hone"))
RECIPE = SOURCE / "recipes" / "promise" / "icm.yaml"
OURS = "random_features"


def run(folder, kind, seed, settings):
    """Scores of the unseen tasks of the learned policy and of random play, what the last decisions of training came to, and seconds."""
    home = folder / f"{kind}-{seed}"
    words = [w for s in [f"seed={seed}", f"method.curiosity={kind}", *settings] for w in ("--set", s)]
    done = subprocess.run([str(BIN), "--home", str(home), "learn", str(RECIPE), "--json", *words], text=True, capture_output=True, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    if done.returncode != 0:
        sys.exit(f"{kind}, seed {seed}: status {done.returncode}\n{done.stderr[-2000:]}")
    report = json.loads(next((home / "runs").glob("*/report.json")).read_text())
    arms = {arm["name"]: arm for arm in report["arms"]}
    rounds = {series["name"]: series["values"] for series in report["rounds"]}
    out = {"learned": arms["learned policy"]["scores"], "random": arms["random"]["scores"], "course": [round(value, 2) for _, value in rounds["rollout/return"]], "seconds": json.loads(done.stdout.splitlines()[-1])["seconds"]}
    print(f"{kind}, seed {seed}: {mean(out['learned']):.2f} (random {mean(out['random']):.2f}), in training {out['course']}, {out['seconds']:.0f} s", flush=True)
    return out


def compare(name, ours, theirs):
    rows = [[a - b for a, b in zip(one, other)] for one, other in zip(ours, theirs)]
    low, high = paired(rows)
    print(f"{name}: {mean(map(mean, rows)):+.3f} ({low:+.3f} to {high:+.3f})", flush=True)
    return mean(map(mean, rows)), low


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--beside", nargs="+", default=[])
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    if not (BIN.parent / "libhone_nn.so").exists():
        print("skipped: this build has no libhone_nn.so (libtorch was not there)")
        sys.exit(77)
    if not given.whole and not given.seeds:
        print("skipped: takes about half an hour on two cores and was missed when it was last run (tests/promise/icm_learns.py --whole)")
        sys.exit(77)
    seeds = given.seeds or [int(s) for s in said_in(RECIPE, "seeds").split()]
    kinds = [OURS, "none", *given.beside]
    with tempfile.TemporaryDirectory(prefix="hone_icm_") as name, concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        runs = {(kind, seed): pool.submit(run, pathlib.Path(name), kind, seed, given.set) for seed in seeds for kind in kinds}
        scores = {kind: [runs[kind, seed].result()["learned"] for seed in seeds] for kind in kinds}
        by_chance = [runs[OURS, seed].result()["random"] for seed in seeds]
    for kind in kinds:
        print(f"{kind}: {mean(map(mean, scores[kind])):.3f}, per seed {[round(mean(s), 2) for s in scores[kind]]}")
        compare(f"{kind} - random play", scores[kind], by_chance)
        if kind != "none":
            gain, low = compare(f"{kind} - none", scores[kind], scores["none"])
            if kind == OURS and given.whole and not given.set and not given.seeds:
                assert gain >= float(said_in(RECIPE, "margin")), "margin missed"
                assert low > 0, "the paired interval does not exclude 0"
