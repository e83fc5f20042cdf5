"""A Python with the pinned Gymnasium packages, in a virtual environment in the cache; a script goes on in it, or is skipped with the reason."""
import hashlib
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def environment(packages):
    """The virtual environment's Python, or a text that says why there is none."""
    wanted = HERE / f"{packages}_requirements.txt"
    if sys.version_info < (3, 10):
        return None, "Gymnasium needs Python 3.10"
    if "HONE_CACHE" not in os.environ and "HOME" not in os.environ:
        return None, "neither HONE_CACHE nor HOME is set"
    cache = pathlib.Path(os.environ.get("HONE_CACHE") or pathlib.Path(os.environ["HOME"], ".cache", "hone"))
    folder = cache / f"{packages}-{hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / "whole").exists():
        for command in ([sys.executable, "-m", "venv", "--clear", folder], [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", wanted]):
            done = subprocess.run([str(word) for word in command], text=True, capture_output=True, stdin=subprocess.DEVNULL)
            if done.returncode != 0:
                return None, f"the pinned packages could not be installed: {(done.stderr.strip().splitlines() or ['no word'])[-1]}"
        (folder / "whole").touch()
    return python, ""


def enter(packages="gymnasium"):
    """Runs the calling script in that environment; returns only there."""
    if os.environ.get("HONE_IN_GYMNASIUM"):
        return
    python, why = environment(packages)
    if python is None:
        print(f"skipped: {why}")
        sys.exit(77)
    root = pathlib.Path(os.environ["HONE_SOURCE_DIR"])
    library = pathlib.Path(os.environ["HONE_BUILD_DIR"], "libhone.so")
    more = {"HONE_IN_GYMNASIUM": "1", "HONE_LIBRARY": os.environ.get("HONE_LIBRARY", str(library)), "PYTHONPATH": str(root / "python"), "SDL_VIDEODRIVER": "dummy"}
    os.execve(python, [str(python), *sys.argv], {**os.environ, **more})
