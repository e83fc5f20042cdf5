"""What counts as the answer in a text of GSM8K, written from the published definition (Cobbe et al. 2021, arXiv 2110.14168: the number
behind "####", commas removed, compared as text) and from the rule that src/envs/gsm8k.h states for the last number (compared as
decimal numbers). Records the cases that src/envs/gsm8k_test.cpp reads.
usage: python3 gsm8k_answers.py > gsm8k_answers.json
       python3 gsm8k_answers.py --against dataset.py [test.jsonl]     compare `marked` with a copy of the published module"""
import decimal
import json
import re
import sys

decimal.getcontext().prec = 200
INVALID = "[invalid]"


def marked(text):
    found = re.compile(r"#### (-?[\d.,]+)", re.ASCII).search(text)
    return "".join(c for c in found.group(1) if c != ",") if found else INVALID


def last_number(text):
    text = re.sub(r"(?<=[0-9]),(?=[0-9]{3}(?![0-9]))", "", text)
    text = text.replace("\u2212", "-")
    found = re.findall(r"(?:(?<![0-9A-Za-z.)])-\$?)?(?:[0-9]+(?:\.[0-9]+)?|(?<![0-9])\.[0-9]+)", text)
    return decimal.Decimal(found[-1].replace("$", "")) if found else None


TEXTS = [
    ("18", "#### 18"), ("#### 18", "#### 18"), ("The answer is 18.", "#### 18"), ("18 eggs", "#### 18"), ("$18", "#### 18"), ("18.00", "#### 18"),
    ("018", "#### 18"), ("18.5", "#### 18"), ("1,000", "#### 1000"), ("#### 1,000", "#### 1000"), ("1000", "#### 1,000"), ("#### 1000", "#### 1,000"),
    ("$1,234,567.50 in all", "#### 1234567.5"), ("#### 1234567.50", "#### 1234567.5"), ("-5", "#### -5"), ("#### -5", "#### -5"), ("- 5", "#### -5"),
    ("8-3", "#### 3"), ("8-3=5", "#### 5"), ("8 -3", "#### -3"), ("x-3", "#### 3"), ("(4)-3", "#### 3"), ("=-3", "#### -3"), ("--3", "#### -3"),
    ("$-3", "#### -3"), ("-$3", "#### -3"), ("8-$3", "#### 3"), ("owes -$1,200.", "#### -1200"), (".5", "#### 0.5"), ("0.50", "#### .5"), ("1.2.3", "#### 3"), ("3.", "#### 3"), ("3...", "#### 3"),
    ("1,2345", "#### 2345"), ("1,23", "#### 23"), ("3,400", "#### 3400"), ("12,345,6", "#### 6"), ("50%", "#### 50"), ("1/2", "#### 2"), ("1e5", "#### 5"),
    ("", "#### 1"), ("no number", "#### 1"), ("####18", "#### 18"), ("####  18", "#### 18"), ("##### 18", "#### 18"), ("#### x #### 7", "#### 7"),
    ("#### -", "#### 7"), ("#### 7 #### 8", "#### 7"), ("#### 7.", "#### 7."), ("#### 7.", "#### 7"), ("#### .", "#### ."), ("#### ,", "#### 7"),
    ("#### 70,000 dollars", "#### 70000"), ("#### $70", "#### 70"), ("It is 7\n#### 8\n", "#### 8"), ("\u0661\u0662", "#### 12"), ("#### \u0661\u0662", "#### 12"),
    ("\u22125", "#### -5"), ("8\u22125", "#### 5"), ("12\u20ac", "#### 12"), ("-0", "#### 0"), ("0", "#### -0.0"), ("00012.3400", "#### 12.34"),
    ("100000000000000000000000000001", "#### 100000000000000000000000000000"), ("9" * 40, "#### " + "9" * 40), ("-.5", "#### -0.5"), ("a.5", "#### 0.5"),
]


def judged(said, right):
    gold = marked(right)
    number = last_number(said)
    right_number = last_number(gold)
    return {"said": said, "right": right, "marked": marked(said), "marked_right": marked(said) == gold,
            "last": None if number is None else format(number.normalize() + 0, "f"), "last_right": number is not None and number == right_number}


def published(path):
    """The functions of a copy of the published module; its imports of a training library are left out."""
    text = "\n".join(line for line in open(path, encoding="utf-8").read().split("class GSMDataset")[0].splitlines() if "torch" not in line)
    given = {"__name__": "published"}
    exec(compile(text, path, "exec"), given)
    return given["extract_answer"], given["is_correct"]


cases = [judged(said, right) for said, right in TEXTS]
if sys.argv[1:2] == ["--against"]:
    extract, correct = published(sys.argv[2])
    for c in cases:
        if extract(c["said"]) != c["marked"] or correct(c["said"], {"answer": c["right"]}) != c["marked_right"]:
            sys.exit(f"{c}: the published module says {extract(c['said'])!r}")
    rows = [json.loads(line) for path in sys.argv[3:] for line in open(path, encoding="utf-8")]
    for row in rows:
        if extract(row["answer"]) != marked(row["answer"]):
            sys.exit(f"{row}: the published module says {extract(row['answer'])!r}")
    print(f"{len(cases)} cases and {len(rows)} answers as the published module gives them")
else:
    print(json.dumps(cases, indent=0, ensure_ascii=True))
