"""What `cmake --install` puts where: a program of somebody else's finds the package, builds against it and runs; every header
compiles by itself; the command, its man page and its completion are there."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ["HONE_BUILD_DIR"])
CMAKE = """cmake_minimum_required(VERSION 3.24)
project(downstream LANGUAGES CXX)
find_package(hone 0.1 REQUIRED)
add_executable(downstream main.cpp)
target_link_libraries(downstream PRIVATE hone::hone)
"""
PROGRAM = """#include <iostream>

#include "core/error.h"
#include "engine/recipe.h"
#include "hone_version.h"
#include "store/store.h"

int main() {
  const hone::Store store(":memory:");
  const hone::Recipe recipe = hone::load_recipe("desk", {"env.train=3"});
  try {
    hone::parse_recipe("env: nowhere", "mine.yaml");
  } catch (const hone::Error& e) {
    std::cout << hone::hone_version << ", " << store.runs().size() << " runs, " << recipe.name << ", refused: " << e.what() << "\\n";
    return 0;
  }
  return 1;
}
"""
failed = []


def run(*command, **more):
    done = subprocess.run([str(c) for c in command], text=True, capture_output=True, stdin=subprocess.DEVNULL, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\nstatus {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def expect(good, what):
    if not good:
        failed.append(what)


def main():
    cache = (BUILD / "CMakeCache.txt").read_text()
    setting = lambda name: re.search(rf"^{name}:[A-Z]+=(.*)$", cache, re.M).group(1)
    compiler, cmake, flags = setting("CMAKE_CXX_COMPILER"), setting("CMAKE_COMMAND"), setting("CMAKE_CXX_FLAGS")
    with tempfile.TemporaryDirectory(prefix="hone_installed_") as folder:
        prefix, source = pathlib.Path(folder) / "prefix", pathlib.Path(folder) / "source"
        run(cmake, "--install", BUILD, "--prefix", prefix)

        there = {str(p.relative_to(prefix)) for p in prefix.rglob("*") if p.is_file()}
        for wanted in ("bin/hone", "share/man/man1/hone.1", "share/bash-completion/completions/hone", "share/hone/recipes/desk.yaml",
                       "share/hone/data/desk/requests.csv", "include/hone/core/learner.h", "include/hone/store/store.h", "share/zsh/site-functions/_hone",
                       "share/doc/hone/LICENSE", "share/doc/hone/LICENSE.llama.cpp"):
            expect(wanted in there, f"{wanted} is not installed")
        for unwanted in (p for p in there - {"share/doc/hone/LICENSE.llama.cpp"} if re.search(r"/llama/|_kit\.h|test.*\.h$|\.(py|cpp)$", p)):
            expect(False, f"{unwanted} is installed")
        run(prefix / "bin" / "hone", "--version")

        include = prefix / "include" / "hone"
        headers = sorted(include.rglob("*.h"))
        expect(len(headers) > 40, f"expected the headers of every room, got {len(headers)}")

        def alone(header):
            return subprocess.run([compiler, "-std=c++20", "-fsyntax-only", f"-I{include}", "-x", "c++", "-"], text=True, capture_output=True,
                                  input=f'#include "{header.relative_to(include)}"\n')

        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for header, done in zip(headers, pool.map(alone, headers)):
                expect(done.returncode == 0, f"{header.relative_to(include)} does not compile by itself:\n{done.stderr[:500]}")

        source.mkdir()
        (source / "CMakeLists.txt").write_text(CMAKE)
        (source / "main.cpp").write_text(PROGRAM)
        run(cmake, "-S", source, "-B", source / "build", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_CXX_FLAGS={flags}")
        run(cmake, "--build", source / "build")
        said = run(source / "build" / "downstream")
        expect("0 runs, desk, refused: mine.yaml: " in said, f"the program said: {said}")
    if failed:
        sys.exit("\n".join(failed))
    print(f"{len(headers)} headers, one program")


main()
