"""One measurement of a peer: side.py torch|trl bf16|f32 SEQUENCES TOKENS STEPS; prints one JSON line."""
import json
import os
import resource
import sys
import tempfile
import time

os.environ.update(CUDA_VISIBLE_DEVICES="", HF_HUB_OFFLINE="1", TOKENIZERS_PARALLELISM="false")

import torch
from transformers import LlamaConfig, LlamaForCausalLM

VOCAB = 49152


def model():
    torch.manual_seed(1)
    return LlamaForCausalLM(LlamaConfig(vocab_size=VOCAB, hidden_size=576, num_hidden_layers=30, num_attention_heads=9, num_key_value_heads=3, intermediate_size=1536,
                                        max_position_embeddings=8192, rope_parameters={"rope_type": "default", "rope_theta": 100000.0}, rms_norm_eps=1e-5, tie_word_embeddings=True,
                                        attn_implementation="sdpa", use_cache=False)).float().train()


def with_torch(dtype, sequences, tokens, steps):
    net = model()
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-9, weight_decay=0.0, fused=True)
    ids = torch.randint(0, VOCAB, (sequences, tokens), generator=torch.Generator().manual_seed(1))
    best, loss = float("inf"), 0.0
    for step in range(steps + 1):
        started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
            out = net(input_ids=ids, labels=ids)
        out.loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        loss = float(out.loss.detach())
        if step > 0:
            best = min(best, time.perf_counter() - started)
    return best, loss


def with_trl(dtype, sequences, tokens, steps):
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast, TrainerCallback
    from trl import SFTConfig, SFTTrainer

    ids = torch.randint(0, VOCAB, (sequences * (steps + 1), tokens), generator=torch.Generator().manual_seed(1)).tolist()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"<pad>": 0, "<end>": 1}, unk_token="<pad>")), pad_token="<pad>", eos_token="<end>")
    seconds, losses = [], []

    class Clock(TrainerCallback):
        def on_step_begin(self, *_, **__):
            self.started = time.perf_counter()

        def on_step_end(self, *_, **__):
            seconds.append(time.perf_counter() - self.started)

        def on_log(self, args, state, control, logs=None, **__):
            if "loss" in logs:
                losses.append(float(logs["loss"]))

    config = SFTConfig(output_dir=tempfile.mkdtemp(), max_steps=steps + 1, per_device_train_batch_size=sequences, learning_rate=1e-9, weight_decay=0.0, bf16=dtype == "bf16",
                       gradient_checkpointing=False, logging_steps=1, save_strategy="no", report_to=[], max_length=tokens, use_cpu=True, disable_tqdm=True)
    SFTTrainer(model=model(), args=config, train_dataset=Dataset.from_dict({"input_ids": ids}), processing_class=tokenizer, callbacks=[Clock()]).train()
    return min(seconds[1:]), losses[-1]


def main():
    side, dtype, *numbers = sys.argv[1:]
    sequences, tokens, steps = map(int, numbers)
    torch.set_num_threads(os.cpu_count())
    best, loss = {"torch": with_torch, "trl": with_trl}[side](dtype, sequences, tokens, steps)
    predicted = sequences * (tokens - 1)
    print(json.dumps({"side": side, "dtype": dtype, "sequences": sequences, "tokens": tokens, "tokens_per_second": round(predicted / best, 1), "step_seconds": round(best, 2),
                      "loss": round(loss, 4), "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "torch": torch.__version__}))


main()
