#!/usr/bin/env python3
"""Records how unified-planning 1.3.0 steps through PDDL problems, for src/pddl's tests (pddl_walks.json beside this file).

usage: pip install unified-planning==1.3.0; python3 tests/reference/pddl_walks.py [--data FOLDER] > tests/reference/pddl_walks.json

From the initial state, up to 25 steps: the applicable actions ("name object ...", lower case) sorted as bytes, their number n and
the FNV-1a hash of them joined by newlines are noted; action (7919 * step + 3) mod n is taken. At the end the true facts are hashed
likewise. --data FOLDER is a copy of pddlgym's domains and problems (gripper, blocks). The fixture of this repository is always walked.
Problems of the world household take this simulator too long (more than three minutes for 12 steps of the smallest room).
"""
import argparse
import json
import pathlib
import sys
import warnings
from itertools import product

from unified_planning.engines.compilers.grounder import GrounderHelper
from unified_planning.engines.sequential_simulator import UPSequentialSimulator
from unified_planning.io import PDDLReader
from unified_planning.shortcuts import get_environment

warnings.filterwarnings("ignore")


def purge(self, items_list, params, conds):
    """The same as in the release, which fails when two static conditions rule out one object."""
    out = []
    for param, objects in zip(params, items_list):
        mine = self._problem.environment.expression_manager.ParameterExp(param)
        for cond in conds:
            position = next((i for i, arg in enumerate(cond.args) if arg == mine), -1)
            if position >= 0:
                valid = self._bool_static_fluent_valid_parameters(cond, position)
                objects = [o for o in objects if o in valid]
        out.append(list(objects))
    return out


GrounderHelper._purge_items_list = purge
get_environment().credits_stream = None
get_environment().error_used_name = False


def fnv(text):
    h = 0xCBF29CE484222325
    for byte in text.encode():
        h = ((h ^ byte) * 0x100000001B3) % (1 << 64)
    return f"{h:016x}"


def walk(domain, problem, most_steps, short):
    parsed = PDDLReader().parse_problem(str(domain), str(problem))
    simulator = UPSequentialSimulator(parsed, error_on_failed_checks=False)
    state = simulator.get_initial_state()
    steps = []
    for step in range(most_steps):
        found = sorted((" ".join([a.name] + [str(p) for p in ps]).lower(), a, ps) for a, ps in simulator.get_applicable_actions(state))
        names = [f[0] for f in found]
        steps.append([len(names), fnv("\n".join(names))])
        if not names:
            break
        _, action, parameters = found[(7919 * step + 3) % len(found)]
        state = simulator.apply(state, action, parameters)
    # Every fact that holds in the end.
    true = []

    for fluent in parsed.fluents:
        if not fluent.type.is_bool_type():
            continue
        for objects in product(*[list(parsed.objects(p.type)) for p in fluent.signature]):
            value = state.get_value(fluent(*objects))
            if value.is_true():
                true.append(" ".join([fluent.name] + [o.name for o in objects]).lower())
    return {"problem": short, "domain": domain.name, "steps": steps, "facts": [len(true), fnv("\n".join(sorted(true)))], "goal": simulator.is_goal(state)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path)
    args = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parents[2]
    out = []
    fixtures = root / "tests/fixtures/pddl"
    out.append(walk(fixtures / "errands.pddl", fixtures / "errands-1.pddl", 60, "fixtures/errands-1.pddl"))
    if args.data:
        for domain in ("gripper", "blocks", "blocks_operator_actions", "blocks_medium"):
            for folder in (domain, domain + "_test"):
                for problem in sorted((args.data / folder).glob("*.pddl")):
                    if domain == "blocks_medium" and problem.stem != "problem0":
                        continue
                    if domain == "gripper" and problem.stem > "prob10":
                        continue
                    out.append(walk(args.data / (domain + ".pddl"), problem, 25, f"{folder}/{problem.name}"))
                    print(out[-1]["problem"], file=sys.stderr)
    for item in out:
        item["steps"] = [[n, h] for n, h in item["steps"]]
    print("[\n" + ",\n".join(json.dumps(item) for item in out) + "\n]")


if __name__ == "__main__":
    main()
