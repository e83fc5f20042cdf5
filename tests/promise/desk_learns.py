"""The promise in small, with the real model: after 120 requests of experience the agent routes unseen requests better.
Margin, seed and budget were fixed before the first run: 10 points, and the paired 95 % interval above 0."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "acceptance"))
from _hone import hone, last_json, scratch

status = {m["name"]: m for m in last_json(hone("model", "list", "--json"))}
if not all(status[name]["present"] for name in ("smollm2-135m", "all-minilm-l6-v2")):
    print("skipped: the default models are not pulled (hone model pull --default)")
    sys.exit(77)
with scratch() as folder:
    small = ["env.train=120", "env.validation=0", "env.test=60", "evaluation.curve=0", "evaluation.changes=2"]
    settings = [word for s in small for word in ("--set", s)]
    result = last_json(hone("learn", "desk", "--json", *settings, home=folder, timeout=550))
    print(result)
    assert result["learned"]["tasks"] == 60
    assert result["learned"]["score"] >= result["baseline"]["score"] + 0.10, "margin of 10 points missed"
    assert result["difference"]["low"] > 0, "the paired interval does not exclude 0"
