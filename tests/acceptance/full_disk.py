"""No space left in mid-run: one clear error, everything acknowledged is kept, and with space again the run goes on."""
import os
import pathlib
import subprocess
import sys

from _hone import BIN, hone, last_json, scratch, small_desk

with scratch() as folder:
    disk = pathlib.Path(folder) / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)], capture_output=True).returncode != 0:
        print("skipped: needs root and leave to mount a small file system")
        sys.exit(77)
    try:
        recipe = small_desk(folder, train=96)
        done = hone("learn", recipe, "--json", home=disk / "home", check=1)
        assert "space" in done.stderr or "disk" in done.stderr or "full" in done.stderr, done.stderr
        before = hone("store", "list", "--json", "--limit", 1000, home=disk / "home", check=None)
        subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
        problems = last_json(hone("store", "verify", "--json", home=disk / "home"))
        assert problems["problems"] == [], problems
        hone("learn", recipe, "--json", home=disk / "home")
        hone("learn", recipe, "--json", home=f"{folder}/elsewhere")
        ours = hone("store", "export", "--canonical", home=disk / "home").stdout
        assert ours == hone("store", "export", "--canonical", home=f"{folder}/elsewhere").stdout
    finally:
        subprocess.run(["umount", str(disk)], check=False)
print("a full disk costs nothing that was acknowledged")
