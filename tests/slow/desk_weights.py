"""The recipe desk-weights in small, with the real model: SmolLM2-135M trained by two rounds of its own tries routes unseen requests better than before,
also where nothing but the exported file plays: in the back end that had no part in training, and, where transformers is installed, with the same logits.
Margins fixed before the first run, after looks at seed 1 only: 10 points in either back end on seed 2, the paired 95 % interval above 0."""
import importlib.util
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "acceptance"))
from _hone import BIN, hone, last_json, scratch

if not (pathlib.Path(BIN).parent / "libhone_nn.so").exists():
    print("skipped: this build has no libhone_nn.so (libtorch was not there)")
    sys.exit(77)
status = {m["name"]: m for m in last_json(hone("model", "list", "--json"))}
if not all(status[name]["present"] for name in ("smollm2-135m", "all-minilm-l6-v2")):
    print("skipped: the default models are not pulled (hone model pull --default)")
    sys.exit(77)

LOCAL = """name: local
env: {name: desk, train: 320, validation: 0, test: 100, train_tries: 1, eval_tries: 1, fit: true}
agent: {name: chat, hold: true, insights: false, system: "A customer writes to a shop. Name the queue that this belongs to."}
model: {name: smollm2-135m, exact: false}
embedder: none
method: {name: expel, retries: 0, insights: false}
seed: 2
arms:
  - {name: no examples, role: baseline, lessons: false}
  - {name: again, role: learned, lessons: false}
evaluation: {curve: 0}
"""


def same_logits(folder, gguf):
    if importlib.util.find_spec("transformers") is None or importlib.util.find_spec("torch") is None:
        print("not compared with transformers: it is not installed here")
        return
    import torch
    import transformers

    ids = torch.tensor([[1, 4093, 198, 2683, 359, 253, 5356, 5646, 11173, 3365, 3511, 308]])
    read = lambda *where, **how: transformers.AutoModelForCausalLM.from_pretrained(*where, dtype=torch.float32, **how).eval()
    with torch.no_grad():
        one, other = read(folder)(ids).logits, read(gguf.parent, gguf_file=gguf.name)(ids).logits
    print("largest difference of logits", float((one - other).abs().max()))
    assert float((one - other).abs().max()) < 1e-3


with scratch() as name:
    home = pathlib.Path(name) / "home"
    result = last_json(hone("learn", "desk-weights", "--json", "--set", "seed=2", "--set", "method.rounds=2", home=home, timeout=1800))
    print(result)
    assert result["learned"]["tasks"] == 100
    assert result["learned"]["score"] >= result["baseline"]["score"] + 0.10, "margin of 10 points missed"
    assert result["difference"]["low"] > 0, "the paired interval does not exclude 0"
    run = last_json(hone("runs", "list", "--json", home=home))[0]["id"]
    folder = home / "runs" / run / "model"
    recipe = pathlib.Path(name) / "local.yaml"
    recipe.write_text(LOCAL)
    scores = []
    for model in ("smollm2-135m", folder / "model.gguf"):
        rows = last_json(hone("eval", recipe, "--run", run, "--json", "--tasks", "60", "--set", f"model.name={model}", home=home, timeout=1800))["rows"]
        scores.append(rows[0]["score"])
    print("in the local back end, before and after:", scores)
    assert scores[1] >= scores[0] + 0.10, "the exported model misses the margin of 10 points"
    same_logits(folder / "safetensors", folder / "model.gguf")
