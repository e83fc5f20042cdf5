"""What one run of curiosity learned leaves the store as a file and is where another begins; files that are none are refused before anything is learned."""
import json
import pathlib
import sys

from _hone import BIN, hone, last_json, scratch

if not (pathlib.Path(BIN).parent / "libhone_nn.so").exists():
    print("skipped: this build has no libhone_nn.so (libtorch was not there)")
    sys.exit(77)

SMALL = ["learn", "maze", "--json", "--set", "slots=2", "--set", "evaluation.enabled=false", "--set", "method.rollout=4", "--set", "method.round=1", "--set", "method.minibatches=2"]


def learn(home, *settings, **more):
    return hone(*SMALL, *(word for s in settings for word in ("--set", s)), home=home, **more)


def run_of(done):
    return json.loads(done.stdout.splitlines()[0])["run"]


with scratch() as name:
    home, file = pathlib.Path(name) / "home", pathlib.Path(name) / "networks.bin"
    first = run_of(learn(home, "method.steps=16"))
    told = last_json(hone("store", "weights", first, "--out", file, "--json", home=home))
    assert file.stat().st_size == told["bytes"] > 1_000_000, told
    # A learning rate of 0 leaves what it began with.
    second = run_of(learn(home, "method.steps=8", f"method.start_from={file}", "env.map=other", "method.lr=0", "method.curiosity_lr=0"))
    again = pathlib.Path(name) / "again.bin"
    hone("store", "weights", second, "--out", again, home=home)
    networks = 1_000_000  # bytes: all of these are weights, what Adam remembers of gradients comes after them
    assert file.read_bytes()[:networks] == again.read_bytes()[:networks]
    fresh = run_of(learn(home, "method.steps=8", "env.map=other", "method.lr=0", "method.curiosity_lr=0"))
    hone("store", "weights", fresh, "--out", again, home=home)
    assert file.read_bytes()[:networks] != again.read_bytes()[:networks]

    file.write_bytes(file.read_bytes()[:1000])
    short = learn(home, "method.steps=8", f"method.start_from={file}", check=None)
    assert short.returncode != 0 and "ends too early" in short.stderr, short.stderr
    none = hone("store", "weights", "nothing", "--out", file, home=home, check=None)
    assert none.returncode != 0 and "nothing" in none.stderr, none.stderr
print("one run's networks are where another begins")
