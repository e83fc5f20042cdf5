#!/usr/bin/env python3
"""Records what Fast Downward 26.6 and unified-planning 1.3.0 say of our PDDL problems and plans (pddl_plans.json beside this file).

usage: pip install unified-planning==1.3.0 up-fast-downward==1.0.0
       mkdir PLANS
       HONE_PLANS_TO=PLANS HONE_SOURCE_DIR=. build/ci/pddl_tests --gtest_filter='PddlPlans*'     # writes problems and our plans
       HONE_PLANS_TO=PLANS HONE_SOURCE_DIR=. build/ci/envs_tests --gtest_filter='HouseholdPlans*'
       python3 tests/reference/pddl_plans.py PLANS > tests/reference/pddl_plans.json

Of every problem: whether it has a plan; the length of a shortest one (A* with the blind heuristic, every action one step; null when
that takes more than 5 s or 3 GB, then a greedy search says whether there is one), the states it expanded, that plan; and the FNV-1a
hashes of our plans, each of which unified-planning's plan validator accepted. A plan it rejects ends the script.
"""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

import up_fast_downward
from unified_planning.engines import SequentialPlanValidator
from unified_planning.engines.results import ValidationResultStatus
from unified_planning.io import PDDLReader
from unified_planning.shortcuts import get_environment

warnings.filterwarnings("ignore")
get_environment().credits_stream = None
get_environment().error_used_name = False
DOWNWARD = pathlib.Path(up_fast_downward.__file__).parent / "downward/fast-downward.py"
SHORTEST = "astar(blind())"
ANY = "lazy_greedy([ff()])"


def fnv(text):
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = ((h ^ byte) * 0x100000001B3) % (1 << 64)
    return f"{h:016x}"


def downward(domain, problem, search):
    """(has it a plan, the plan, states expanded); None when the search came to no end."""
    with tempfile.TemporaryDirectory() as folder:
        stepwise = pathlib.Path(folder) / "problem"
        stepwise.write_text(re.sub(r"\(:metric[^()]*\([^()]*\)\s*\)", "", problem.read_text()))  # without a metric every action costs one
        plan = pathlib.Path(folder) / "plan"
        said = subprocess.run([sys.executable, DOWNWARD, "--search-time-limit", "5s", "--search-memory-limit", "3G", "--plan-file", plan, "--sas-file", f"{folder}/sas",
                               domain, stepwise, "--search", search], text=True, capture_output=True)
        if said.returncode in (10, 11, 12):
            return False, "", 0
        if said.returncode != 0:
            print(f"{problem.name}: {search}: exit status {said.returncode}", file=sys.stderr)
            return None
        steps = [line.strip("() \n") for line in plan.read_text().splitlines() if not line.startswith(";")]
        return True, ";".join(steps), int(re.search(r"Expanded (\d+) state", said.stdout)[1])


def main():
    folder = pathlib.Path(sys.argv[1])
    out = []
    for problem in sorted(folder.glob("*.problem")):
        domain = problem.with_suffix(".domain")
        name = problem.name.removesuffix(".problem").replace("+", "/")
        best = downward(domain, problem, SHORTEST)
        solvable, plan, expanded = best or downward(domain, problem, ANY)
        valid = []
        reader = PDDLReader()
        parsed = reader.parse_problem(str(domain), str(problem))
        for ours in (problem.with_suffix(".greedy"), problem.with_suffix(".shortest")):
            if not ours.exists():
                continue
            validator = SequentialPlanValidator()
            validator.skip_checks = True  # it does not declare all of ADL; its simulator knows it
            if validator.validate(parsed, reader.parse_plan(parsed, str(ours))).status != ValidationResultStatus.VALID:
                sys.exit(f"{ours}: rejected")
            if fnv(ours.read_text()) not in valid:
                valid.append(fnv(ours.read_text()))
        out.append({"problem": name, "text": fnv(domain.read_text() + problem.read_text()), "solvable": solvable,
                    "shortest": len(plan.split(";")) if best and solvable else None, "expanded": expanded if best else 10**9, "plan": plan if best else "", "valid": valid})
        print(name, solvable, out[-1]["shortest"], out[-1]["expanded"], len(valid), file=sys.stderr)
    print("[\n" + ",\n".join(json.dumps(item) for item in out) + "\n]")


if __name__ == "__main__":
    main()
