"""Weights learn, from scratch: a decoder of 0.2 M parameters with random weights routes requests to four queues by trying, told only
"solved" or "bounced", or by data of other people; requests that were not trained judge it. The first weights are held to their own score, so luck
of the draw does not count. Margins: 30 points and the paired 95 % interval above 0 for self_imitation and sft, 75 % of unseen pairs for dpo (with
labels swapped at most 25 %), fixed before the first run with the seed. What changed after it is
in docs/methods/weights.md; so are five seeds of grpo, which is not held to anything here because it depends on them.
"""
import json
import pathlib
import sqlite3
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "acceptance"))
from _hone import BIN, hone, last_json, scratch

if not (pathlib.Path(BIN).parent / "libhone_nn.so").exists():
    print("skipped: this build has no libhone_nn.so (libtorch was not there)")
    sys.exit(77)

QUEUES = {"fruit": "ripe apples pears", "metal": "rusty iron bolts", "music": "loud drums guitars", "water": "cold river rain"}
STARTS = ["please send", "where is", "I want", "do you have"]


def requests(path):
    lines = ["text,label"]
    for queue, words in QUEUES.items():
        for i in range(60):
            word = words.split()[(i * 7 + i // 3) % 3]
            lines.append(f"{STARTS[(i * 5 + i // 4) % 4]} {word} number{i} {queue[0]}x{i * 7 % 13},{queue}")
    path.write_text("\n".join(lines) + "\n")


RECIPE = """name: {method}
env: {{name: desk, requests: {requests}, train: 160, validation: 0, test: 60, train_tries: 1, eval_tries: 1}}
agent: {{name: chat, hold: true, system: "Which queue?"}}
model: {{name: tiny, width: 64, layers: 2, heads: 4, context: 256, batch: 64, precision: f32}}
embedder: none
method: {{name: {method}, {more}}}
in_flight: 128
seed: {seed}
evaluation: {{curve: 0}}
"""

with scratch() as name:
    folder = pathlib.Path(name)
    requests(folder / "requests.csv")
    recipe = folder / "self_imitation.yaml"
    recipe.write_text(RECIPE.format(method="self_imitation", seed=1, requests=folder / "requests.csv", more="rounds: 60, tasks: 16, tries: 8, epochs: 2, lr: 0.002"))
    result = last_json(hone("learn", recipe, "--json", home=folder / "home", timeout=550))
    print("self_imitation", json.dumps(result), flush=True)
    assert result["learned"]["tasks"] == 60
    assert result["learned"]["score"] >= result["baseline"]["score"] + 0.30, "self_imitation: margin of 30 points missed"
    assert result["difference"]["low"] > 0, "self_imitation: the paired interval does not exclude 0"
    learned = result["learned"]["score"]
    # Other people's data, the same requests: replies to imitate, then pairs to prefer.
    queues = list(QUEUES)
    rows = [line.rsplit(",", 1) for line in (folder / "requests.csv").read_text().splitlines()[1:]]
    chat = lambda text: [{"role": "system", "content": "Which queue?"}, {"role": "user", "content": text}]
    said = lambda queue: [{"role": "assistant", "content": queue}]
    train, unseen = [r for i, r in enumerate(rows) if i % 3], [r for i, r in enumerate(rows) if i % 3 == 0]

    def write(name, objects):
        (folder / name).write_text("".join(json.dumps(o) + "\n" for o in objects))

    def pairs(some, swap=False):
        for i, (text, queue) in enumerate(some):
            good, other = queue, queues[(queues.index(queue) + 1 + i % 3) % 4]
            yield {"prompt": chat(text), "chosen": said(other if swap else good), "rejected": said(good if swap else other)}

    (folder / "judge.csv").write_text("text,label\n" + "".join(f"{text},{queue}\n" for text, queue in unseen))  # nothing that is trained
    write("sft.jsonl", ({"prompt": chat(text), "completion": said(queue)} for text, queue in train))
    write("pairs.jsonl", pairs(train))
    write("unseen.jsonl", pairs(unseen))
    write("swapped.jsonl", pairs(train, swap=True))
    preferred = {}
    for name, settings in (
        ("sft", f"name: sft, data: {folder}/sft.jsonl, passes: 12, lr: 0.002, sequences_per_step: 16"),
        ("dpo", f"name: dpo, data: {folder}/pairs.jsonl, unseen: {folder}/unseen.jsonl, passes: 8, lr: 0.002, sequences_per_step: 32"),
        ("swapped", f"name: dpo, data: {folder}/swapped.jsonl, unseen: {folder}/unseen.jsonl, passes: 8, lr: 0.002, sequences_per_step: 32"),
    ):
        recipe = folder / f"{name}.yaml"
        recipe.write_text(RECIPE.format(method="NAME", seed=1, requests=folder / "judge.csv", more="").replace("train: 160", "train: 16").replace("{name: NAME, }", "{" + settings + "}").replace("name: NAME", f"name: {name}"))
        result = last_json(hone("learn", recipe, "--json", home=folder / name, timeout=550))
        metrics = sqlite3.connect(folder / name / "hone.db").execute("SELECT value FROM metric WHERE name = 'unseen/accuracy' ORDER BY round").fetchall()
        preferred[name] = metrics[-1][0] if metrics else None
        print(name, result["baseline"]["score"], result["learned"]["score"], result["seconds"], "preferred on unseen pairs:", preferred[name])
        if name == "sft":
            assert result["learned"]["score"] >= result["baseline"]["score"] + 0.30 and result["difference"]["low"] > 0, "sft: margin of 30 points missed"
    assert preferred["dpo"] >= 0.75, "dpo: fewer than 75 % of unseen pairs are preferred as they should be"
    assert preferred["swapped"] <= 0.25, "dpo: with swapped labels it still prefers what it should not have learned"
    # What the last one left behind plays by itself: the same agent and tasks over llama.cpp, nothing recalled.
    model = next((folder / "home" / "runs").glob("*/model/model.gguf"))
    assert (model.parent / "safetensors" / "model.safetensors").exists(), "no safetensors"
    recipe = folder / "saved.yaml"
    recipe.write_text(
        f"""name: saved
env: {{name: desk, requests: {folder}/requests.csv, train: 160, validation: 0, test: 60, train_tries: 1, eval_tries: 1}}
agent: {{name: chat, hold: true, system: "Which queue?"}}
model: {{name: {model}, context: 256}}
embedder: none
method: {{name: expel, retries: 0, reflect: false, insights: false, cases: false}}
seed: 1
evaluation: {{curve: 0, changes: 0}}
"""
    )
    saved = last_json(hone("learn", recipe, "--json", home=folder / "home2", timeout=550))["baseline"]["score"]
    print("saved model in the local back end:", saved, "in training:", learned)
    assert abs(saved - learned) <= 0.1, "the saved model plays otherwise than the one in training"
