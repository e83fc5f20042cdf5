"""Learning through llama.cpp's own server, with the real model: a few tasks of the desk, the doctor's table, the run again from the cache.
What it writes is held to the local back end in llama_server_test.cpp."""
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "acceptance"))
from _hone import SOURCE, hone, last_json, scratch
from _server import free_port

note = SOURCE / "build" / "llama-server.txt"
if not note.exists() or not pathlib.Path(note.read_text().strip()).exists():
    print("skipped: llama-server is not here (scripts/setup --for check builds it)")
    sys.exit(77)
status = {m["name"]: m for m in last_json(hone("model", "list", "--json"))}
if not all(status[name]["present"] for name in ("smollm2-135m", "all-minilm-l6-v2")):
    print("skipped: the default models are not pulled (hone model pull --default)")
    sys.exit(77)

port = free_port()
server = subprocess.Popen([note.read_text().strip(), "-m", status["smollm2-135m"]["path"], "--host", "127.0.0.1", "--port", str(port), "--offline", "--no-ui", "-c", "4096", "-np", "2"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(600):
        assert server.poll() is None, "llama-server ended"
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).read()
            break
        except OSError:
            time.sleep(0.2)
    url = f"http://127.0.0.1:{port}/v1"
    print(hone("doctor", "--model", url).stdout)
    with scratch() as folder:
        # The models are in the standard cache; the replies go to one of their own.
        models = pathlib.Path(status["smollm2-135m"]["path"]).parent
        environment = {**os.environ, "HONE_MODELS": str(models), "HONE_CACHE": f"{folder}/cache"}
        small = ["--set", f"model={url}", "--set", "env.train=6", "--set", "env.validation=4", "--set", "env.test=6", "--set", "env.train_tries=2", "--set", "evaluation.curve=1", "--set", "evaluation.changes=1"]
        started = time.time()
        result = last_json(hone("learn", "desk", "--json", *small, home=f"{folder}/home", timeout=3000, env=environment))
        first = time.time() - started
        assert result["learned"]["tasks"] == 6 and result["tokens"] > 1000, result
        episodes = last_json(hone("store", "list", "--json", "--limit", 1000, home=f"{folder}/home"))
        assert len(episodes) >= 6
        export = hone("store", "export", "--canonical", home=f"{folder}/home").stdout
        assert '"ending":"terminal"' in export and '"ending":"fault"' not in export, export[:2000]
        started = time.time()
        again = last_json(hone("learn", "desk", "--json", *small, home=f"{folder}/again", timeout=3000, env=environment))
        assert again["learned"] == result["learned"] and again["tokens"] == result["tokens"], (again, result)
        assert hone("store", "export", "--canonical", home=f"{folder}/again").stdout == export, "the same requests gave other episodes"
        print(f"{len(episodes)} episodes, {result['tokens']} tokens, {first:.1f} s; again from the cache {time.time() - started:.1f} s")
finally:
    server.kill()
    server.wait()
