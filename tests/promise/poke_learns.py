"""Learning to poke against poking at random: share of goals reached on unseen tasks (recipes/promise/poke.yaml holds the setting, margin,
seeds and budget).

Without arguments the small cut for CI: one of the seeds. --whole: all seeds, the promise. --table: what docs/methods/poke.md reports beside
it: inverse model only, near and far goals, shapes never seen, oracle. --curve: joint and inverse only after other numbers of --pokes.
--seeds and --set are for looks, which hold nothing.
"""
import argparse
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

from _paired import mean, paired, said_in

SOURCE = pathlib.Path(os.environ.get("HONE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BIN = pathlib.Path(os.environ.get("HONE_BIN", SOURCE / "build" / "ci" / "hone"))
RECIPE = SOURCE / "recipes" / "promise" / "poke.yaml"


def said_in_recipe(name):
    return said_in(RECIPE, name)


def run(home, settings):
    """One run: rows of its result table by name, its last round's metrics, and a file with its networks."""
    words = [w for s in settings for w in ("--set", s)]
    started = time.time()
    out, err = home.with_suffix(".out"), home.with_suffix(".err")
    with open(out, "w") as stdout, open(err, "w") as stderr:
        process = subprocess.Popen([str(BIN), "--home", str(home), "learn", str(RECIPE), "--json", *words], stdout=stdout, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{home.name}: status {status}\n{err.read_text()[-2000:]}")
    report = json.loads(next((home / "runs").glob("*/report.json")).read_text())
    store = sqlite3.connect(home / "hone.db")
    networks = home.with_suffix(".nets")
    networks.write_bytes(store.execute("SELECT bytes FROM artifact ORDER BY length(bytes) DESC").fetchone()[0])
    last = store.execute("SELECT max(round) FROM metric WHERE name = 'updates'").fetchone()[0]
    metrics = dict(store.execute("SELECT name, value FROM metric WHERE round = ?", (last,)).fetchall())
    arms = {arm["name"]: {"scores": arm["scores"], "relative": arm["infos"]["relative"], "turn": arm["infos"]["turn"], "faults": arm["faults"]} for arm in report["arms"]}
    return {"arms": arms, "metrics": metrics, "networks": networks, "seconds": time.time() - started, "mb": usage.ru_maxrss / 1024}


def differences(runs, ours, theirs):
    return [[a - b for a, b in zip(r["arms"][ours]["scores"], r["arms"][theirs]["scores"])] for r in runs]


def show(name, runs, arm):
    print(f"{name}: {arm}: reached {mean(mean(r['arms'][arm]['scores']) for r in runs):.3f}, relative error {mean(r['arms'][arm]['relative'] for r in runs):.3f}, "
          f"turned off by {mean(r['arms'][arm]['turn'] for r in runs):.3f} rad, per seed {[round(mean(r['arms'][arm]['scores']), 3) for r in runs]}, "
          f"faults {sum(r['arms'][arm]['faults'] for r in runs)}", flush=True)


def joint(folder, seeds, settings):
    runs = []
    for seed in seeds:
        done = run(folder / f"joint-{seed}", [f"seed={seed}", *settings])
        runs.append(done)
        arms = {name: round(mean(arm["scores"]), 3) for name, arm in done["arms"].items()}
        held_out = {name.removeprefix("held_out/"): round(value, 3) for name, value in done["metrics"].items() if name.startswith("held_out/")}
        print(f"seed {seed}: {arms}; held out {held_out}; {done['seconds']:.0f} s, {done['mb']:.0f} MB", flush=True)
    for arm in runs[0]["arms"]:
        show("near", runs, arm)
    return runs


def promise(runs):
    margin = float(said_in_recipe("margin"))
    for rival in ("random", "random on the thing"):
        rows = differences(runs, "learned policy", rival)
        low, high = paired(rows)
        print(f"learned policy - {rival}: {mean(map(mean, rows)):+.3f} ({low:+.3f} to {high:+.3f})", flush=True)
        assert mean(map(mean, rows)) >= margin, f"margin of {margin} missed against {rival}"
        assert low > 0, f"the paired interval does not exclude 0 against {rival}"


# What the networks of a run do in another evaluation, without learning again.
PLACES = {"near": [], "twice as far": ["env.distance=2"], "three times": ["env.distance=3"], "shapes never seen": ["env.shapes=held_out"],
          "never seen, twice as far": ["env.shapes=held_out", "env.distance=2"]}


def elsewhere(folder, name, runs, seeds, settings, place):
    out = []
    for seed, trained in zip(seeds, runs):
        out.append(run(folder / f"{name}-{seed}-{place.replace(' ', '_').replace(',', '')}", [f"seed={seed}", *settings, *PLACES[place], "method.pokes=0", "method.updates=0", f"method.start_from={trained['networks']}"]))
    return out


def table(folder, seeds, settings):
    models = {"joint": joint(folder, seeds, settings)}
    models["inverse only"] = [run(folder / f"inverse-{seed}", [f"seed={seed}", *settings, "method.lambda=0"]) for seed in seeds]
    for place in PLACES:
        rows = {}
        for name, runs in models.items():
            rows[name] = elsewhere(folder, name.replace(" ", "_"), runs, seeds, settings, place)
            show(f"{place}, {name}", rows[name], "learned policy")
        for arm in ("random", "random on the thing", "blob"):
            show(place, rows["joint"], arm)
        straight = [run(folder / f"oracle-{seed}-{place.replace(' ', '_').replace(',', '')}", [f"seed={seed}", *settings, *PLACES[place], "env.aim=oracle", "method.pokes=0", "method.updates=0"]) for seed in seeds]
        show(f"{place}, straight pushes by the world", straight, "random")
        for name, theirs in (("inverse only", [r["arms"]["learned policy"] for r in rows["inverse only"]]), ("blob", [r["arms"]["blob"] for r in rows["joint"]])):
            diff = [[a - b for a, b in zip(r["arms"]["learned policy"]["scores"], other["scores"])] for r, other in zip(rows["joint"], theirs)]
            low, high = paired(diff)
            print(f"{place}: joint - {name}: {mean(map(mean, diff)):+.3f} ({low:+.3f} to {high:+.3f})", flush=True)


def curve(folder, seeds, settings, counts):
    for pokes in counts or map(int, said_in_recipe("curve pokes").split()):
        for weight in (0.1, 0):
            runs = [run(folder / f"curve-{pokes}-{weight}-{seed}", [f"seed={seed}", *settings, "method.rollout=5", f"method.pokes={pokes}", f"method.lambda={weight}"]) for seed in seeds]
            show(f"{runs[0]['metrics']['pokes']:.0f} pokes, lambda {weight}", runs, "learned policy")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("whole", "table", "curve"):
        parser.add_argument(f"--{name}", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--pokes", type=int, nargs="+")
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    if not (BIN.parent / "libhone_nn.so").exists():
        print("skipped: this build has no libhone_nn.so (libtorch was not there)")
        sys.exit(77)
    all_seeds = [int(s) for s in said_in_recipe("seeds").split()]
    many = given.whole or given.table or given.curve
    seeds = given.seeds or (all_seeds if many else all_seeds[:1])
    with tempfile.TemporaryDirectory(prefix="hone_poke_") as name:
        folder = pathlib.Path(name)
        if given.table:
            table(folder, seeds, given.set)
        elif given.curve:
            curve(folder, seeds, given.set, given.pokes)
        else:
            runs = joint(folder, seeds, given.set)
            if not given.set and not given.seeds:
                promise(runs)
