"""Exact match and F1 of HotpotQA, written from their published definition (Yang et al. 2018; the rules of the
benchmark's own scorer: lower case, no ASCII punctuation, no articles, single spaces; F1 over the bag of words; yes, no and noanswer
count as wholes). Records the cases that src/envs/hotpot_test.cpp reads.
usage: python3 hotpot_metrics.py > hotpot_metrics.json
       python3 hotpot_metrics.py --against hotpot_evaluate_v1.py     compare with a copy of the benchmark's scorer"""
import json
import re
import sys
import types


def normal(text):
    kept = [c for c in text.lower() if c not in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"]
    return " ".join(re.compile(r"\b(?:an?|the)\b").sub(" ", "".join(kept)).split())


def f1(said, right):
    said, right = normal(said), normal(right)
    if said != right and {said, right} & {"yes", "no", "noanswer"}:
        return 0.0
    words, left, shared = said.split(), right.split(), 0
    total = len(words) + len(left)
    for w in words:
        if w in left:
            left.remove(w)
            shared += 1
    return 2.0 * shared / total if shared else 0.0


PAIRS = [
    # plain
    ("Paris", "Paris"), ("paris", "PARIS"), ("Paris", "London"), ("Paris, France", "Paris"), ("Paris", "Paris, France"),
    ("New York City", "New York"), ("city of New York", "New York City"), ("to be or not to be", "be to"), ("be", "to be or not to be"),
    # articles
    ("The Beatles", "Beatles"), ("a Beatles", "the Beatles"), ("An apple a day", "apple day"), ("theatre", "atre"), ("the theatre", "theatre"),
    ("The The", "The The"), ("a", ""), ("The A-Team", "A-Team"), ("Vitamin A", "Vitamin"), ("Another an", "another"), ("THE END", "end"),
    # punctuation
    ("U.S.A.", "USA"), ("U. S. A.", "USA"), ("it's", "its"), ("rock'n'roll", "rocknroll"), ("AC/DC", "ACDC"), ("AC / DC", "AC DC"),
    ("1,000", "1000"), ("1.5", "15"), ("\"quoted\"", "quoted"), ("(born 1950)", "born 1950"), ("snake_case", "snakecase"), ("...", "!!!"),
    ("a.b", "ab"), ("a-b", "b"), ("[x]", "x"), ("$5", "5"), ("50%", "50"),
    # yes, no, noanswer
    ("yes", "yes"), ("Yes.", "yes"), ("yes", "no"), ("yes it is", "yes"), ("no", "no one"), ("no one", "no"), ("noanswer", "noanswer"),
    ("noanswer", "answer"), ("the yes", "yes"), ("no answer", "noanswer"), ("yes and no", "no and yes"),
    # empty and blanks
    ("", ""), ("", "Paris"), ("Paris", ""), ("   ", "\t\n"), ("  New \t York\n", "new york"), ("New\u00a0York", "New York"), ("New\u3000York", "new york"),
    ("a\u200bb", "ab"),
    # beyond ASCII
    ("\u00c9dith Piaf", "\u00e9dith piaf"), ("Edith Piaf", "\u00c9dith Piaf"), ("GESELLSCHAFT MIT BESCHR\u00c4NKTER HAFTUNG", "Gesellschaft mit beschr\u00e4nkter Haftung"),
    ("stra\u00dfe", "STRASSE"), ("\u1e9e", "\u00df"), ("\u0141\u00d3D\u0179", "\u0142\u00f3d\u017a"), ("\u041c\u041e\u0421\u041a\u0412\u0410", "\u043c\u043e\u0441\u043a\u0432\u0430"),
    ("\u0130stanbul", "istanbul"), ("\u0130stanbul", "i\u0307stanbul"), ("\u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3", "\u03bf\u03b4\u03c5\u03c3\u03c3\u03b5\u03c5\u03c2"),
    ("\u03a3\u03b1\u03c2", "\u03c3\u03b1\u03c2"), ("1844\u20131846", "1844-1846"), ("1990\u2013a", "1990\u2013"), ("L\u00e9a", "L\u00e9"), ("Le\u0301a", "Le\u0301"),
    ("\u201cthe end\u201d", "\u201cend\u201d"), ("l\u2019an 2000", "l\u2019 2000"), ("\u6771\u4eac", "\u6771\u4eac"), ("the\u6771\u4eac", "\u6771\u4eac"),
    ("\U00010400a", "\U00010428a"), ("\uff21\uff22", "\uff41\uff42"), ("\u2160", "\u2170"), ("caf\u00e9 \U0001f600", "CAF\u00c9 \U0001f600"), ("\u0661 a", "\u0661"),
]


def scorer(path):
    """The two functions of a copy of the benchmark's scorer, which wants a faster json module that it does not need here."""
    sys.modules.setdefault("ujson", types.ModuleType("ujson"))
    given = {"__name__": "scorer"}
    exec(compile(open(path, encoding="utf-8").read(), path, "exec"), given)
    return given["exact_match_score"], given["f1_score"]


cases = [{"said": s, "right": r, "normal": normal(s), "exact": normal(s) == normal(r), "f1": f1(s, r)} for s, r in PAIRS]
if sys.argv[1:2] == ["--against"]:
    exact_match, their_f1 = scorer(sys.argv[2])
    for c in cases:
        theirs = bool(exact_match(c["said"], c["right"])), float(their_f1(c["said"], c["right"])[0])
        if theirs[0] != c["exact"] or abs(theirs[1] - c["f1"]) > 1e-12:
            sys.exit(f"{c}: the benchmark's scorer says {theirs}")
    print(f"{len(cases)} cases as the benchmark's scorer gives them")
else:
    print(json.dumps(cases, indent=0, ensure_ascii=True))
