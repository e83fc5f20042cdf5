"""Deterministic mode on the local model: one episode in flight or eight, the same canonical export, byte for byte."""
import sys

from _hone import hone, last_json, scratch

status = {m["name"]: m for m in last_json(hone("model", "list", "--json"))}
if not all(status[name]["present"] for name in ("smollm2-135m", "all-minilm-l6-v2")):
    print("skipped: the default models are not pulled (hone model pull --default)")
    sys.exit(77)
with scratch() as folder:
    exports = []
    for n in (1, 8):
        home = f"{folder}/{n}"
        hone("learn", "desk", "--json", "--set", f"in_flight={n}", "--set", "env.train=16", "--set", "evaluation.enabled=false", home=home, timeout=600)
        exports.append(hone("store", "export", "--canonical", home=home).stdout)
    assert len(exports[0]) > 10000, exports[0][:500]
    assert exports[0] == exports[1], "the number in flight changed the run"
print(f"1 and 8 in flight: the same {len(exports[0])} bytes")
