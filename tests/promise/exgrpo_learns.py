"""exgrpo against grpo with the same objective, from random weights, at equal tries (recipes/promise/exgrpo.yaml holds both sides, margin,
seeds and budget). --whole: what docs/methods/exgrpo.md reports. --seeds and --set (both sides) are for looks.

Without arguments the small cut for CI: one seed, a third of the tries. It holds that both sides play the same unseen tasks and, but for
at most one round, as many tries, and that solved tries were replayed; which side is ahead after so little depends on
the seed, so no margin is held (ExgrpoLearning holds one, on a policy that is a table).
"""
import argparse
import collections
import json
import os
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import time

SOURCE = pathlib.Path(os.environ.get("HONE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BIN = pathlib.Path(os.environ.get("HONE_BIN", SOURCE / "build" / "ci" / "hone"))
RECIPE = SOURCE / "recipes" / "promise" / "exgrpo.yaml"


def said_in_recipe(name):
    """A "# name: value" line of the recipe."""
    return re.search(rf"^# {name}: (.*)$", RECIPE.read_text(), re.M).group(1)


def write_requests(path, each):
    """Made-up requests: one of three telling words per queue, between an opening and a number that say nothing."""
    words = {"fruit": "ripe apples pears", "metal": "rusty iron bolts", "music": "loud drums guitars", "water": "cold river rain"}
    starts = ["please send", "where is", "I want", "do you have", "who sells", "tell me about"]
    draw = random.Random(20)
    rows = set()
    for queue, mine in words.items():
        while sum(row.endswith("," + queue) for row in rows) < each:
            rows.add(f"{draw.choice(starts)} {draw.choice(mine.split())} number{draw.randrange(1000)},{queue}")
    path.write_text("text,label\n" + "\n".join(sorted(rows)) + "\n")


def run(recipe, home, seed, settings):
    """One side with one seed: scores of the unseen tasks before and after, and what was said to them after."""
    words = [w for s in [f"seed={seed}", *settings] for w in ("--set", s)]
    started = time.time()
    out, err = home.with_suffix(".out"), home.with_suffix(".err")
    with open(out, "w") as stdout, open(err, "w") as stderr:
        process = subprocess.Popen([str(BIN), "--home", str(home), "learn", str(recipe), "--json", *words], stdout=stdout, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"{recipe.name}, seed {seed}: status {status}\n{err.read_text()[-2000:]}")
    scores, said = {"before": {}, "after": {}}, collections.Counter()
    for line in next((home / "runs").glob("*/evaluation.jsonl")).read_text().splitlines():
        episode = json.loads(line)
        arm = "after" if "/after/" in episode["key"] else "before"
        scores[arm][episode["task"]["id"]] = float(episode.get("score", 0.0))
        if arm == "after":
            said[episode["steps"][-1]["did"]["action"]] += 1
    seconds = time.time() - started
    store = sqlite3.connect(home / "hone.db")
    tries = store.execute("SELECT count(*) FROM episode").fetchone()[0]
    replayed = store.execute("SELECT sum(value) FROM metric WHERE name = 'replayed'").fetchone()[0]
    return {"scores": scores, "one_thing": max(said.values()) / sum(said.values()), "seconds": seconds, "mb": usage.ru_maxrss / 1024, "tries": tries, "replayed": replayed}


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def middle(values):
    """Interquartile mean: without the lowest and the highest quarter."""
    ordered = sorted(values)
    cut = len(ordered) // 4
    return mean(ordered[cut : len(ordered) - cut])


def interval(samples):
    ordered = sorted(samples)
    return ordered[int(0.025 * len(ordered))], ordered[int(0.975 * len(ordered)) - 1]


def bootstrap(rows, statistic, seeds_too, resamples=10000):
    """rows: per seed a list over tasks. Tasks are drawn anew within each seed (strata), seeds as well if asked."""
    draw = random.Random(1)
    samples = []
    for _ in range(resamples):
        chosen = draw.choices(rows, k=len(rows)) if seeds_too else rows
        samples.append(statistic([mean(draw.choices(row, k=len(row))) for row in chosen]))
    return interval(samples)


def compare(recipe, folder, seeds, settings):
    requests = folder / "requests.csv"
    write_requests(requests, int(said_in_recipe("requests per queue")))
    settings = [f"env.requests={requests}", *settings]
    rival = folder / "grpo.yaml"
    rival.write_text(re.sub(r"^method:.*$", "method: " + said_in_recipe("rival"), recipe.read_text(), flags=re.M))
    rows = {"exgrpo": [], "grpo": []}
    for seed in seeds:
        for name, file in (("exgrpo", recipe), ("grpo", rival)):
            done = run(file, folder / f"{name}-{seed}", seed, settings)
            rows[name].append(done)
            print(f"seed {seed} {name}: {mean(done['scores']['before'].values()):.3f} -> {mean(done['scores']['after'].values()):.3f} on "
                  f"{len(done['scores']['after'])} unseen tasks, {done['tries']} tries, {done['replayed'] or 0:.0f} replayed, most frequent reply {done['one_thing']:.2f}, "
                  f"{done['seconds']:.0f} s, {done['mb']:.0f} MB", flush=True)
    of = {name: [[d["scores"]["after"][t] for t in sorted(d["scores"]["after"])] for d in rows[name]] for name in rows}
    difference = [[a - b for a, b in zip(x, y)] for x, y in zip(of["exgrpo"], of["grpo"])]
    out = {"seeds": list(seeds), "tasks": len(difference[0])}
    resamples = 10000 if len(seeds) > 2 else 2000
    for name, table in (*of.items(), ("difference", difference)):
        per_seed = [mean(row) for row in table]
        out[name] = {"per_seed": [round(x, 4) for x in per_seed], "mean": round(mean(per_seed), 4), "iqm": round(middle(per_seed), 4),
                     "iqm_stratified": [round(x, 4) for x in bootstrap(table, middle, False, resamples)]}
    out["difference"]["paired"] = [round(x, 4) for x in bootstrap(difference, mean, True, resamples)]
    out["said_one_thing"] = {name: sum(d["one_thing"] >= 0.9 for d in rows[name]) for name in rows}
    print(json.dumps(out), flush=True)
    return out, rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--seeds", type=int, nargs="+")
    parser.add_argument("--set", action="append", default=[])
    given = parser.parse_args()
    if not (BIN.parent / "libhone_nn.so").exists():
        print("skipped: this build has no libhone_nn.so (libtorch was not there)")
        sys.exit(77)
    name = "whole" if given.whole else "small"
    seeds = given.seeds or [int(s) for s in said_in_recipe(f"{name} seeds").split()]
    settings = given.set or ([] if given.whole else said_in_recipe("small settings").split())
    with tempfile.TemporaryDirectory(prefix="hone_exgrpo_") as folder:
        out, rows = compare(RECIPE, pathlib.Path(folder), seeds, settings)
    if given.set or given.seeds:
        sys.exit(0)  # a look holds nothing
    one_round = 16 * 8
    for ours, rival in zip(rows["exgrpo"], rows["grpo"]):
        assert ours["scores"]["after"].keys() == rival["scores"]["after"].keys(), "other unseen tasks"
        assert ours["scores"]["before"] == rival["scores"]["before"], "other first weights"
        assert abs(ours["tries"] - rival["tries"]) < one_round, "not as many tries"
        assert ours["replayed"] > 0 and rival["replayed"] is None, "nothing was replayed"
    if given.whole:
        margin = float(said_in_recipe("whole margin"))
        assert out["difference"]["mean"] >= margin, f"margin of {margin} missed"
        assert out["difference"]["paired"][0] > 0, "the paired interval does not exclude 0"
