"""The report as text."""


def number(value, places=None):
    if value is None:
        return "-"
    if places is None:
        places = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{places}f}"


def lines(head, rows):
    widths = [max(len(row[i]) for row in [head, *rows] if i < len(row) and len(row) == len(head)) for i in range(len(head))]
    out = []
    for row in [head, *rows]:
        if len(row) == 2:  # a side that is out
            out.append(f"{row[0]:<{widths[0]}}  {row[1]}")
        else:
            out.append("  ".join(f"{cell:<{w}}" if i == 0 else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(row, widths))).rstrip())
    return "\n".join(out)


def of_size(size):
    head = ["side", "batch/s", "write p50", "p99", "syncs", "recall p50", "p99", "recall@10", "seen p50", "first answer", "MB", "kept"]
    rows = []
    for r in size["rows"]:
        if r["out"]:
            rows.append([r["side"], r["out"]])
            continue
        kept = "memory" if r["kept"] is None else "all" if r["kept"] == size["lessons"] else f"{r['kept']:,}"
        rows.append([r["side"], number(r["batch_per_s"], 0), number(r["write_p50_ms"]), number(r["write_p99_ms"]), number(r["write_syncs"], 1),
                     number(r["recall_p50_ms"]), number(r["recall_p99_ms"]), number(r["recall_at_10"], 3), number(r.get("fresh_p50_ms")),
                     "-" if r["kept"] is None else number(r["first_answer_s"]) + " s", "-" if r["kept"] is None else number(r["bytes"] / 1e6, 1), kept])
    out = [f"\n{size['lessons']:,} lessons ({size['inputs']}); times in ms unless said", lines(head, rows)]
    mine, bare = size["index"]
    if not mine["out"] and not bare["out"]:
        head = ["index alone", "build", "320 nearest p50", "p99", "10 nearest p50", "p99", "recall@10"]
        rows = [[name, number(r["build_s"]) + " s", number(r["wide_p50_ms"], 3), number(r["wide_p99_ms"], 3), number(r["ten_p50_ms"], 3),
                 number(r["ten_p99_ms"], 3), number(r["recall_at_10"], 3)] for name, r in (("hone's HNSW", mine), ("bare hnswlib", bare))]
        out += ["", lines(head, rows), f"hone's index runs at {bare['wide_p50_ms'] / mine['wide_p50_ms']:.2f} of bare hnswlib's speed (320 nearest), {bare['ten_p50_ms'] / mine['ten_p50_ms']:.2f} (10 nearest)"]
    rows = {r["side"]: r for r in size["rows"] if not r["out"]}
    hone = rows.pop("hone", None)
    if hone and rows:
        head = ["times as fast as", "batch writes", "one write", "recall p50", "p99", "recall@10 higher by"]
        out += ["", lines(head, [[name, number(hone["batch_per_s"] / r["batch_per_s"], 1), number(r["write_p50_ms"] / hone["write_p50_ms"], 1),
                                  number(r["recall_p50_ms"] / hone["recall_p50_ms"], 1), number(r["recall_p99_ms"] / hone["recall_p99_ms"], 1),
                                  f"{hone['recall_at_10'] - r['recall_at_10']:+.3f}"] for name, r in rows.items()])]
    return "\n".join(out)


def of_report(report):
    out = ["", "Stores only: no language model and no embedder runs. Vectors were made before and each side is handed them through its own interface;",
           f"extraction is off (mem0: infer=False). Writes: batches of {report['batch']}, then one by one; a write counts when the side returns.",
           "syncs: fsync, fdatasync and msync per single write, counted. kept: lessons there after a kill. seen: write one and recall it.",
           f"first answer: opening and one recall. Everything is done in {report['rounds']} interleaved rounds: p50 and p99 of each, median over rounds.",
           "recall@10: against exact search over the same vectors.", "", "What each side calls written:"]
    out += [f"  {name:<16} {words}" for name, words in report["durable"].items()]
    out += ["", report["machine"], ", ".join(f"{name} {version}" for name, version in report["versions"].items())]
    return "\n".join(out)
