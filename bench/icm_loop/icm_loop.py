"""Times the whole loop of curiosity in the maze (loop.yaml without evaluation: 16 mazes, rollouts of 20 decisions, A2C with an LSTM, ICM): `hone learn`
beside the same written in PyTorch, which steps the same mazes through python/hone_worlds; each side in a process of its own, in turn, several rounds, on the
same cores. Prints one JSON line a measurement and a table: decisions a second by the clock; processor time a decision, which other work on the machine weighs on
less; and GFLOP a second of processor time, beside that of a matrix product in the same run.

  hone           hone learn; a checkpoint of the networks after every window is part of it
  torch          acting without gradients, then forward again over the whole rollout in one batch and one way back
  torch-graph    acting builds the graph that learning goes back through: nothing of actor and critic is computed twice
  ...+channels_last, +compile   the same with convolutions in that memory format, with encoders through torch.compile

Threads that wait sleep (OMP_WAIT_POLICY=passive, unless it is set), else a loaded machine's numbers are those of waiting; world threads are as many.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SLOTS, ROLLOUT, ACTIONS, MEMORY, FEATURES, HIDDEN = 16, 20, 4, 256, 288, 256
SIDES = "hone,torch,torch+channels_last,torch-graph+channels_last+compile"
TICK = os.sysconf("SC_CLK_TCK")


def multiply_adds():
    """Of one decision, as the loop needs them whoever computes it: acting, the way forward and back (twice forward, less the slope of the frames), and of each
    rollout one more row of states. Activations, the optimiser and the worlds are not counted."""
    convolutions = [side * side * 9 * channels * 32 for side, channels in ((21, 4), (11, 32), (6, 32), (3, 32))]
    actor = sum(convolutions) + (FEATURES + MEMORY) * 4 * MEMORY + MEMORY * (ACTIONS + 1)
    heads = 2 * FEATURES * HIDDEN + HIDDEN * ACTIONS + (FEATURES + ACTIONS) * HIDDEN + HIDDEN * FEATURES
    curiosity = sum(convolutions) + heads
    return 4 * actor - convolutions[0] + 3 * curiosity - convolutions[0] + (actor + sum(convolutions)) / ROLLOUT


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK  # user and system


def command_of(side, args, home):
    if side == "hone":
        settings = {"threads": args.threads, "evaluation.enabled": "false", "method.round": args.window, "method.steps": (args.windows + 1) * args.window * SLOTS * ROLLOUT}
        return [args.program, "--home", home, "--json", "learn", str(pathlib.Path(__file__).with_name("loop.yaml")), "--fresh", *(word for key, value in settings.items() for word in ("--set", f"{key}={value}"))]
    kind, *flags = side.split("+")
    return [sys.executable, str(HERE / "side.py"), str(args.threads), str(args.windows + 1), str(args.window), *(["graph"] if kind == "torch-graph" else []), *flags]


def measure(side, args):
    """Windows after the first, timed by the lines that end them."""
    with tempfile.TemporaryDirectory(prefix="hone_icm_loop_") as home:
        errors = open(pathlib.Path(home, "errors"), "w+", encoding="utf-8")
        process = subprocess.Popen(command_of(side, args, home), stdout=subprocess.PIPE, stderr=errors, text=True)
        marks, metrics = [], []
        for line in process.stdout:
            event = json.loads(line)
            if event.get("event") != "round":
                continue
            marks.append((time.perf_counter(), processor_seconds(process.pid)))
            metrics.append(event["metrics"])
        if process.wait() != 0 or len(marks) != args.windows + 1:
            errors.seek(0)
            sys.exit(f"{side} failed ({len(marks)} of {args.windows + 1} windows):\n{errors.read()[-3000:]}")
    decisions = args.windows * args.window * SLOTS * ROLLOUT
    seconds, cpu = (marks[-1][i] - marks[0][i] for i in (0, 1))
    kept = {name: round(metrics[0][name], 4) for name in ("forward_loss", "inverse_loss", "entropy")}
    return {"side": side, "decisions_per_second": round(decisions / seconds, 1), "processor_us": round(1e6 * cpu / decisions, 1), "load": round(os.getloadavg()[0], 1), "first_window": kept}


def gemm(args):
    done = subprocess.run([sys.executable, str(HERE / "side.py"), str(args.threads), "gemm"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    print(json.dumps(found), flush=True)
    return max(found["torch"], found["numpy"])


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--program", required=True, help=argparse.SUPPRESS)
    ask.add_argument("--sides", default=SIDES, help=f"default {SIDES}")
    ask.add_argument("--threads", type=int, default=2, help="and as many cores (default 2)")
    ask.add_argument("--window", type=int, default=16, help="rollouts of a timed window (default 16: 5,120 decisions)")
    ask.add_argument("--windows", type=int, default=2, help="windows of a measurement, after one that is not timed (default 2)")
    ask.add_argument("--rounds", type=int, default=3, help="measurements of each side (default 3)")
    args = ask.parse_args()
    sides = args.sides.split(",")
    for side in sides:
        kind, *flags = side.split("+")
        if kind not in ("hone", "torch", "torch-graph") or set(flags) - {"channels_last", "compile"} or (kind == "hone" and flags):
            ask.error(f"--sides: there is no side {side!r}")
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:args.threads])
    os.environ.update(OMP_NUM_THREADS=str(args.threads), OPENBLAS_NUM_THREADS=str(args.threads), MKL_NUM_THREADS=str(args.threads))
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    print(json.dumps({"cores": len(os.sched_getaffinity(0)), "load": os.getloadavg(), "cpu": next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")}))
    found, products = {side: [] for side in sides}, []
    for _ in range(args.rounds):
        products.append(gemm(args))
        for side in sides:
            found[side].append(measure(side, args))
            print(json.dumps(found[side][-1]), flush=True)
    # Different draws, the same loop: at first every side guesses actions blindly, acts nearly at random and is about as surprised.
    first = [run["first_window"] for runs in found.values() for run in runs]
    for name, ratio in (("inverse_loss", 1.05), ("entropy", 1.1), ("forward_loss", 4.0)):
        values = [f[name] for f in first]
        assert max(values) <= ratio * min(values), f"the sides don't do the same: {name} {values}"
    flop, peak = 2 * multiply_adds(), max(products)
    print(f"\n{flop / 1e6:.1f} MFLOP a decision; products of 1,536 by 1,536: {min(products):.1f} to {peak:.1f} GFLOP a second of processor time\n")
    print("| side | decisions/s, median | from, to | processor time a decision, median, µs | from, to | GFLOP a second of it | of the product's best |\n|---|---|---|---|---|---|---|")
    for side, runs in found.items():
        speeds, times = ([run[name] for run in runs] for name in ("decisions_per_second", "processor_us"))
        rate = 1e-3 * flop / statistics.median(times)
        print(f"| {side} | {statistics.median(speeds):.0f} | {min(speeds):.0f}, {max(speeds):.0f} | {statistics.median(times):.0f} | {min(times):.0f}, {max(times):.0f} | {rate:.1f} | {100 * rate / peak:.0f} % |")


main()
