"""What the acceptance scripts share: the real binary, a scratch home, a small desk that needs no model."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

BIN = pathlib.Path(os.environ["HONE_BIN"])
SOURCE = pathlib.Path(os.environ["HONE_SOURCE_DIR"])


def hone(*arguments, home=None, check=0, timeout=300, **more):
    """Runs the binary; `check` is the exit status that is expected (None = any)."""
    command = [str(BIN)] + (["--home", str(home)] if home else []) + [str(a) for a in arguments]
    done = subprocess.run(command, text=True, capture_output=True, timeout=timeout, stdin=subprocess.DEVNULL, **more)
    if check is not None and done.returncode != check:
        sys.exit(f"{' '.join(command)}\nexpected status {check}, got {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done


def last_json(done):
    return json.loads(done.stdout.strip().splitlines()[-1])


def scratch():
    return tempfile.TemporaryDirectory(prefix="hone_acceptance_")


QUEUES = {"fruit": "ripe apples pears", "metal": "rusty iron bolts", "music": "loud drums guitars", "water": "cold river rain"}


def small_desk(folder, train=24, extra=""):
    """A recipe for the scripted model and embedder: seconds, no model file."""
    folder = pathlib.Path(folder)
    rows = ["text,label"]
    for label, words in QUEUES.items():
        rows += [f"please send {words} number{i} {label[0]}{i},{label}" for i in range(train // 4 + 8)]
    (folder / "requests.csv").write_text("\n".join(rows) + "\n")
    recipe = folder / "small.yaml"
    recipe.write_text(
        f"""name: small
env: {{name: desk, requests: {folder}/requests.csv, train: {train}, validation: 8, test: 12, train_tries: 3, eval_tries: 1}}
agent: {{name: react, cases: 2, insights: false}}
model: scripted:echo
embedder: "scripted:256"
method: {{name: expel, retries: 1, insights: false, round_tasks: 4}}
arms:
  - {{name: before, role: baseline, lessons: false}}
  - {{name: after, role: learned, agent: vote}}
evaluation: {{curve: 2, changes: 2}}
{extra}"""
    )
    return recipe


def shared_data(name):
    """A file of the shared data folder, or leave with the reason (status 77 = skipped)."""
    path = SOURCE.parent / "shared" / "data" / name
    if not path.exists():
        print(f"skipped: {name} of the shared data is not here")
        sys.exit(77)
    return path
