"""Evaluation never learns: store, model and embedder files are byte-identical before and after `hone eval`, with the real models."""
import hashlib
import pathlib
import sys

from _hone import hone, last_json, scratch

models = {m["name"]: m for m in last_json(hone("model", "list", "--json"))}
if not all(models[name]["present"] for name in ("smollm2-135m", "all-minilm-l6-v2")):
    print("skipped: the default models are not pulled (hone model pull --default)")
    sys.exit(77)


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


with scratch() as folder:
    small = [word for s in ("env.train=8", "env.validation=0", "env.test=6", "evaluation.curve=0", "evaluation.changes=0") for word in ("--set", s)]
    hone("learn", "desk", "--json", *small, home=folder)
    files = [models[name]["path"] for name in ("smollm2-135m", "all-minilm-l6-v2")] + [f"{folder}/hone.db"]
    before = [sha256(path) for path in files]
    exported = hone("store", "export", home=folder).stdout
    table = last_json(hone("eval", "desk", "--json", *small, home=folder))
    assert [sha256(path) for path in files] == before, "evaluation changed a file"
    assert hone("store", "export", home=folder).stdout == exported
    assert table["store_before"] == table["store_after"] and table["models"] == [before[0]], table
    assert len(table["rows"]) == 4 and all(row["tasks"] == 6 for row in table["rows"]), table
    again = last_json(hone("eval", "desk", "--json", "--version", 0, *small, home=folder))
    assert [row["score"] for row in again["rows"]][0] == [row["score"] for row in table["rows"]][0]
print("evaluation left", len(files), "files as they were")
