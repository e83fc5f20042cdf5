"""Hone's store beside other memories for agents: see docs/benchmarks.md. Started by bench/peers/run."""
import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import data as inputs
import table
from side import Side, TooLong

BATCH, SINGLES, FRESH, QUESTIONS, K, WIDE = 32, 40, 20, 200, 10, 320  # WIDE: what Hone's recall asks its index for when k is 10
SIDES = ["hone", "chroma", "mem0:qdrant", "mem0:faiss", "mem0:chroma", "langmem:sqlite", "langmem:memory"]
DURABLE = {
    "hone": "one SQLite transaction per commit (write-ahead log, synchronous FULL)",
    "chroma": "Chroma's SQLite log; its HNSW files follow in batches",
    "mem0:qdrant": "one SQLite transaction per memory (qdrant local), and one for mem0's history",
    "mem0:faiss": "all vectors and documents written again per memory, without sync; one SQLite transaction for the history",
    "mem0:chroma": "Chroma's SQLite log per memory, and one SQLite transaction for mem0's history",
    "langmem:sqlite": "one SQLite transaction per memory or batch (langgraph's SqliteStore)",
    "langmem:memory": "nothing: memory only (langgraph's InMemoryStore)",
}
PACKAGES = ["mem0ai", "qdrant-client", "faiss-cpu", "chromadb", "langmem", "langgraph", "langgraph-checkpoint-sqlite", "sqlite-vec"]


def command(name, given, path, folder):
    if name in ("hone", "index"):
        return [f"{given.programs}/peers_hone", "store" if name == "hone" else "index", path, folder]
    if name == "bare":
        return [f"{given.programs}/peers_bare", "index", path, folder]
    return [sys.executable, str(Path(__file__).with_name("worker.py")), name, path, folder]


def say(text):
    print(text, file=sys.stderr, flush=True)


def each(sides, what, act):
    """One turn of every side that is still in; who takes too long or fails is out, and it is said why."""
    for side in sides:
        if side.out:
            continue
        say(f"  {what}: {side.name}")
        try:
            act(side)
        except TooLong:
            side.out = f"not finished in {side.limit:.0f} s" + (f" ({side.written:,} written)" if side.written < side.lessons else f" ({what})")
        except Exception as error:
            side.out = f"failed: {error}"
        if side.out:
            side.stop()


def agreement(answers, least, scores):
    """recall@10: which part of the answers is among the exact ten nearest (as near as the tenth, when scores are equal)."""
    return sum(scores[q][i] >= least[q] - 1e-6 for q, ids in enumerate(answers) for i in ids[:K]) / (K * len(answers))


def measure(size, given, names, folder, skip):
    path, words = inputs.make(Path(given.root), f"{given.programs}/peers_hone", given.cache, size + FRESH)
    data = inputs.Data(path)
    least, scores = inputs.nearest(data, size, K)
    least, scores = least.tolist(), scores
    say(f"{size:,} lessons: {words}")
    sides = [Side(n, command(n, given, str(path), f"{folder}/{n.replace(':', '-')}"), f"{folder}/{n.replace(':', '-')}", size, given.limit, given.syncs) for n in names]
    for side in sides:
        side.out = skip.get(side.name)
    singles = min(SINGLES, size // 4 // given.rounds)
    bulk = size - singles * given.rounds

    def load(side):
        if side.process is None:
            side.start()
        start, end = side.written, min(bulk, side.written + -(-bulk // given.rounds // BATCH) * BATCH)
        done = side.ask(f"write {start} {end} {BATCH}")
        side.written = end
        side.add("batch", done["ms"])
        side.speeds.append((end - start) / done["seconds"])
        side.result["batch_per_s"] = statistics.median(side.speeds)
        side.result["batch_syncs"] = done["syncs"] / len(done["ms"])

    def single(side):
        start = side.written
        done = side.ask(f"write {start} {start + singles} 1")
        side.written = start + singles
        side.add("write", done["ms"])
        side.result["write_syncs"] = done["syncs"] / singles

    def reopen(side):
        if side.name.endswith(":memory"):
            side.result["kept"] = None
            return
        side.stop()  # killed: what was acknowledged must be there
        side.result["bytes"] = side.bytes()
        opened = side.start()
        side.result["kept"] = side.ask("count")["count"]
        if side.result["kept"] == 0:
            raise RuntimeError("nothing was there after the kill")
        side.result["first_answer_s"] = opened + side.ask(f"recall 0 1 {K}")["ms"][0] / 1000

    def recall(side):
        done = side.ask(f"recall 0 {data.questions} {K}")
        side.add("recall", done["ms"])
        side.result["recall_at_10"] = agreement(done["ids"], least, scores)

    def fresh(side):
        done = side.ask(f"fresh {size} {size + FRESH} {K}")["ms"]
        seen = [ms for ms in done if ms is not None and ms >= 0]
        side.result["fresh_seen"] = len(seen) / FRESH
        if seen:
            side.add("fresh", seen)

    for turn in range(given.rounds):
        each(sides, f"batches, round {turn + 1}", load)
    for turn in range(given.rounds):
        each(sides, f"single writes, round {turn + 1}", single)
    each(sides, "kill and open again", reopen)
    for turn in range(given.rounds):
        each(sides, f"recall, round {turn + 1}", recall)
    each(sides, "write one, recall it", fresh)
    rows = [side.row() for side in sides]
    for side in sides:
        side.stop()
        if side.out and side.out.startswith("not finished"):
            skip[side.name] = f"not tried: {size:,} was too much"
    return {"lessons": size, "inputs": words, "singles": singles, "rows": rows, "index": index(size, given, path, folder, data, least, scores)}


def index(size, given, path, folder, data, least, scores):
    """Hone's index and bare hnswlib: same graph settings, same width."""
    sides = [Side(n, command(n, given, str(path), f"{folder}/{n}"), f"{folder}/{n}", size, 10 * given.limit, given.syncs) for n in ("index", "bare")]

    def load(side):
        side.start()
        side.result["build_s"] = side.ask(f"write 0 {size} {size}")["seconds"]

    def recall(side):
        done = side.ask(f"recall 0 {data.questions} {min(WIDE, size)}")
        side.add("wide", done["ms"])
        done = side.ask(f"recall 0 {data.questions} {K}")
        side.add("ten", done["ms"])
        side.result["recall_at_10"] = agreement(done["ids"], least, scores)

    each(sides, "build the index", load)
    for turn in range(given.rounds):
        each(sides, f"ask the index, round {turn + 1}", recall)
    rows = [side.row() for side in sides]
    for side in sides:
        side.stop()
    return rows


def machine():
    cpu = next((l.split(":", 1)[1].strip() for l in open("/proc/cpuinfo", encoding="utf-8") if l.startswith("model name")), platform.machine())
    return f"{len(os.sched_getaffinity(0))} cores of {cpu}, {platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f} at the start"


def check(report):
    """The manual test: every side ran to its end and lost nothing."""
    wrong = [f"{row['side']}: {row['out']}" for size in report["sizes"] for row in size["rows"] + size["index"] if row["out"]]
    for size in report["sizes"]:
        for row in size["rows"]:
            if not row["out"] and (row["recall_at_10"] < 0.5 or row["kept"] not in (None, size["lessons"])):
                wrong.append(f"{row['side']}: recall@10 {row['recall_at_10']:.2f}, kept {row['kept']}")
    for line in wrong:
        say("peers: " + line)
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(prog="bench/peers/run", description=__doc__)
    parser.add_argument("--sizes", default="1000,10000,100000", help="numbers of lessons (default: %(default)s)")
    parser.add_argument("--sides", default=",".join(SIDES), help="who takes part (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds of single writes and of recall (default: %(default)s)")
    parser.add_argument("--limit", type=float, default=300, help="seconds that one side may take at one size (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="JSON instead of the table")
    parser.add_argument("--check", action="store_true", help="tiny sizes; fails when a side does not run to its end or loses a lesson")
    for internal in ("--root", "--programs", "--cache", "--syncs"):
        parser.add_argument(internal, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.check:
        given.sizes, given.rounds = "300", 2
    names = given.sides.split(",")
    for name in names:
        if name not in SIDES:
            parser.error(f"--sides: no side '{name}'; there are {', '.join(SIDES)}")
    report = {"machine": machine(), "versions": {p: metadata.version(p) for p in PACKAGES} | {"python": platform.python_version()},
              "batch": BATCH, "rounds": given.rounds, "limit_s": given.limit, "durable": DURABLE, "sizes": []}
    skip = {}
    for size in (int(s) for s in given.sizes.split(",")):
        folder = tempfile.mkdtemp(prefix="hone-peers-")
        try:
            report["sizes"].append(measure(size, given, names, folder, skip))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        if not given.json:
            print(table.of_size(report["sizes"][-1]), flush=True)
    print(json.dumps(report, indent=1) if given.json else table.of_report(report))
    return check(report) if given.check else 0


if __name__ == "__main__":
    sys.exit(main())
