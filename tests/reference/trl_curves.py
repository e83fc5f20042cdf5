"""Records 20 optimiser steps of TRL's SFTTrainer and DPOTrainer on a tiny Llama in float32, all weights and with peft's adapters: every batch as
its trainer made it, losses, gradient norms, learning rates; also peft's names of adapters and transformers' learning-rate schedules.
tests/unit/trl_curves_test.cpp and src/learners/training_test.cpp compare.
usage: pip install torch==2.15.0 transformers==5.24.0 trl==1.16.0 peft==0.21.2 accelerate==1.15.0 datasets==5.2.0
       python3 tests/reference/trl_curves.py > tests/reference/trl_curves.json"""
import contextlib
import json
import os
import pathlib
import random
import sys
import tempfile

os.environ.update(HF_HUB_OFFLINE="1", CUDA_VISIBLE_DEVICES="", TRL_EXPERIMENTAL_SILENCE="1")

import peft
import safetensors
import torch
import transformers
import trl
from datasets import Dataset
from named_numbers import numbers
from tiny_decoders import decoder
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, get_scheduler

STEPS, ROWS, WORDS = 20, 4, 33


def tokenizer():
    words = {"<pad>": 0, "<begin>": 1, "<end>": 2, "<what>": 3, **{f"w{i}": 4 + i for i in range(WORDS)}}
    made = Tokenizer(models.WordLevel(words, unk_token="<what>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=made, pad_token="<pad>", bos_token="<begin>", eos_token="<end>", unk_token="<what>")


def words(rng, count):
    return " ".join(f"w{rng.randrange(WORDS)}" for _ in range(count))


def rows(kind):
    """Replies follow from the prompt's first word, so that there is something to learn."""
    rng = random.Random(5)
    out = []
    for _ in range(STEPS * ROWS):
        first = rng.randrange(6)
        prompt = f"w{first} " + words(rng, rng.randrange(1, 5))
        right = f" w{first + 10} w{first + 20} " + words(rng, rng.randrange(1, 4)) + " <end>"
        if kind == "sft":
            out.append({"prompt": prompt, "completion": right})
        else:
            out.append({"prompt": prompt, "chosen": right, "rejected": f" w{(first + 3) % 6 + 10} " + words(rng, rng.randrange(1, 5)) + " <end>"})
    return Dataset.from_list(out)


def recording(base):
    class Recording(base):
        batches, losses = [], []

        def _get_train_sampler(self, *_, **__):
            return torch.utils.data.SequentialSampler(self.train_dataset)

        def training_step(self, model, inputs, *rest, **more):
            kept = {k: v.tolist() for k, v in inputs.items() if isinstance(v, torch.Tensor)}
            loss = super().training_step(model, inputs, *rest, **more)
            self.batches.append(kept)
            self.losses.append(float(loss))
            return loss

    Recording.batches, Recording.losses = [], []
    return Recording


def sequences(batch, kind):
    """Token ids and which of them count, padding cut off; of preferences chosen and rejected in turn."""
    out = []
    ids, attention = batch["input_ids"], batch["attention_mask"]
    counts = [[int(x != -100) for x in row] for row in batch["labels"]] if "labels" in batch else batch["completion_mask"]
    for row, there, trained in zip(ids, attention, counts):
        n = sum(there)
        assert there[:n] == [1] * n, "padded on the right"
        out.append({"ids": row[:n], "trained": trained[:n]})
    if kind == "dpo":
        half = len(out) // 2
        out = [x for pair in zip(out[:half], out[half:]) for x in pair]
    return out


def curve(kind, adapters, schedule):
    net = decoder("llama", True)
    config = dict(output_dir=tempfile.mkdtemp(), max_steps=STEPS, per_device_train_batch_size=ROWS, learning_rate=0.01, lr_scheduler_type=schedule, warmup_steps=3, logging_steps=1,
                  bf16=False, fp16=False, use_cpu=True, gradient_checkpointing=False, save_strategy="no", report_to=[], max_length=64, weight_decay=0.01, optim="adamw_torch",
                  disable_tqdm=True)
    lora = peft.LoraConfig(r=4, lora_alpha=8, lora_dropout=0.0, bias="none", task_type="CAUSAL_LM",
                           target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]) if adapters else None
    trainer_class, config_class = (trl.SFTTrainer, trl.SFTConfig) if kind == "sft" else (trl.DPOTrainer, trl.DPOConfig)
    reference = {"ref_model": decoder("llama", True)} if kind == "dpo" and not adapters else {}  # else it would be read from a path; with adapters it is the base
    trainer = recording(trainer_class)(model=net, args=config_class(**config), train_dataset=rows(kind), processing_class=tokenizer(), peft_config=lora, **reference)
    if adapters:
        with torch.no_grad():
            for name, weight in trainer.model.named_parameters():
                if "lora_A" in name and "ref" not in name:
                    plain = name.replace(".default", "")
                    weight.copy_(torch.from_numpy(numbers(plain, weight.numel()) * 0.75).float().view_as(weight))
    trainer.train()
    logs = [entry for entry in trainer.state.log_history if "grad_norm" in entry]
    assert len(logs) == len(trainer.losses) == STEPS
    out = {"kind": kind, "adapters": adapters, "schedule": schedule, "lr": [entry["learning_rate"] for entry in logs], "loss": [round(x, 7) for x in trainer.losses],
           "gradient_norm": [round(float(entry["grad_norm"]), 6) for entry in logs], "steps": [sequences(batch, kind) for batch in trainer.batches]}
    if adapters:
        folder = pathlib.Path(tempfile.mkdtemp())
        trainer.model.save_pretrained(folder)
        with safetensors.safe_open(folder / "adapter_model.safetensors", "pt") as file:
            out["names"] = {name: list(file.get_slice(name).get_shape()) for name in sorted(file.keys())}
    return out


def schedules():
    out = []
    for name, warmup, steps, more in (("constant_with_warmup", 0, 10, {}), ("constant_with_warmup", 4, 10, {}), ("linear", 0, 10, {}), ("linear", 3, 25, {}), ("cosine", 0, 10, {}),
                                      ("cosine", 5, 40, {}), ("cosine_with_min_lr", 4, 30, {"min_lr_rate": 0.1})):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        scheduler = get_scheduler(name, optimizer, num_warmup_steps=warmup, num_training_steps=steps, scheduler_specific_kwargs=more or None)
        rates = []
        for _ in range(steps):
            rates.append(scheduler.get_last_lr()[0])
            optimizer.step()
            scheduler.step()
        out.append({"name": name, "warmup": warmup, "steps": steps, "min": more.get("min_lr_rate", 0.0), "rates": [round(x, 12) for x in rates]})
    return out


def main():
    with contextlib.redirect_stdout(sys.stderr):  # the trainers print
        curves = [curve("sft", False, "linear"), curve("sft", True, "cosine"), curve("dpo", False, "cosine"), curve("dpo", True, "linear")]
    versions = {m.__name__: m.__version__ for m in (torch, transformers, trl, peft)}
    lines = [f'"versions":{json.dumps(versions)}', '"schedules":[\n' + ",\n".join(json.dumps(s, separators=(",", ":")) for s in schedules()) + "\n]",
             '"curves":[\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in curves) + "\n]"]
    sys.stdout.write("{\n" + ",\n".join(lines) + "\n}\n")


main()
