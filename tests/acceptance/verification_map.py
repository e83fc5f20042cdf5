#!/usr/bin/env python3
"""Checks docs/verification.csv: every item of a method's verification list names tests that exist in the sources.

A row without a test is an exception and needs its reason in `note`; at most one item in ten of a list may have only
exceptions. Columns: spec, item, test ("Suite.Name"), label, note.
"""

import csv
import os
import pathlib
import re
import sys

ITEMS = {"expel": 10, "grpo_reference": 10, "sft_dpo_reference": 10, "exgrpo": 11, "erl": 11, "developmental_support": 12, "icm": 10, "poke": 10}  # how many items each list has
NUMERIC = {  # items with numbers in them: never excepted
    "expel": {"1", "2", "3", "4", "5", "6", "7", "8", "10"},
    "grpo_reference": {str(item) for item in range(1, 11)},
    "sft_dpo_reference": {str(item) for item in range(1, 11)},
    "exgrpo": {str(item) for item in range(1, 12)},
    "erl": {str(item) for item in range(1, 12)},
    "developmental_support": {str(item) for item in range(1, 8)},
    "icm": {str(item) for item in range(1, 11)},
    "poke": {str(item) for item in range(1, 11)},
}
UNFINISHED = {"icm"}  # rows are checked; items that nothing proves yet are not complained about
COLUMNS = ["spec", "item", "test", "label", "note"]
LABELS = {"unit", "promise", "acceptance", "slow"}
TEST = re.compile(r"^\s*TEST(_F|_P|)\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.M)
INSTANCE = re.compile(r"^\s*INSTANTIATE_TEST_SUITE_P\(\s*\w*\s*,\s*(\w+)", re.M)


def tests_in(root):
    """Name -> label of every test that runs: rooms' tests carry "unit", the others the name of their folder."""
    found = {}
    for path in [*root.glob("src/**/*_test.cpp"), *root.glob("tests/*/*_test.cpp")]:
        text = path.read_text(encoding="utf-8")
        instances = set(INSTANCE.findall(text))
        label = "unit" if path.is_relative_to(root / "src") else path.parent.name
        for kind, suite, name in TEST.findall(text):
            if name.startswith("DISABLED_") or suite.startswith("DISABLED_") or (kind == "_P" and suite not in instances):
                continue
            found[f"{suite}.{name}"] = label
    return found


def complaints(rows, tests):
    out = []
    proved = {(spec, str(item)): False for spec, items in ITEMS.items() for item in range(1, items + 1)}
    excepted = set()
    for line, row in enumerate(rows, start=2):
        where = f"docs/verification.csv:{line}"
        if list(row) != COLUMNS or None in row.values():
            out.append(f"{where}: expected the fields {', '.join(COLUMNS)}")
            continue
        item = (row["spec"], row["item"])
        if item not in proved:
            out.append(f"{where}: no list has an item {' '.join(item)}")
        elif not row["test"]:
            excepted.add(item)
            if row["item"] in NUMERIC[row["spec"]]:
                out.append(f"{where}: item {row['item']} is a numeric one and can't be excepted")
            if len(row["note"].split()) < 3:
                out.append(f"{where}: an exception needs its reason in the note")
        elif row["test"] not in tests:
            out.append(f"{where}: no source has a test {row['test']}")
        elif row["label"] not in LABELS or row["label"] != tests[row["test"]]:
            out.append(f"{where}: {row['test']} carries the label {tests[row['test']]}, got '{row['label']}'")
        else:
            proved[item] = True
    for spec, items in ITEMS.items():
        if spec in UNFINISHED:
            continue
        bare = [item for item in proved if item[0] == spec and not proved[item]]
        out += [f"{spec}: item {item} has no test and no exception" for _, item in bare if (spec, item) not in excepted]
        if sum(item in excepted for item in bare) > items // 10:
            out.append(f"{spec}: more than one item in ten is excepted: {', '.join(item for _, item in bare)}")
    return out


def self_test(rows, tests):
    """A map made wrong on purpose must be complained about."""
    def with_row(change, only="1"):
        return [dict(row, **change) if (row["spec"], row["item"]) == ("expel", only) else row for row in rows]
    assert complaints([row for row in rows if (row["spec"], row["item"]) != ("expel", "5")], tests), "an item left out"
    assert complaints(with_row({"test": "Nobody.WroteThis"}), tests), "a test that does not exist"
    assert complaints(with_row({"item": "11"}), tests), "an item that does not exist"
    assert complaints(with_row({"label": "slow"}), tests), "a wrong label"
    assert complaints(with_row({"test": "", "note": "no"}), tests), "an exception without a reason"
    two = [dict(row, test="", note="a reason in words") if row["spec"] == "expel" and row["item"] in ("1", "2") else row for row in rows]
    assert complaints(two, tests), "two exceptions in ten"
    assert complaints(with_row({"test": "", "note": "a reason in words"}, "1"), tests), "a numeric item excepted"
    one = with_row({"test": "", "note": "a reason in words"}, "9")
    assert complaints(one, tests) == complaints(rows, tests), "one exception in ten is allowed"


def main():
    root = pathlib.Path(os.environ.get("HONE_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
    with open(root / "docs" / "verification.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    tests = tests_in(root)
    self_test(rows, tests)
    found = complaints(rows, tests)
    print("\n".join(found) if found else f"{len(rows)} rows, {sum(ITEMS.values())} items: every test exists")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
