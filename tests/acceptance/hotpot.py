"""All questions of the shared HotpotQA sample and all test problems of GSM8K through the real binary, without a language model: agents
of this file that answer by looking their question up (everything must be right), that read but know nothing, and that never finish."""
import json
import pathlib
import re
import sys

from _hone import hone, last_json, scratch, shared_data

AGENT = '''
import json, re, sys
mode, answers = sys.argv[1], json.load(open(sys.argv[2]))
for line in sys.stdin:
    ask = json.loads(line)
    answer = {}
    if ask["do"] == "begin":
        known, steps = answers[ask["task"]["goal"]], 0
        assert not ask["task"].get("params"), ask["task"]
    elif ask["do"] == "act":
        steps += 1
        if mode == "number":
            action = "The answer is " + known["answer"] + "."
        elif mode == "never":
            action = "Lookup[the]" if steps > 1 else "search [" + known["title"].upper() + "]"
        elif steps == 1:
            action = "Search[" + known["title"] + "]"
        else:
            seen = ask["observation"]["text"]
            assert seen.startswith(known["title"] + ":"), (known, seen)
            action = "Finish[" + (known["answer"] if mode == "oracle" else "no such thing") + "]"
        answer = {"action": action, "thought": "step %d" % steps}
    print(json.dumps(answer), flush=True)
'''


def played(folder, name, env, mode, answers):
    """The test episodes of one run of a scripted agent."""
    folder = pathlib.Path(folder)
    (folder / "agent.py").write_text(AGENT)
    (folder / f"{name}.json").write_text(json.dumps(answers))
    (folder / f"{name}.yaml").write_text(
        f"""name: {name}
env: {env}
agent: {{name: process, command: [{sys.executable}, {folder}/agent.py, {mode}, {folder}/{name}.json]}}
embedder: "scripted:64"
method: {{name: expel, retries: 0, insights: false}}
arms: [{{name: a, role: baseline, lessons: false}}, {{name: b, role: learned, agent: random}}]
evaluation: {{curve: 0, changes: 0}}
"""
    )
    home = folder / f"home_{name}"
    result = last_json(hone("learn", folder / f"{name}.yaml", "--json", home=home, timeout=900))
    (journal,) = home.glob("runs/*/evaluation.jsonl")
    episodes = [json.loads(line) for line in open(journal, encoding="utf-8")]
    return result, [e for e in episodes if e["key"].startswith("test/a/")]


def one_line(text):
    """As the worlds show a text: runs of ASCII blanks are one space."""
    return re.sub("[\\x00-\\x20\\x7f]+", " ", text).strip(" ")


questions, problems = shared_data("hotpotqa/distractor_sample_100.jsonl"), shared_data("gsm8k/test.jsonl")
rows = [json.loads(line) for line in open(questions, encoding="utf-8")]
known = {one_line(r["question"]): {"title": one_line(r["supporting_facts"]["title"][0]), "answer": r["answer"]} for r in rows}
assert len(rows) == len(known) == 100
with scratch() as folder:
    for corpus in ("own", "all"):
        env = f"{{name: hotpot, questions: {questions}, corpus: {corpus}, train: 0, validation: 0, test: 100}}"
        result, episodes = played(folder, f"oracle_{corpus}", env, "oracle", known)
        assert len(episodes) == 100 and {e["task"]["goal"] for e in episodes} == set(known), len(episodes)
        assert all(e["solved"] and e["score"] == 1 and e["ending"] == "terminal" and len(e["steps"]) == 2 for e in episodes)
        assert result["baseline"]["score"] == 1 and result["baseline"]["tasks"] == 100, result
    kinds = [e["task"]["kind"] for e in episodes]
    assert {k: kinds.count(k) for k in set(kinds)} == {"bridge": 85, "comparison": 15}, kinds

    env = f"{{name: hotpot, questions: {questions}, train: 0, validation: 0, test: 100}}"
    result, episodes = played(folder, "reader", env, "reader", known)
    assert len(episodes) == 100 and not any(e["solved"] for e in episodes) and all(e["ending"] == "terminal" and e["score"] < 1 for e in episodes)
    result, episodes = played(folder, "never", env, "never", known)
    assert len(episodes) == 100 and all(e["ending"] == "cut_off" and len(e["steps"]) == 7 and e["score"] == 0 for e in episodes)

    numbers = {}
    for line in open(problems, encoding="utf-8"):
        row = json.loads(line)
        numbers[one_line(row["question"])] = {"answer": row["answer"].split("#### ")[1].strip()}
    assert len(numbers) == 1319
    env = f"{{name: gsm8k, problems: {problems}, train: 0, validation: 0, test: 1319}}"
    result, episodes = played(folder, "numbers", env, "number", numbers)
    assert len(episodes) == 1319 and all(e["solved"] and e["score"] == 1 for e in episodes), [e["task"]["goal"] for e in episodes if not e["solved"]][:3]
print("100 questions and 1319 problems are played and scored")
