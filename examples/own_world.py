#!/usr/bin/env python3
"""A world of one's own: on which hook does somebody's coat hang? (docs/formats/process-protocol.md)"""
import json
import sys

HOOK = {"Ann": "red", "Bob": "blue", "Cleo": "green", "Dan": "red", "Eve": "blue", "Fay": "green"}
ASKED = {"train": ["Where does {} hang the coat?", "{} comes in with a wet coat."],
         "validation": ["{} wants the coat back."], "test": ["Please fetch the coat of {}."]}
tasks = {split: [{"id": f"{split}-{i}-{name}", "goal": words.format(name)} for i, words in enumerate(asked) for name in HOOK]
         for split, asked in ASKED.items()}

for line in sys.stdin:
    ask = json.loads(line)
    if ask["do"] == "hello":
        answer = {"name": "coats", "role": "You look after the coats.", "action_help": "Answer with the colour of a hook.",
                  "task_word": "Guest", "action_word": "Hook", "max_steps": 1, "tasks": tasks}
    elif ask["do"] == "reset":
        name = ask["task"]["id"].split("-")[2]
        answer = {"text": "", "choices": ["blue", "green", "red"]}
    else:
        right = ask["action"] == HOOK[name]
        answer = {"text": "Thank you." if right else "That is somebody else's.", "ending": "terminal", "solved": right}
    print(json.dumps(answer), flush=True)
