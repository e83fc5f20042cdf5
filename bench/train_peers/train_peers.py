"""Times optimiser steps of supervised fine-tuning on a model of SmolLM2-135M's shape (random weights, random tokens, AdamW, gradient clipped at 1),
each side in a process of its own, in turn, several rounds; prints one JSON line a measurement and a table of each side's best and median.

  torch   PyTorch and transformers: LlamaForCausalLM, scaled dot product attention, torch.optim.AdamW (fused); bf16 = autocast over float weights, as Hone's
  trl     TRL's SFTTrainer on the same model and batches, bf16 as its own setting
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

SIDES = ("hone", "torch", "trl")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--dtype", default="bf16", choices=("bf16", "f32"))
    parser.add_argument("--sequences", type=int, default=4, help="sequences of a step (default 4)")
    parser.add_argument("--tokens", type=int, default=512, help="tokens of each (default 512)")
    parser.add_argument("--steps", type=int, default=4, help="timed steps of a measurement, after one that is not (default 4)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each side (default 3)")
    parser.add_argument("--sides", default=",".join(SIDES), help="some of hone,torch,trl (default all)")
    args = parser.parse_args()
    sides = args.sides.split(",")
    unknown = [side for side in sides if side not in SIDES]
    if unknown:
        parser.error(f"--sides: expected some of {', '.join(SIDES)}, got {unknown[0]!r}")
    print(json.dumps({"cores": os.cpu_count(), "load": os.getloadavg()[0], "cpu": next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")}))
    found = {side: [] for side in sides}
    for _ in range(args.rounds):
        for side in sides:
            shape = [args.dtype, str(args.sequences), str(args.tokens), str(args.steps)]
            command = [args.program, *shape] if side == "hone" else [sys.executable, str(pathlib.Path(__file__).with_name("side.py")), side, *shape]
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                sys.exit(f"{side} failed:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
            line = done.stdout.strip().splitlines()[-1]
            print(line, flush=True)
            found[side].append(json.loads(line))
    losses = [runs[0]["loss"] for runs in found.values()]
    # The learning rate is next to nothing, so that each loss is the first weights': about log(49,152) = 10.8 for random ones of one deviation.
    assert max(losses) - min(losses) < 0.3, f"the sides don't compute the same: losses {losses}"
    print(f"\n| side | tokens/s, best | median | seconds a step, best | peak memory, MiB |\n|---|---|---|---|---|")
    for side, runs in found.items():
        speeds = [run["tokens_per_second"] for run in runs]
        print(f"| {side} | {max(speeds):.0f} | {statistics.median(speeds):.0f} | {min(run['step_seconds'] for run in runs):.2f} | {max(run['peak_mib'] for run in runs):.0f} |")


main()
