"""Follows CONTRIBUTING.md to the letter in a copy of the tree: adds its world and its method, builds, and runs both."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

source = pathlib.Path(os.environ["HONE_SOURCE_DIR"])
build_of = pathlib.Path(os.environ["HONE_BIN"]).parent


def run(*command, **more):
    print("$", *command, flush=True)
    done = subprocess.run([str(c) for c in command], text=True, capture_output=True, **more)
    if done.returncode != 0:
        sys.exit(f"{done.stdout[-4000:]}\n{done.stderr[-4000:]}\nfailed with {done.returncode}: {command}")
    return done.stdout


text = (source / "CONTRIBUTING.md").read_text()
files = dict(re.findall(r"<!-- file: (\S+) -->\n```cpp\n(.*?)```", text, re.S))
lines = re.findall(r"add the line `(\w+)` to `(\S+)`", text)
assert len(files) == 2 and len(lines) == 2, (list(files), lines)

with tempfile.TemporaryDirectory(prefix="hone_contributing_") as scratch:
    tree = pathlib.Path(scratch) / "hone"
    keep = shutil.ignore_patterns("build", ".git", ".hone")
    shutil.copytree(source, tree, ignore=keep)
    for name, content in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(content)
    for line, catalog in lines:
        with open(tree / catalog, "a") as out:
            out.write(line + "\n")
    note = source / "build" / "llama-prefix.txt"
    prefix = note.read_text().splitlines()[0] if note.exists() else ""
    cache = (build_of / "CMakeCache.txt").read_text()
    found = re.search(r"^HONE_LLAMA_PREFIX:PATH=(.+)$", cache, re.M)
    prefix = found.group(1) if found else prefix
    # In the tree and by the same preset, so that the compiler cache knows what is unchanged.
    build = tree / "build" / build_of.name
    run("cmake", "--preset", build_of.name, "-DHONE_TESTS=OFF", f"-DHONE_LLAMA_PREFIX={prefix}", cwd=tree)
    run("cmake", "--build", build, "--target", "hone")
    hone = build / "hone"
    assert "odd or even" in run(hone, "env", "show", "parity")
    assert "remembers what solved" in run(hone, "method", "show", "rote")
    recipe = pathlib.Path(scratch) / "parity.yaml"
    recipe.write_text(
        "env: parity\nagent: random\nmethod: rote\nembedder: \"scripted:64\"\n"
        "arms:\n  - {name: before, role: baseline, lessons: false}\n  - {name: after, role: learned, agent: vote}\n"
    )
    out = run(hone, "--home", pathlib.Path(scratch) / "home", "learn", recipe, "--json")
    assert '"learned"' in out.splitlines()[-1], out
print("the world and the method of CONTRIBUTING.md build and run")
