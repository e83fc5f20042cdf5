"""The fuzz targets under address and undefined-behaviour sanitizers: builds them (no llama.cpp) and mutates their inputs for a
quarter of a minute each. Longer: tests/fuzz/run --hours 1 TARGET."""
import os
import pathlib
import subprocess
import sys

source = pathlib.Path(os.environ["HONE_SOURCE_DIR"])
sys.exit(subprocess.run([sys.executable, source / "tests/fuzz/run", "--seconds", "15"]).returncode)
