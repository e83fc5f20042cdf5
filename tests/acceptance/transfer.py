"""ExpeL's stage D through the real binary: insights of one desk are rewritten for another one and reach its agent. The model is
scripted, so that what is tested is the mechanism; what a real model makes of it is measured in docs/methods/expel.md."""
import json
import pathlib

from _hone import hone, last_json, scratch, small_desk

with scratch() as folder:
    recipe = small_desk(folder)
    script = pathlib.Path(folder) / "script.json"
    script.write_text(json.dumps({"replies": {
        "UPVOTE": "ADD: When a request names bolts, it goes to metal.",
        "hands it on to a student": "When in doubt, say metal.",
    }, "otherwise": "N/A"}))
    common = ["--set", f"model=scripted:{script}", "--set", "method={name: expel, retries: 0, insights: true, insight_calls: 2, round_tasks: 4}",
              "--set", "agent={name: react, cases: 0, insights: true, calibrate: never}", "--set", "evaluation.curve=0", "--set", "evaluation.changes=0",
              "--set", "arms=[{name: none, role: baseline, lessons: false}, {name: insights, role: learned}]"]
    home = f"{folder}/home"
    result = last_json(hone("learn", recipe, "--json", *common, home=home))
    source = last_json(hone("runs", "list", "--json", home=home))[0]["id"]
    lessons = [x for x in last_json(hone("store", "list", "--lessons", "--json", "--limit", "1000", home=home)) if x["what"]["form"] == "insight"]
    assert [x["what"]["text"] for x in lessons] == ["When a request names bolts, it goes to metal."], lessons

    # the same desk seen as another one, nothing learned there: only the transferred advice
    transfer = [*common, "--set", f"transfer_from={source}", "--set", "env.train=0", "--set", "seed=2"]
    result = last_json(hone("learn", recipe, "--json", *transfer, home=home))
    target = [r["id"] for r in last_json(hone("runs", "list", "--json", home=home)) if r["id"] != source][0]
    lessons = [x for x in last_json(hone("store", "list", "--lessons", "--json", "--limit", "1000", home=home)) if x["scope"] == target]
    assert [x["what"]["text"] for x in lessons] == ["When in doubt, say metal."], lessons
    assert lessons[0]["evidence"], "the advice rests on the episodes that its sources rest on"
    played = [json.loads(line) for line in open(f"{home}/runs/{target}/evaluation.jsonl")]
    told = [e for e in played if e["key"].startswith("test/insights/")]
    assert told and all(use["lesson"] == lessons[0]["id"] for e in told for use in e["steps"][0]["did"]["lessons"]) and all(e["steps"][0]["did"]["lessons"] for e in told)
    assert {e["steps"][0]["did"]["action"] for e in told} == {"metal"}, "the advice decides every move of a model that follows words"

    # a source without insights, and one that is not there
    plain = ["--set", common[1], "--set", "method={name: expel, retries: 0, insights: false}", *common[4:]]
    hone("learn", recipe, "--json", *plain, "--set", "seed=3", home=home)
    bare = next(r["id"] for r in last_json(hone("runs", "list", "--json", home=home)) if r["id"] not in (source, target))
    empty = hone("learn", recipe, *transfer[:-2], "--set", f"transfer_from={bare}", "--set", "seed=5", home=home, check=2)
    assert "has no insights" in empty.stderr, empty.stderr
    none = hone("learn", recipe, *transfer[:-2], "--set", "transfer_from=nothing", "--set", "seed=4", home=home, check=None)
    assert none.returncode != 0 and "nothing" in none.stderr, none.stderr
print("insights travel")
