"""exgrpo keeps a buffer of tries beside the weights: killed with SIGKILL before and after replay began and started again, it ends with
the same export, the same model file and the same rounds' numbers (what was replayed, how old it was) as a run that nobody touched."""
import hashlib
import os
import pathlib
import signal
import sqlite3
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


def numbers(home):
    return sqlite3.connect(home / "hone.db").execute("SELECT round, name, value FROM metric ORDER BY round, name").fetchall()


with scratch() as name:
    folder = pathlib.Path(name)
    rows = ["text,label"] + [f"please send {words} number{i} {queue[0]}{i},{queue}" for queue, words in QUEUES.items() for i in range(20)]
    (folder / "requests.csv").write_text("\n".join(rows) + "\n")
    recipe = folder / "replay.yaml"
    recipe.write_text(
        f"""name: replay
env: {{name: desk, requests: {folder}/requests.csv, train: 60, validation: 0, test: 16, train_tries: 1, eval_tries: 1}}
agent: {{name: chat, hold: true}}
model: {{name: tiny, width: 32, layers: 2, heads: 2, context: 512, batch: 16}}
embedder: none
method: {{name: exgrpo, rounds: 12, tasks: 8, group: 4, lr: 0.002, epochs: 2, sequences_per_step: 16, start_above: 0.1}}
in_flight: 16
evaluation: {{curve: 0}}
"""
    )
    hone("learn", recipe, "--json", home=folder / "whole")
    whole = numbers(folder / "whole")
    replayed = {round: value for round, metric, value in whole if metric == "replayed"}
    assert replayed[1] == 0 and sum(replayed[r] for r in range(2, 8)) > 0 and sum(replayed[r] for r in range(8, 13)) > 0, f"nothing would be proved: {replayed}"
    broken = folder / "broken"
    for last in (1, 4, 7):
        process = subprocess.Popen([str(BIN), "--home", str(broken), "learn", str(recipe), "--json"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.time() + 120
        while time.time() < until and not list((broken / "runs").glob(f"*/weights/round-{last}.policy")):
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    hone("learn", recipe, "--json", home=broken)
    assert digest(folder / "whole") == digest(broken), "the killed run ended otherwise"
    assert whole == numbers(broken), "other rounds than in the run that nobody touched"
    assert "sound" in hone("store", "verify", home=broken).stdout
    print(f"killed three times, same bytes; {int(sum(replayed.values()))} stored tries were replayed")
