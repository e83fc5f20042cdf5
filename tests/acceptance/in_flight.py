"""Deterministic mode on the local model: one episode in flight or eight, the same canonical export and the same evaluation, byte for byte."""
import json
import pathlib
import sys

from _hone import hone, last_json, scratch

status = {m["name"]: m for m in last_json(hone("model", "list", "--json"))}
if not all(status[name]["present"] for name in ("smollm2-135m", "all-minilm-l6-v2")):
    print("skipped: the default models are not pulled (hone model pull --default)")
    sys.exit(77)


def played(home):
    """Moves, preferences and outcomes of the evaluation, by key."""
    out = []
    for path in pathlib.Path(home).glob("runs/*/evaluation.jsonl"):
        for line in open(path, encoding="utf-8"):
            e = json.loads(line)
            out.append((e["key"], e["score"], [(s["did"]["action"], s["did"].get("preference")) for s in e["steps"]]))
    return sorted(out)


with scratch() as folder:
    exports, evaluations = [], []
    small = [word for s in ("env.validation=0", "env.test=8", "evaluation.curve=0", "evaluation.changes=0") for word in ("--set", s)]
    for n in (1, 8):
        home = f"{folder}/{n}"
        hone("learn", "desk", "--json", "--set", f"in_flight={n}", "--set", "env.train=16", *small, home=home, timeout=600)
        evaluations.append(played(home))
        exports.append(hone("store", "export", "--canonical", home=home).stdout)
    assert len(exports[0]) > 10000, exports[0][:500]
    assert exports[0] == exports[1], "the number in flight changed the run"
    assert len(evaluations[0]) == 4 * 8 and all(p for _, _, moves in evaluations[0] for _, p in moves), evaluations[0][:2]
    assert evaluations[0] == evaluations[1], "the number in flight changed the evaluation"
print(f"1 and 8 in flight: the same {len(exports[0])} bytes")
