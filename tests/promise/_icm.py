"""A run of `hone learn` with a kind of curiosity, for the scripts that hold or measure what curiosity is worth."""
import json
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(os.environ.get("HONE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BIN = pathlib.Path(os.environ.get("HONE_BIN", SOURCE / "build" / "ci" / "hone"))


def can_train():
    if (BIN.parent / "libhone_nn.so").exists():
        return True
    print("skipped: this build has no libhone_nn.so (libtorch was not there)")
    return False


def learned(recipe, folder, kind, seed, settings):
    """Arms by name, series of the rounds by name as lists of values, and seconds."""
    home = folder / f"{kind}-{seed}"
    words = [w for s in [f"seed={seed}", f"method.curiosity={kind}", *settings] for w in ("--set", s)]
    done = subprocess.run([str(BIN), "--home", str(home), "learn", str(recipe), "--json", *words], text=True, capture_output=True, env={**os.environ, "OMP_WAIT_POLICY": "passive"})
    if done.returncode != 0:
        sys.exit(f"{kind}, seed {seed}: status {done.returncode}\n{done.stderr[-2000:]}")
    report = json.loads(next((home / "runs").glob("*/report.json")).read_text())
    rounds = {series["name"]: [value for _, value in series["values"]] for series in report["rounds"]}
    return {arm["name"]: arm for arm in report["arms"]}, rounds, json.loads(done.stdout.splitlines()[-1])["seconds"]
