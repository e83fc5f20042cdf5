"""--json is for programs: every line is JSON, the last one is the result that docs/formats/events.md describes."""
import json

from _hone import hone, last_json, scratch, small_desk

for verb in ("env", "agent", "method", "model"):
    entries = last_json(hone(verb, "list", "--json"))
    assert entries and all("name" in e and "summary" in e for e in entries), (verb, entries)
    if verb != "model":
        one = last_json(hone(verb, "show", entries[0]["name"], "--json"))
        assert one["fields"] is not None
assert {"desk", "process", "gridworld"} <= {e["name"] for e in last_json(hone("env", "list", "--json"))}
assert {"expel", "tabular_q"} <= {e["name"] for e in last_json(hone("method", "list", "--json"))}
assert hone("--version").stdout.startswith("hone 0.")
assert "findings" in last_json(hone("doctor", "--json", check=None))

with scratch() as folder:
    recipe = small_desk(folder)
    done = hone("learn", recipe, "--json", home=f"{folder}/home")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert all("event" in line for line in lines[:-1]) and "event" not in lines[-1]
    result = lines[-1]
    for side in ("baseline", "learned"):
        assert set(result[side]) >= {"score", "low", "high", "tasks"}, result
        assert 0 <= result[side]["low"] <= result[side]["score"] <= result[side]["high"] <= 1
    assert set(result["difference"]) >= {"mean", "low", "high"}
    assert {"seconds", "tokens", "report"} <= set(result)
    page = open(result["report"], encoding="utf-8").read()
    assert "http://" not in page.replace("http://www.w3.org", "") and "<script src" not in page
    again = last_json(hone("learn", recipe, "--json", home=f"{folder}/home"))
    assert again == result
    table = last_json(hone("eval", recipe, "--json", home=f"{folder}/home"))
    assert table["store_before"] == table["store_after"] and len(table["rows"]) == 2
    estimate = last_json(hone("learn", recipe, "--dry-run", "--json", home=f"{folder}/dry"))
    assert estimate["train_tasks"] == 24 and estimate["tokens"] >= 0
    run = last_json(hone("runs", "list", "--json", home=f"{folder}/home"))[0]
    assert last_json(hone("runs", "show", run["id"], "--json", home=f"{folder}/home"))["metrics"]
    found = last_json(hone("recall", "ripe apples please", "--by", "text", "--json", home=f"{folder}/home"))
    assert found and found[0]["what"], found
    hone("store", "export", "--out", f"{folder}/all.jsonl", home=f"{folder}/home")
    hone("store", "import", f"{folder}/all.jsonl", home=f"{folder}/copy")
    hone("store", "export", "--out", f"{folder}/again.jsonl", home=f"{folder}/copy")
    assert open(f"{folder}/all.jsonl").read() == open(f"{folder}/again.jsonl").read()
    assert last_json(hone("store", "merge", f"{folder}/home", "--json", home=f"{folder}/copy"))["added"] == 0
    episode = last_json(hone("store", "list", "--json", home=f"{folder}/home"))[0]["id"]
    gone = last_json(hone("store", "erase", episode, "--json", home=f"{folder}/home"))
    assert episode in gone["episodes"]
    assert last_json(hone("store", "verify", "--json", home=f"{folder}/home"))["problems"] == []
    hone("runs", "rm", run["id"], home=f"{folder}/home")
    assert last_json(hone("runs", "list", "--json", home=f"{folder}/home")) == []
print("machine output holds")
