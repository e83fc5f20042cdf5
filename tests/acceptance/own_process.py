"""The examples of README: an agent and a world of one's own in Python, and learning from chats that were played elsewhere."""
import json
import pathlib
import sys

from _hone import SOURCE, hone, last_json, scratch

with scratch() as folder:
    # an own agent on the desk: what was learned reaches it as text
    result = last_json(hone("learn", "own_agent", "--json", "--set", 'embedder="scripted:256"', home=f"{folder}/agent", cwd=SOURCE))
    assert result["learned"]["tasks"] == 40, result
    # an own world, played by an agent that needs no model
    result = last_json(hone("learn", "own_world", "--json", "--set", "model=scripted:echo", "--set", 'embedder="scripted:256"', home=f"{folder}/world", cwd=SOURCE))
    assert "learned" in result, result

    # misbehaving programs become faults, never a hang
    for name, code in {
        "silent": "import time; time.sleep(1000)",
        "garbage": "print('this is not JSON', flush=True); import time; time.sleep(1000)",
        "crash": "import sys; sys.exit(3)",
        "flood": "while True: print('x' * 100000)",
    }.items():
        program = pathlib.Path(folder) / f"{name}.py"
        program.write_text(code)
        done = hone("learn", "own_agent", "--json", "--set", 'embedder="scripted:64"', "--set", f"agent.command=[{sys.executable}, {program}]", "--set", "agent.timeout_seconds=0.5", "--set", "agent.start_seconds=2",
                    "--set", "env.train=4", "--set", "env.validation=2", "--set", "env.test=4", home=f"{folder}/{name}", cwd=SOURCE, check=None, timeout=240)
        last = json.loads(done.stdout.strip().splitlines()[-1])
        assert done.returncode == 1 and "error" in last or last["learned"]["score"] == 0, (name, done.stdout[-500:], done.stderr[-500:])

    # transcripts from elsewhere
    chats = pathlib.Path(folder) / "chats.jsonl"
    with open(chats, "w") as out:
        for i in range(6):
            out.write(json.dumps({"messages": [{"role": "user", "content": f"Where is parcel {i}?"}, {"role": "assistant", "content": "lost parcel"}], "outcome": "solved" if i % 2 else "failed"}) + "\n")
    home = f"{folder}/chats"
    assert last_json(hone("store", "import", chats, "--json", home=home))["added"] > 0
    before = last_json(hone("store", "list", "--json", home=home))
    assert len(before) == 6
    result = last_json(hone("learn", "desk", "--json", "--from-store", "all", "--set", "model=scripted:echo", "--set", 'embedder="scripted:64"', "--set", "method.insights=false",
                            "--set", "evaluation.enabled=false", home=home))
    lessons = last_json(hone("store", "list", "--lessons", "--json", home=home))
    assert sorted(lesson["what"]["solved"] for lesson in lessons) == [False] * 3 + [True] * 3, lessons  # one case per chat
    (pathlib.Path(folder) / "bad.jsonl").write_text('{"messages": [{"role": "user"}], "outcome": "solved"}\n')
    bad = hone("store", "import", f"{folder}/bad.jsonl", home=home, check=2)
    assert "bad.jsonl:1" in bad.stderr, bad.stderr
print("own agent, own world and own chats work")
