"""Learning through an OpenAI-like server: the server goes down half-way, the run stops with one clear error and goes on when the server is
back, without paying twice; the key is in no file and no output; `hone doctor --model` says what the server can do."""
import collections
import json
import os
import pathlib

from _hone import hone, last_json, scratch, small_desk
from _server import KEY, answered, free_port, start

with scratch() as folder:
    cache = f"{folder}/cache"
    environment = {**os.environ, "HONE_CACHE": cache, "OPENAI_API_KEY": KEY}
    recipe = small_desk(folder)
    said = []

    def run(*arguments, status, home, env=environment):
        done = hone(*arguments, home=home, check=status, env=env)
        said.append(done.stdout + done.stderr)
        return done

    def learn(home, port, *more, status=0, env=environment):
        words = ["--set", f"model=http://127.0.0.1:{port}/v1#m", "--set", f"embedder=http://127.0.0.1:{port}/v1#m", "--set", "model.retries=1", "--set", "model.backoff_s=0.05",
                 "--set", "embedder.retries=1", "--set", "embedder.backoff_s=0.05", "--set", "in_flight=1", *more]
        return run("learn", recipe, "--json", *words, status=status, home=home, env=env)

    # The whole run at one go, without the cache: what it costs.
    port, journal = free_port(), f"{folder}/whole.jsonl"
    server = start(port, journal)
    whole = last_json(learn(f"{folder}/whole", port, "--set", "model.cache=false", "--set", "prices.prompt=1", "--set", "prices.generated=1"))
    asked = answered(journal)
    assert whole["baseline"]["score"] == 1.0, whole  # the server knows every queue
    assert whole["money"] > 0 and len(asked) > 40, (whole, len(asked))
    report = json.load(open(whole["report"].replace("report.html", "report.json")))
    assert any("can't be promised to repeat" in w and "127.0.0.1" in w for w in report["warnings"]), report["warnings"]
    assert report["run"]["model_sha"] == "remote:m"
    most = max(collections.Counter(json.dumps(a) for a in asked).values())

    # The server crashes in the middle; the same command goes on.
    half, home = f"{folder}/half.jsonl", f"{folder}/home"
    server.kill()
    server.wait()
    server = start(port, half, answers=25)
    stopped = learn(home, port, status=1)
    assert server.wait(timeout=30) == 3
    assert f"http://127.0.0.1:{port}/v1/chat/completions" in stopped.stdout + stopped.stderr
    assert last_json(run("runs", "list", "--json", status=0, home=home))[0]["status"] == "failed"
    assert len(answered(half)) == 25
    server = start(port, half)
    result = last_json(learn(home, port))
    paid = answered(half)
    twice = [a for a, n in collections.Counter(json.dumps(a) for a in paid).items() if n > 1]
    assert not twice, f"{len(twice)} requests were paid for twice: {twice[0][:300]}"
    assert len(last_json(run("runs", "list", "--json", status=0, home=home))) == 1, "the run went on, it did not begin again"
    for side in ("baseline", "learned"):
        assert result[side] == whole[side], (result[side], whole[side])

    # A second home with the same cache pays nothing, and gets the same episodes.
    again = last_json(learn(f"{folder}/again", port, "--set", "prices.prompt=1", "--set", "prices.generated=1"))
    assert again["learned"] == result["learned"] and again["money"] == 0, again
    assert len(answered(half)) == len(paid), "the cache had it all"
    exports = [run("store", "export", "--canonical", status=0, home=h).stdout for h in (home, f"{folder}/again")]
    assert exports[0] == exports[1] and exports[0].count("\n") > 20 and '"ending":"fault"' not in exports[0]

    # Recipes that hold a local model to a grammar let a server that takes none write freely.
    free = f"{folder}/free.jsonl"
    for name, boxes in (("train", range(8)), ("test", range(8, 14))):
        with open(f"{folder}/{name}.jsonl", "w") as out:
            for n in boxes:
                out.write(json.dumps({"question": f"There are 2 pens and 2 more in box {n}. How many?", "answer": "2 + 2 = 4\n#### 4"}) + "\n")
    other = free_port()
    start(other, free)
    words = ["--set", f"model=http://127.0.0.1:{other}/v1#m", "--set", "embedder=scripted:16", "--set", f"env.problems={folder}/train.jsonl", "--set", f"env.test_problems={folder}/test.jsonl", "--set", "env.train=4", "--set", "env.test=4"]
    wrote = last_json(run("learn", "gsm8k", "--json", *words, status=0, home=f"{folder}/free"))
    assert wrote["learned"]["score"] == 1.0 and wrote["baseline"]["score"] == 1.0, wrote
    assert not any("grammar" in a for a in answered(free)) and any("insight" in json.dumps(a).lower() or "rule" in json.dumps(a).lower() for a in answered(free))

    # A wrong key: the server's own words, without the key that it repeats.
    for wrong in ("sk-wrong-0123456789", ""):
        refused = learn(f"{folder}/wrong", port, "--set", "model.cache=false", "--set", "embedder.cache=false", status=1, env={**environment, "OPENAI_API_KEY": wrong})
        text = refused.stdout + refused.stderr
        assert "401" in text and "OPENAI_API_KEY" in text and (not wrong or wrong not in text), text

    # What it can do.
    found = {f["what"]: f for f in last_json(run("doctor", "--json", "--model", f"http://127.0.0.1:{port}/v1", status=0, home=home))["findings"]}
    for what, state in (("reachable", "yes"), ("models", "yes"), ("chat", "yes"), ("completions", "no"), ("streaming", "yes"), ("echo scoring", "no"), ("embeddings", "yes"), ("tokenize", "no")):
        assert found[what]["state"] == state, found[what]
    table = run("doctor", "--model", f"http://127.0.0.1:{port}/v1#m", status=0, home=home).stdout
    assert table.count("\n") >= 12 and "JSON schema" in table, table
    server.kill()
    server.wait()
    run("doctor", "--model", f"http://127.0.0.1:{port}/v1#m", status=1, home=home)
    run("doctor", "--model", f"http://me:{KEY}@127.0.0.1:{port}/v1", status=2, home=home)

    # The key is nowhere; the wrong one, which the server repeats, neither.
    files = [p for p in pathlib.Path(folder).rglob("*") if p.is_file()]
    assert len([p for p in files if str(p).startswith(cache)]) > 40
    for path in files:
        assert KEY.encode() not in path.read_bytes() and b"sk-wrong-0123456789" not in path.read_bytes(), path
    for text in said:
        assert KEY not in text and "sk-wrong-0123456789" not in text, text[-500:]
    print(f"{len(asked)} answers for a whole run; with a crash after 25: {len(paid)} answers, none twice; a second home: none; most repeats without a cache {most}; {len(files)} files without a key")
