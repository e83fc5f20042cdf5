"""A run that trains weights, killed with SIGKILL in two of its rounds and started again, ends with the same export and the same model
file, byte for byte, as one that nobody touched; and what was left of checkpoints is the last two."""
import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import time

from _hone import BIN, QUEUES, hone, scratch

if not (pathlib.Path(BIN).parent / "libhone_nn.so").exists():
    print("skipped: this build has no libhone_nn.so (libtorch was not there)")
    sys.exit(77)


def digest(home):
    model = next((home / "runs").glob("*/model/model.gguf"))
    return hone("store", "export", "--canonical", home=home).stdout, hashlib.sha256(model.read_bytes()).hexdigest()


with scratch() as name:
    folder = pathlib.Path(name)
    rows = ["text,label"] + [f"please send {words} number{i} {queue[0]}{i},{queue}" for queue, words in QUEUES.items() for i in range(20)]
    (folder / "requests.csv").write_text("\n".join(rows) + "\n")
    recipe = folder / "weights.yaml"
    for method, more in (
        ("erl", "rounds: 9, tasks: 8, group: 2, prompts: brief, reflect_tokens: 12, lr: 0.002, epochs: 2, sequences_per_step: 32"),
        ("grpo", "rounds: 12, tasks: 8, group: 4, lr: 0.002, epochs: 2, sequences_per_step: 16"),
    ):
        recipe.write_text(
            f"""name: weights
env: {{name: desk, requests: {folder}/requests.csv, train: 60, validation: 0, test: 16, train_tries: 1, eval_tries: 1}}
agent: {{name: chat, hold: true}}
model: {{name: tiny, width: 32, layers: 2, heads: 2, context: 512, batch: 16}}
embedder: none
method: {{name: {method}, {more}}}
in_flight: 16
evaluation: {{curve: 0}}
"""
        )
        hone("learn", recipe, "--json", home=folder / f"{method}_whole")
        broken = folder / f"{method}_broken"
        for last, wait in ((3, 0.0), (7, 0.15)):  # at a round's end, and amid the next one's tries and reflections
            process = subprocess.Popen([str(BIN), "--home", str(broken), "learn", str(recipe), "--json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            until = time.time() + 120
            while time.time() < until and not list((broken / "runs").glob(f"*/weights/round-{last}.policy")):
                assert process.poll() is None, f"{method} ended before it could be killed"
                time.sleep(0.005)
            time.sleep(wait)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        hone("learn", recipe, "--json", home=broken)
        assert digest(folder / f"{method}_whole") == digest(broken), f"{method}: the killed run ended otherwise"
        assert len(list((broken / "runs").glob("*/weights/*.policy"))) == 2, "old checkpoints were left"
        assert "sound" in hone("store", "verify", home=broken).stdout
    # A checkpoint that was changed is named, not trained on.
    again = folder / "again"
    process = subprocess.Popen([str(BIN), "--home", str(again), "learn", str(recipe), "--json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not list((again / "runs").glob("*/weights/round-4.policy")):
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    for checkpoint in (again / "runs").glob("*/weights/*.policy"):
        with open(checkpoint, "r+b") as file:
            file.seek(1000)
            file.write(b"\xff\xff\xff\xff")
    refused = hone("learn", recipe, home=again, check=None)
    assert refused.returncode != 0 and "expected SHA-256" in refused.stderr, refused.stderr
    print("killed twice, same bytes; a changed checkpoint is refused")
