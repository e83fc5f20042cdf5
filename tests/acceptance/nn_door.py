"""A libhone_nn.so of another build, or something else in its place, is refused in a sentence instead of crashing what loads it."""
import os
import subprocess

from _hone import hone, scratch

DOORS = 'extern "C" { const char* hone_nn_door() { return "9.9.9 (0123456789ab)"; } void hone_nn_open() {} void hone_nn_open_explorer() {} void hone_nn_open_poker() {} }\n'

with scratch() as folder:
    def built(name, source):
        subprocess.run(["c++", "-shared", "-fPIC", "-x", "c++", "-", "-o", f"{folder}/{name}"], input=source, text=True, check=True)
        return f"{folder}/{name}"

    text = f"{folder}/text.so"
    with open(text, "w") as out:
        out.write("not an object\n")
    for path, why in ((built("other.so", DOORS), "is of hone 9.9.9 (0123456789ab), this program of "), (built("older.so", DOORS.replace("hone_nn_door", "hone_nn_version")), "is not what trains weights for this hone"),
                      (text, "can't be loaded"), (f"{folder}/nothing.so", "looked for")):
        done = hone("learn", "maze", home=f"{folder}/home", check=None, env={**os.environ, "HONE_NN": path})
        assert done.returncode != 0 and why in done.stderr and path in done.stderr, (path, done.stdout, done.stderr)
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
