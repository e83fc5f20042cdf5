#!/usr/bin/env python3
"""Checks the arrows between rooms: reads every #include "room/..." under src/ and fails on any other arrow.

usage: arrows.py SRC_FOLDER | arrows.py --self-test
"""

import pathlib
import re
import sys
import tempfile

ROOMS = ["core", "wire", "store", "models", "pddl", "objective", "nn", "envs", "agents", "learners", "engine", "cli"]
MAY_INCLUDE = {
    "core": {"core"},
    "wire": {"core", "wire"},
    **{room: {"core", "wire", room} for room in ("store", "models", "agents", "nn")},
    "learners": {"core", "wire", "objective", "learners"},
    "pddl": {"core", "pddl"},
    "objective": {"core", "objective"},
    "envs": {"core", "wire", "pddl", "envs"},
    "engine": set(ROOMS) - {"cli"},
    "cli": {"engine", "store", "models", "core", "wire", "cli"},
}
TESTS_MAY_ALSO_INCLUDE = re.compile(r"models/scripted\.h|envs/toy[a-z0-9_]*\.h")
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([a-z]+)/([^">]+)[">]')


def wrong_arrows(src):
    """One line of text for each include that points where it may not."""
    found = []
    for path in sorted(src.rglob("*")):
        if path.suffix not in (".h", ".cpp"):
            continue
        where = path.relative_to(src)
        room = where.parts[0]
        if room not in MAY_INCLUDE:
            found.append(f"{where}: '{room}' is not a room (rooms: {', '.join(ROOMS)})")
            continue
        is_test = path.name.endswith("_test.cpp")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            match = INCLUDE.match(line)
            if not match or match[1] not in ROOMS or match[1] in MAY_INCLUDE[room]:
                continue
            target = f"{match[1]}/{match[2]}"
            if is_test and TESTS_MAY_ALSO_INCLUDE.fullmatch(target):
                continue
            allowed = ", ".join(sorted(MAY_INCLUDE[room]))
            found.append(f'{where}:{number}: {room} may not include "{target}" (it may include: {allowed})')
    return found


def self_test():
    cases = [  # file, include, is it wrong?
        ("core/a.h", "core/b.h", False),
        ("core/a.h", "store/store.h", True),
        ("wire/a.cpp", "core/b.h", False),
        ("wire/a.cpp", "envs/toy.h", True),
        ("envs/sub/a.cpp", "agents/react.h", True),
        ("learners/expel/expel.cpp", "learners/expel/expel.h", False),
        ("learners/expel/expel.cpp", "models/scripted.h", True),
        ("learners/expel/expel.cpp", "objective/sft.h", False),
        ("objective/sft.h", "wire/json.h", True),
        ("learners/expel/expel_test.cpp", "models/scripted.h", False),
        ("learners/expel/expel_test.cpp", "envs/toy_grid.h", False),
        ("learners/expel/expel_test.cpp", "store/store.h", True),
        ("engine/a.cpp", "store/store.h", False),
        ("engine/a.cpp", "cli/print.h", True),
        ("cli/a.cpp", "engine/engine.h", False),
        ("cli/a.cpp", "agents/react.h", True),
        ("utils/a.cpp", "core/a.h", True),
        ("models/a.cpp", "nlohmann/json.hpp", False),
    ]
    for file, include, is_wrong in cases:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, file)
            path.parent.mkdir(parents=True)
            path.write_text(f'#pragma once\n#include "{include}"\n')
            found = wrong_arrows(pathlib.Path(folder))
        if bool(found) != is_wrong:
            print(f'{file} with "{include}": expected {"a" if is_wrong else "no"} complaint, got {found}')
            return 1
    return 0


def main(arguments):
    if arguments == ["--self-test"]:
        return self_test()
    if len(arguments) != 1 or not pathlib.Path(arguments[0]).is_dir():
        print(__doc__.strip().splitlines()[-1], file=sys.stderr)
        return 2
    found = wrong_arrows(pathlib.Path(arguments[0]))
    print("\n".join(found) if found else "all arrows are allowed ones")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
