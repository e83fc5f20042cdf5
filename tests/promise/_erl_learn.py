"""ERL against plain GRPO (RLVR) from the same weights: a desk of 64 queues whose names say nothing, dealt anew for every seed, and a world
that tells who learns where a failed request belonged. recipes/promise/erl.yaml holds setting, seeds, budget and margins.

  python3 tests/promise/_erl_learn.py --seeds 1,2,3,4,5 --out DIR  the whole of it; DIR keeps what was made, and is gone on with
  python3 tests/promise/_erl_learn.py ... --arms erl,grpo          some of the arms
  python3 tests/promise/_erl_learn.py --show DIR                   the table of what is there

HONE_BIN and HONE_SOURCE_DIR as for the other tests. No test of CI: the warm-up alone takes minutes (docs/methods/erl.md). Ends with status 1 when
the margin is missed.
"""
import argparse
import json
import os
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "acceptance"))
from _hone import BIN, SOURCE

RECIPE = SOURCE / "recipes/promise/erl.yaml"
LETTERS = "bdfgklmn"
SYSTEM, TELL = "Which queue?", "Do better:"


def plan():
    """The lines `#: name: value` of the recipe: what the run is made of beside the recipe itself."""
    return {name: json.loads(value) for name, value in re.findall(r"^#: (\w+): (.*)$", RECIPE.read_text(), re.M)}


def kinds(n):
    """What requests are about: n made-up words, the same for every seed."""
    rng = random.Random("kinds")
    words = set()
    while len(words) < n:
        words.add("".join(rng.choice("ptkbdgmnlrsz" if i % 2 == 0 else "aeiou") for i in range(4)))
    return sorted(words)


def queues(n):
    side = next(s for s in range(2, 9) if s * s >= n)
    return [a + b for a in LETTERS[:side] for b in LETTERS[:side]][:n]


def people(first, n):
    rng = random.Random("people")
    names = ["".join(rng.choice("jvwhcfxy" if i % 2 == 0 else "aeiou") for i in range(3)) for _ in range(5000)]
    return list(dict.fromkeys(names))[first:first + n]


def write_requests(folder, seed, n, common, train, test):
    """Training and test requests of `common` kinds by other people; the rest of the n kinds comes once, in training, and not in the test.
    Which kinds are common, and which queue a kind belongs to, is this seed's own."""
    rng = random.Random(f"desk {seed}")
    to, words = queues(n), kinds(n)
    rng.shuffle(to)
    rng.shuffle(words)
    for name, names in (("train", people(0, train)), ("test", people(192, test))):
        rows = [f"{word} {who},{queue}" for word, queue in list(zip(words, to))[:common] for who in names]
        if name == "train":
            rows += [f"{word} {names[0]},{queue}" for word, queue in list(zip(words, to))[common:]]
        (folder / f"{name}.csv").write_text("text,label\n" + "\n".join(rows) + "\n")


def state(base, goal, said, named, rng):
    """As src/learners/erl/prompts/state_brief.md and record_brief.md have it."""
    share = rng.choice(["0.00", "0.02", "0.05", "0.10", "0.25", "0.50", "0.75"])
    return f"{base}\n{rng.choice([32, 64, 96])} tries, {share}, {share}\n{goal}\n> {said}\n0.00 no\nIt was for {named}."


def write_warm_up(path, n, rows, seed):
    """Chats in the formats of the method, with queues drawn anew for every line: nothing in them says where a kind belongs."""
    rng = random.Random(f"warm-up {seed}")
    names, words, codes = people(0, 60), kinds(n), queues(n)
    with open(path, "w") as out:
        for i in range(rows):
            word, code, wrong = rng.choice(words), rng.choice(codes), rng.choice(codes)
            goal = f"{word} {rng.choice(names)}"
            base = SYSTEM if rng.random() < 0.5 else f"{rng.choice(words)}: {rng.choice(codes)}"
            form = i % 10
            if form < 1:
                system, user, said = SYSTEM, goal, code
            elif form < 4:
                system, user, said = f"{word}: {code}", goal, code
            elif form < 8:
                system, user, said = "Write a rule.", state(base, goal, wrong, code, rng) + "\n<prompt>?", f"<prompt>{word}: {code}</prompt>"
            else:
                system, user, said = f"{SYSTEM}\n{TELL}\n" + state(SYSTEM, goal, wrong, code, rng), goal, code
            out.write(json.dumps({"messages": [{"role": "system", "content": system}, {"role": "user", "content": user}, {"role": "assistant", "content": said}]}) + "\n")


def run(recipe, home, settings, log):
    """One `hone learn` at one thread; what it said, its seconds and peak memory."""
    command = [str(BIN), "--home", str(home), "learn", str(recipe), "--json"] + [word for s in settings for word in ("--set", s)]
    began = time.time()
    with open(log, "w") as errors:
        done = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, stdin=subprocess.DEVNULL, text=True)
        said = done.stdout.read()
        _, status, used = os.wait4(done.pid, 0)
        done.returncode = status
    if status != 0:
        sys.exit(f"{' '.join(command)}\nended with status {status}\n{pathlib.Path(log).read_text()[-2000:]}\n{said[-500:]}")
    out = json.loads(said.strip().splitlines()[-1])
    return out, time.time() - began, used.ru_maxrss / 1024


def metrics(home):
    rows = sqlite3.connect(home / "hone.db").execute("SELECT round, name, value FROM metric ORDER BY round").fetchall()
    out = {}
    for round_, name, value in rows:
        out.setdefault(name, []).append(value)
    return out


def tokens(home):
    base = sqlite3.connect(home / "hone.db")
    out = 0
    for table in ("episode", "generation"):
        for (body,) in base.execute(f"SELECT body FROM {table}"):
            out += json.loads(body).get("usage", {}).get("generated_tokens", 0)
    return out


def scores(home):
    """Score of every test task by the learned weights; in front of the task's id its kind."""
    journal = next((home / "runs").glob("*/evaluation.jsonl"))
    report = [json.loads(line) for line in journal.read_text().splitlines()]
    return {e["task"]["goal"].split()[0] + " " + e["task"]["id"]: e.get("score", 0.0) for e in report if e["key"].startswith("test/with experience/")}


def arm(name, seed, folder, p, model):
    home, made = folder / f"{seed}-{name}", folder / f"{seed}-{name}.json"
    if made.exists():
        return json.loads(made.read_text())
    settings = [f"seed={seed}", f"model.name={model}", f"env.requests={folder}/desk-{seed}/train.csv", f"env.test_requests={folder}/desk-{seed}/test.csv"]
    settings += [f"env.train={p['common'] * (p['train_each'] - 1) + p['queues']}", f"env.test={p['common'] * p['test_each']}"]
    settings += p["both"] + ([] if "method.name=grpo" in p["arms"][name] else p["erl"]) + p["arms"][name]
    out, seconds, memory = run(RECIPE, home, settings, folder / f"{seed}-{name}.log")
    m = metrics(home)
    rollouts = sum(m.get("samples/first", [])) + sum(m.get("samples/reflect", [])) + sum(m.get("samples/second", []))
    if not rollouts:  # grpo counts its own
        base = sqlite3.connect(home / "hone.db")
        rollouts = base.execute("SELECT count(*) FROM episode").fetchone()[0]
    result = {"seed": seed, "arm": name, "before": out["baseline"]["score"], "after": out["learned"]["score"], "tasks": out["learned"]["tasks"], "rollouts": rollouts,
              "tokens": tokens(home), "seconds": round(seconds, 1), "memory_mb": round(memory), "scores": scores(home),
              "second": [round(v, 3) for v in m.get("second/score", [])[:: max(1, len(m.get("second/score", [])) // 10)]]}
    made.write_text(json.dumps(result))
    return result


def interquartile_mean(values):
    """Mean of the middle half, ends weighed by what of them lies in it."""
    values, n = sorted(values), len(values)
    low, high, total = n * 0.25, n * 0.75, 0.0
    for i, v in enumerate(values):
        total += v * max(0.0, min(i + 1, high) - max(i, low))
    return total / (high - low)


def paired(results, one, other, draws=2000):
    """Mean difference of `one` to `other` over seeds and tasks with a 95 % interval: seeds are drawn, and within each its kinds of task, since
    requests of one kind stand and fall together."""
    by = {(r["arm"], r["seed"]): r["scores"] for r in results}
    seeds = [r["seed"] for r in results if r["arm"] == one and (other, r["seed"]) in by]
    rows = []
    for s in seeds:
        a, b = by[one, s], by[other, s]
        assert a.keys() == b.keys() and a, "the arms were not judged by the same tasks"
        by_kind = {}
        for task in sorted(a):
            by_kind.setdefault(task.split()[0], []).append(a[task] - b[task])
        rows.append([sum(d) / len(d) for d in by_kind.values()])  # as many requests of each kind
    rng, means = random.Random(0), []
    for _ in range(draws):
        picked = [rng.choice(rows) for _ in rows]
        means.append(sum(sum(rng.choices(row, k=len(row))) / len(row) for row in picked) / len(picked))
    means.sort()
    return sum(sum(r) / len(r) for r in rows) / len(rows), means[int(draws * 0.025)], means[int(draws * 0.975)]


def spread(values, draws=2000):
    """95 % interval of the interquartile mean over seeds."""
    rng = random.Random(0)
    found = sorted(interquartile_mean(rng.choices(values, k=len(values))) for _ in range(draws))
    return found[int(draws * 0.025)], found[int(draws * 0.975)]


def table(results):
    names = list(dict.fromkeys(r["arm"] for r in results))
    print(f"{'arm':<14}{'before':>8}{'after, by seed':>36}{'IQM':>7}{'95 %':>16}{'rollouts':>10}{'tokens':>9}{'seconds':>9}{'MB':>6}")
    for name in names:
        rows = [r for r in results if r["arm"] == name]
        after = [r["after"] for r in rows]
        mean = lambda key: sum(r[key] for r in rows) / len(rows)
        low, high = spread(after)
        print(f"{name:<14}{mean('before'):>8.3f}{' '.join(f'{a:.3f}' for a in after):>36}{interquartile_mean(after):>7.3f}{f'{low:.3f}..{high:.3f}':>16}"
              f"{mean('rollouts'):>10.0f}{mean('tokens'):>9.0f}{mean('seconds'):>9.1f}{max(r['memory_mb'] for r in rows):>6.0f}")
    for other in names:
        if other != "erl" and "erl" in names:
            mean, low, high = paired(results, "erl", other)
            print(f"erl - {other}: {mean:+.3f}, 95 % {low:+.3f} to {high:+.3f}, paired, seeds and kinds drawn")
    sys.stdout.flush()


def warm_up(folder, p):
    """The weights that every arm and seed begins with."""
    made = folder / "warm-up.json"
    if not made.exists():
        write_warm_up(folder / "warm-up.jsonl", p["queues"], p["warm_up_rows"], p["warm_up_seed"])
        write_requests(folder, 0, p["queues"], p["queues"], 1, 1)
        recipe = folder / "warm-up.yaml"
        recipe.write_text(f"""name: warm-up
env: {{name: desk, requests: {folder}/train.csv, train: {p['queues']}, validation: 0, test: 0, train_tries: 1, eval_tries: 1}}
agent: {{name: chat, hold: true, system: "{SYSTEM}"}}
model: {{name: tiny, {p['model']}}}
embedder: none
method: {{name: sft, data: {folder}/warm-up.jsonl, {p['warm_up']}}}
seed: {p['warm_up_seed']}
evaluation: {{enabled: false}}
""")
        _, seconds, memory = run(recipe, folder / "warm-up", [], folder / "warm-up.log")
        made.write_text(json.dumps({"seconds": round(seconds, 1), "memory_mb": round(memory), "loss": metrics(folder / "warm-up")["loss"]}))
    print("warm-up", made.read_text(), flush=True)
    return next((folder / "warm-up/runs").glob("*/model/model.gguf"))


def go(folder, seeds, arms):
    p = plan()
    model = warm_up(folder, p)
    results = []
    for seed in seeds:
        (folder / f"desk-{seed}").mkdir(exist_ok=True)
        write_requests(folder / f"desk-{seed}", seed, p["queues"], p["common"], p["train_each"], p["test_each"])
        for name in arms or p["arms"]:
            r = arm(name, seed, folder, p, model)
            results.append(r)
            print(json.dumps({k: v for k, v in r.items() if k != "scores"}), flush=True)
    table(results)
    return results


if __name__ == "__main__":
    if not (pathlib.Path(BIN).parent / "libhone_nn.so").exists():
        print("skipped: this build has no libhone_nn.so (libtorch was not there)")
        sys.exit(77)
    ask = argparse.ArgumentParser()
    for option in ("--seeds", "--out", "--arms", "--show"):
        ask.add_argument(option)
    given = ask.parse_args()
    if given.show:
        results = [json.loads(f.read_text()) for f in sorted(pathlib.Path(given.show).glob("[0-9]*-*.json"))]
        table(results)
    elif given.seeds and given.out:
        out = pathlib.Path(given.out)
        out.mkdir(parents=True, exist_ok=True)
        results = go(out, [int(s) for s in given.seeds.split(",")], given.arms.split(",") if given.arms else None)
    else:
        ask.error("expected --seeds and --out, or --show")
    if {"erl", "grpo"} <= {r["arm"] for r in results}:
        mean, low, high = paired(results, "erl", "grpo")
        margin = plan()["margin"]
        if mean < margin or low <= 0:
            sys.exit(f"erl - grpo is {mean:+.3f} ({low:+.3f} to {high:+.3f}), expected {margin} and above 0")
