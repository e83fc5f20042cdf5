"""What people get wrong, and what breaks under them: one clear error each, the right status, nothing lost."""
import json
import os
import pathlib
import shutil
import stat
import subprocess

from _hone import BIN, hone, last_json, scratch, small_desk


def error(*arguments, status, words, home, **more):
    done = hone(*arguments, home=home, check=status, **more)
    text = done.stderr
    for word in words:
        assert word in text, f"expected {word!r} in: {text}"
    assert text.count("\n") <= 3, text
    assert "terminate" not in text and "Aborted" not in text, text


with scratch() as folder:
    home = f"{folder}/home"
    recipe = small_desk(folder)
    text = recipe.read_text()

    def bad(name, old, new):
        path = pathlib.Path(folder) / name
        path.write_text(text.replace(old, new))
        return path

    # recipes: file, line, field, nearest name
    error("learn", bad("a.yaml", "embedder:", "embeder:"), status=2, words=["a.yaml:5", "embeder", "did you mean 'embedder'"], home=home)
    error("learn", bad("b.yaml", "train: 24", "train: many"), status=2, words=["b.yaml:2", "'train'", "whole number", "many"], home=home)
    error("learn", bad("c.yaml", "train_tries: 3", "train_tries: 0"), status=2, words=["c.yaml:2", "at least 1", "1 to"][:1] + ["train_tries"], home=home)
    error("learn", bad("d.yaml", "name: expel,", "name: expell,"), status=2, words=["expell", "did you mean 'expel'"], home=home)
    error("learn", bad("e.yaml", "arms:", "arms: ["), status=2, words=["e.yaml:", "YAML"], home=home)
    error("learn", f"{folder}/none.yaml", status=2, words=["none.yaml"], home=home)
    error("learn", "dask", status=2, words=["did you mean 'desk'"], home=home)
    error("learn", recipe, "--set", "env.trian=3", status=2, words=["trian", "did you mean 'train'"], home=home)
    error("learn", bad("f.yaml", "train: 24", "train: 2400"), status=2, words=["request"], home=home)
    error("learn", bad("g.yaml", "requests.csv", "absent.csv"), status=2, words=["absent.csv"], home=home)
    (pathlib.Path(folder) / "broken.csv").write_text('text,label\n"open quote,fruit\n')
    error("learn", bad("h.yaml", "requests.csv", "broken.csv"), status=2, words=["broken.csv:"], home=home)
    assert not os.path.exists(f"{home}/hone.db"), "a mistake must not leave a store behind"

    # model files
    gguf = pathlib.Path(folder) / "cut.gguf"
    gguf.write_bytes(b"GGUF\x03\x00\x00\x00" + b"\x00" * 100)
    error("learn", recipe, "--set", f"model={gguf}", status=2, words=["cut.gguf"], home=home)
    error("learn", recipe, "--set", "model=smollm2-135", status=2, words=["smollm2-135m"], home=home)
    error("learn", recipe, "--set", "model=http://localhost:1/v1", "--set", "model.retries=0", status=1, words=["http://localhost:1/v1/models"], home=home)
    error("learn", recipe, "--set", "model=https://me:hunter2@localhost:1/v1#m", status=2, words=["user or password"], home=home)
    error("learn", recipe, "--set", "model.timeout_s=0", status=2, words=["timeout_s"], home=home)

    # stores
    hone("learn", recipe, "--json", home=home)
    good = pathlib.Path(f"{home}/hone.db").read_bytes()
    broken = f"{folder}/broken"
    os.makedirs(broken)
    pathlib.Path(f"{broken}/hone.db").write_bytes(b"this is not a database at all, " * 200)
    error("learn", recipe, status=1, words=["hone.db"], home=broken)
    cut = f"{folder}/cut"
    os.makedirs(cut)
    pathlib.Path(f"{cut}/hone.db").write_bytes(good[: len(good) // 2])
    assert hone("store", "verify", home=cut, check=1)
    assert "hone.db" in hone("store", "list", home=f"{folder}/nowhere", check=1).stderr

    # read-only: reading goes on, writing says so (root may write anywhere)
    if os.geteuid() != 0:
        frozen = f"{folder}/frozen"
        shutil.copytree(home, frozen)
        for path in [frozen, f"{frozen}/runs"] + [str(p) for p in pathlib.Path(frozen).rglob("*")]:
            os.chmod(path, stat.S_IRUSR | (stat.S_IXUSR if os.path.isdir(path) else 0))
        error("learn", recipe, "--fresh", status=1, words=["frozen"], home=frozen)

    # a finished run is still there after all this
    assert last_json(hone("runs", "list", "--json", home=home))[0]["status"] == "finished"

    # words that are no command
    error("lern", "desk", status=2, words=["lern", "did you mean 'learn'"], home=home)
    error("store", "lst", status=2, words=["lst", "hone store"], home=home)
    error("learn", recipe, "--sett", "x=1", status=2, words=["--sett"], home=home)
    assert json.loads(hone("lern", "--json", home=home, check=2).stdout)["kind"] == "usage"
    assert hone(check=2).stderr

    # devices, pipes, folders
    error("store", "export", "--out", folder, status=2, words=["directory"], home=home)
    error("store", "export", "--out", f"{home}/hone.db", status=2, words=["is the store itself"], home=home)
    assert last_json(hone("store", "verify", "--json", home=home))["problems"] == []
    (pathlib.Path(folder) / "bad.jsonl").write_text('{"type": "nonsense"}\n')
    error("store", "import", f"{folder}/bad.jsonl", status=None, words=["bad.jsonl:1"], home=f"{folder}/untouched")
    assert not os.path.exists(f"{folder}/untouched/hone.db"), "a refused file must not leave a store behind"
    error("store", "import", folder, status=2, words=["directory"], home=home)
    fifo = f"{folder}/fifo"
    os.mkfifo(fifo)
    with open(f"{folder}/copy", "wb") as copy:
        reader = subprocess.Popen(["cat", fifo], stdout=copy)
    hone("store", "export", "--out", fifo, home=home)
    reader.wait(timeout=60)
    exported = pathlib.Path(f"{folder}/copy").read_bytes()
    assert exported == hone("store", "export", home=home).stdout.encode() and stat.S_ISFIFO(os.stat(fifo).st_mode), "a pipe is written to, not replaced"
    piped = subprocess.run([str(BIN), "--home", f"{folder}/piped", "store", "import", "/dev/stdin", "--json"], input=exported, capture_output=True, timeout=60)
    assert json.loads(piped.stdout)["added"] > 0, piped
    with open("/dev/full", "w") as full:
        assert subprocess.run([str(BIN), "--home", home, "runs", "list"], stdout=full, stderr=subprocess.PIPE, timeout=60).returncode == 1

    # an import may say anything, but not to the terminal
    hostile = "\x1b[2J\x9b2J\u202e"
    run = {"type": "run", "id": "hostile", "name": hostile, "recipe": f"# {hostile}\n", "config_hash": "", "env": hostile, "method": "", "model": "",
           "seed": 1, "created_ms": 1, "status": "finished", "meta": "{}"}
    episode = {"type": "episode", "episode": {"id": "shown", "run": "hostile", "key": "k", "task": {"id": "t", "env": "e", "kind": "k", "goal": hostile}, "ending": "terminal"}}
    (pathlib.Path(folder) / "hostile.jsonl").write_text("".join(json.dumps(line) + "\n" for line in ({"type": "hone-store", "format": 1}, run, episode)))
    hone("store", "import", f"{folder}/hostile.jsonl", home=f"{folder}/hostile")
    for words in (("runs", "list"), ("runs", "show", "hostile"), ("store", "list"), ("store", "show", "shown")):
        said = hone(*words, home=f"{folder}/hostile").stdout
        assert "2J" in said and not any(c in said for c in hostile if not c.isprintable()), (words, said)

    # names of runs that are not there: said before anything is played
    error("learn", recipe, "--from-store", "nosuch", status=1, words=["nosuch"], home=home)
    error("learn", recipe, "--set", "transfer_from=nosuch", status=1, words=["nosuch"], home=home)
    error("store", "list", "--lessons", "--run", "nosuch", status=1, words=["nosuch"], home=home)
    error("store", "prune", "--keep-best", "1", status=1, words=["hone.db"], home=f"{folder}/nowhere")
    assert not os.path.exists(f"{folder}/nowhere"), "pruning nothing must not make a store"
print("every mistake got its one clear error")
