"""Learning on real requests (Banking77), with the real model. Margins, seeds and budgets were fixed before the first run:
20 queues: recalled text at least 15 points above the model alone; 77 queues: 10 points; paired 95 % intervals above 0; the last
point of the learning curve above the first; with the training labels shuffled the upper bound of the gain stays under 5 points.
All of it takes 40 minutes on two cores without AVX-512: only with HONE_LONG=1 in the environment. Else 20 queues, fewer requests, no shuffling."""
import json
import math
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "acceptance"))
from _hone import hone, last_json, scratch, shared_data

train, test = shared_data("banking77/train.csv"), shared_data("banking77/test.csv")
status = {m["name"]: m for m in last_json(hone("model", "list", "--json"))}
if not all(status[name]["present"] for name in ("smollm2-135m", "all-minilm-l6-v2")):
    print("skipped: the default models are not pulled (hone model pull --default)")
    sys.exit(77)


LONG = os.environ.get("HONE_LONG") == "1"


def learn(recipe, folder, *settings):
    words = [word for s in (f"env.requests={train}", f"env.test_requests={test}", *settings) for word in ("--set", s)]
    result = last_json(hone("learn", recipe, "--json", *words, home=folder, timeout=3000))
    report = json.load(open(result["report"].replace("report.html", "report.json")))
    for arm in report["arms"]:
        print(f"{recipe:15} {arm['name']:16} {arm['score']:.3f} [{arm['low']:.3f} to {arm['high']:.3f}]  {arm['seconds']:.0f} s")
    print(f"{recipe:15} curve", [round(p["score"], 3) for p in report["curve"]], f"{result['seconds']:.0f} s in all", flush=True)
    return result, report


def paired_curve(report, last):
    """Validation tasks lost and won between the first and the last point of the curve."""
    scores = {}
    for line in open(pathlib.Path(report).parent / "evaluation.jsonl", encoding="utf-8"):
        episode = json.loads(line)
        name, point, task = (episode["key"].split("/", 2) + ["", ""])[:3]
        if name == "curve":
            scores.setdefault(task, {})[point] = episode["score"]
    pairs = [(s["0"], s[str(last)]) for s in scores.values() if "0" in s and str(last) in s]
    assert len(pairs) >= 40, len(pairs)
    return sum(a > b for a, b in pairs), sum(a < b for a, b in pairs)


def binomial_tail(lost, won):
    """One side of the exact McNemar test."""
    return sum(math.comb(lost + won, k) for k in range(lost + 1)) / 2 ** (lost + won)


failures = []


def expect(condition, words):
    if not condition:
        failures.append(words)


with scratch() as folder:
    claims = [("banking77-20", 0.15), ("banking77-77", 0.10)]
    fewer = () if LONG else ("env.train=120", "env.validation=40", "env.test=60", "evaluation.curve=3", "evaluation.curve_tasks=40")
    if not LONG:
        print("77 queues and shuffled labels: not run (HONE_LONG=1 runs them too)", flush=True)
        claims.pop()
    for recipe, margin in claims:
        result, report = learn(recipe, f"{folder}/{recipe}", *fewer)
        gain = result["learned"]["score"] - result["baseline"]["score"]
        expect(gain >= margin, f"{recipe}: gain {gain:.3f} is under the margin of {margin}")
        expect(result["difference"]["low"] > 0, f"{recipe}: the paired interval does not exclude 0")
        expect(len(report["curve"]) >= (4 if LONG else 3), f"{recipe}: the curve has {len(report['curve'])} points")
        lost, won = paired_curve(result["report"], len(report["curve"]) - 1)
        expect(won > lost and binomial_tail(lost, won) < 0.025, f"{recipe}: last point against the first, the same tasks: {won} won, {lost} lost")
        expect(report["curve"][-1]["score"] > report["curve"][0]["score"], f"{recipe}: the curve does not rise")
    if LONG:
        result, _ = learn("banking77-20", f"{folder}/shuffled", "env.shuffle_labels=true", "env.train=120", "env.test=100", "evaluation.curve=0")
        expect(result["difference"]["high"] < 0.05, f"shuffled labels: the gain may be {result['difference']['high']:.3f}")
assert not failures, failures
