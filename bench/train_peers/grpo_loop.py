"""Times the whole GRPO loop, replies sampled, judged and learned from: `hone learn` with method grpo (grpo_loop.yaml) beside TRL's GRPOTrainer on the model that Hone exports and
the prompts that Hone played, each side in a process of its own, in turn, on the same cores. A round is `--tasks` prompts, `--group` replies each and one optimiser step (AdamW,
gradient clipped at 1, no reference model); the first round of a measurement is not timed. Prints one JSON line a measurement and a table: by the clock, and by processor time, which
other work on the machine weighs on less.

What is not alike: Hone's rounds include a checkpoint of weights and moments on disk, TRL's save nothing; TRL samples with transformers' generate (no vLLM on a CPU), its bf16 is
autocast over float weights; replies end where each side's draws end them, so tokens are given beside rollouts.
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
TICK = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK  # user and system


def watch(command, environment, rounds):
    """Runs a side; returns its lines and, of each that ends a round, the clock, its processor time and the most memory until then."""
    lines, marks = [], []
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment)
        for line in process.stdout:
            if not line.startswith('{"'):  # TRL ends with a dictionary of Python's
                continue
            event = json.loads(line)
            lines.append(event)
            if event.get("event") == "round":
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                peak = next(int(entry.split()[1]) for entry in status.splitlines() if entry.startswith("VmHWM"))
                marks.append((time.perf_counter(), processor_seconds(process.pid), peak // 1024))
        if process.wait() != 0 or len(marks) != rounds:
            errors.seek(0)
            sys.exit(f"{command[0]} failed ({len(marks)} of {rounds} rounds):\n{errors.read()[-3000:]}")
    return lines, marks


def measured(side, marks, tokens, args):
    seconds, processor = (marks[-1][i] - marks[0][i] for i in (0, 1))
    rollouts = args.tasks * args.group * (len(marks) - 1)
    return {"side": side, "rollouts_per_hour": round(3600 * rollouts / seconds), "rollouts_per_processor_hour": round(3600 * rollouts / processor), "reply_tokens_per_second": round(sum(tokens[1:]) / seconds, 1), "round_seconds": round(seconds / (len(marks) - 1), 1),
            "reply_tokens": round(sum(tokens[1:]) / rollouts, 1), "peak_mib": marks[-1][2], "load": round(os.getloadavg()[0], 1)}


def hone(args, folder, environment):
    settings = {"model.name": args.model, "model.precision": args.dtype, "model.threads": args.threads, "model.batch": args.tasks * args.group, "in_flight": args.tasks * args.group,
                "agent.max_tokens": args.reply_tokens, "method.rounds": args.steps + 1, "method.tasks": args.tasks, "method.group": args.group}
    command = [args.program, "--home", str(folder), "--json", "learn", str(HERE / "grpo_loop.yaml"), "--fresh", *(word for key, value in settings.items() for word in ("--set", f"{key}={value}"))]
    lines, marks = watch(command, environment, args.steps + 1)
    run = next(line["run"] for line in lines if line.get("event") == "run")
    tokens = [line["metrics"]["tokens"] for line in lines if line.get("event") == "round"]
    stored = subprocess.run([args.program, "--home", str(folder), "store", "export", "--run", run], capture_output=True, text=True, check=True, env=environment).stdout
    moves = {}  # of each round and task one
    for line in stored.splitlines():
        episode = json.loads(line).get("episode")
        if episode:
            moves.setdefault(episode["group"], episode)
    in_order = sorted(moves.values(), key=lambda episode: [int(part) for part in episode["key"].split("/")[1:]])
    prompts = [{"goal": episode["task"]["goal"], "ids": episode["steps"][0]["did"]["trace"]["prompt_ids"]} for episode in in_order]
    if len(prompts) != args.tasks * (args.steps + 1):
        sys.exit(f"hone played {len(prompts)} groups, expected {args.tasks * (args.steps + 1)}")
    return measured("hone", marks, tokens, args), folder / "runs" / run / "model" / "safetensors", prompts


def trl(args, model, prompts, folder, environment):
    system = next(line.split('system: "')[1].split('"')[0] for line in open(HERE / "grpo_loop.yaml", encoding="utf-8") if line.startswith("agent:"))
    path = folder / "prompts.json"
    path.write_text(json.dumps({"system": system, "prompts": prompts}), encoding="utf-8")
    command = [sys.executable, str(HERE / "grpo_side.py"), str(model), str(path), args.dtype, *(str(n) for n in (args.threads, args.tasks, args.group, args.reply_tokens, args.steps + 1))]
    lines, marks = watch(command, environment, args.steps + 1)
    return measured("trl", marks, [line["tokens"] for line in lines if line.get("event") == "round"], args)


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--program", required=True, help=argparse.SUPPRESS)
    ask.add_argument("--model", default="smollm2-135m", help="of the catalogue, or a folder or file (default smollm2-135m)")
    fast = any(line.startswith("flags") and "avx512_bf16" in line for line in open("/proc/cpuinfo", encoding="utf-8"))
    ask.add_argument("--dtype", default="bf16" if fast else "f32", choices=("bf16", "f32"), help="default bf16 where the CPU multiplies it, else f32")
    ask.add_argument("--tasks", type=int, default=4, help="prompts of a round (default 4)")
    ask.add_argument("--group", type=int, default=4, help="replies to each (default 4)")
    ask.add_argument("--reply-tokens", type=int, default=32, help="most tokens of a reply (default 32)")
    ask.add_argument("--steps", type=int, default=2, help="timed rounds of a measurement, after one that is not (default 2)")
    ask.add_argument("--rounds", type=int, default=1, help="measurements of each side (default 1)")
    ask.add_argument("--threads", type=int, default=1, help="and as many cores (default 1)")
    args = ask.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:args.threads])
    environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads), OPENBLAS_NUM_THREADS=str(args.threads), MKL_NUM_THREADS=str(args.threads), CUDA_VISIBLE_DEVICES="", HF_HUB_OFFLINE="1",
                       TOKENIZERS_PARALLELISM="false")
    environment.setdefault("OMP_WAIT_POLICY", "passive")  # on a busy machine threads that wait would be timed
    print(json.dumps({"dtype": args.dtype, "cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0], "cpu": next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")}))
    found = {"hone": [], "trl": []}
    for _ in range(args.rounds):
        with tempfile.TemporaryDirectory(prefix="hone_grpo_loop_") as home:
            ours, model, prompts = hone(args, pathlib.Path(home), environment)
            print(json.dumps(ours), flush=True)
            theirs = trl(args, model, prompts, pathlib.Path(home), environment)
            print(json.dumps(theirs), flush=True)
        found["hone"].append(ours), found["trl"].append(theirs)
    print("\n| side | rollouts/h, median | from, to | rollouts per hour of processor time | reply tokens/s, median | tokens a reply | seconds a round | peak memory, MiB |\n|---|---|---|---|---|---|---|---|")
    for side, runs in found.items():
        of = lambda name: [run[name] for run in runs]
        print(f"| {side} | {statistics.median(of('rollouts_per_hour')):.0f} | {min(of('rollouts_per_hour'))}, {max(of('rollouts_per_hour'))} | {statistics.median(of('rollouts_per_processor_hour')):.0f} | {statistics.median(of('reply_tokens_per_second')):.1f} | "
              f"{statistics.median(of('reply_tokens')):.1f} | {statistics.median(of('round_seconds')):.1f} | {max(of('peak_mib'))} |")
    for name, words in (("rollouts_per_hour", "rollouts an hour"), ("rollouts_per_processor_hour", "rollouts per hour of processor time"), ("reply_tokens_per_second", "reply tokens a second")):
        ratios = [ours[name] / theirs[name] for ours, theirs in zip(found["hone"], found["trl"])]
        print(f"\nhone to trl, {words}: {statistics.median(ratios):.2f} times (of each measurement: {', '.join(f'{r:.2f}' for r in ratios)})")


main()
