"""kill -9 at random moments of a learning run: nothing acknowledged is lost, and the resumed run ends in the same bytes.
HONE_KILLS says how often (12; 200 for a long look: `HONE_KILLS=200 ctest --test-dir build/ci -R kill_any_time`)."""
import json
import os
import random
import signal
import subprocess
import time

from _hone import BIN, hone, last_json, scratch, small_desk

kills = int(os.environ.get("HONE_KILLS", "12"))
random.seed(7)
with scratch() as folder:
    recipe = small_desk(folder, train=48)
    whole, broken = f"{folder}/whole", f"{folder}/broken"
    started = time.time()
    hone("learn", recipe, "--json", home=whole)
    length = time.time() - started
    done, finished, acknowledged = 0, False, 0
    while done < kills:
        process = subprocess.Popen([BIN, "--home", broken, "learn", recipe, "--json"] + (["--fresh"] if finished else []), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        time.sleep(random.uniform(0.0, 1.1 * length))
        finished = process.poll() is not None
        process.send_signal(signal.SIGKILL)
        told = [json.loads(line) for line in process.communicate()[0].splitlines() if line.endswith("}")]
        done += 1
        if not finished:
            problems = last_json(hone("store", "verify", "--json", home=broken, check=None)) if os.path.exists(f"{broken}/hone.db") else {"problems": []}
            assert problems.get("problems") == [], problems
        # What was reported is there: the number of episodes said last, of the run that said it.
        run = next((e["run"] for e in told if e.get("event") == "run"), None)
        said = max((e["n"] for e in told if e.get("event") == "episode"), default=0)
        if run and said:
            kept = last_json(hone("store", "list", "--json", "--limit", 100000, "--run", run, home=broken))
            assert len(kept) >= said, f"{said} episodes were reported, {len(kept)} are in the store"
            acknowledged += said
    runs = last_json(hone("runs", "list", "--json", home=broken))
    hone("learn", recipe, "--json", home=broken)
    expected = hone("store", "export", "--canonical", home=whole).stdout
    runs = last_json(hone("runs", "list", "--json", home=broken))
    finished_runs = [r for r in runs if r["status"] == "finished"]
    assert finished_runs, runs
    for run in finished_runs:
        got = hone("store", "export", "--canonical", "--run", run["id"], home=broken).stdout
        assert got == expected, "the resumed run's canonical export differs"
    assert acknowledged > 0, "no kill came after an episode: the test saw nothing"
    print(f"{kills} kills, {acknowledged} reported episodes found again, {len(runs)} runs, {len(finished_runs)} finished, all with the same {len(expected)} bytes")
