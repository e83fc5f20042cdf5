"""TRL's side of the GRPO loop: grpo_side.py MODEL PROMPTS bf16|f32 THREADS TASKS GROUP REPLY_TOKENS ROUNDS; prints one JSON line a round."""
import json
import sys
import tempfile

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer


def main():
    path, prompts_path, dtype, *numbers = sys.argv[1:]
    threads, tasks, group, reply_tokens, rounds = map(int, numbers)
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    tokenizer = AutoTokenizer.from_pretrained(path)
    given = json.load(open(prompts_path, encoding="utf-8"))
    rows = [[{"role": "system", "content": given["system"]}, {"role": "user", "content": row["goal"]}] for row in given["prompts"]]
    for messages, row in zip(rows, given["prompts"]):
        ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=True, return_dict=True)["input_ids"]
        assert list(ids) == row["ids"], f"not the prompt that was played: {ids} for {row['ids']}"
    written = []

    # What a reply is worth changes no time; Hone's world compares a number.
    def reward(completion_ids, **_):
        written.append(sum(len(ids) for ids in completion_ids))
        return [float(sum(ids) % 2) for ids in completion_ids]

    class Lines(TrainerCallback):
        def on_step_end(self, *_, **__):
            print(json.dumps({"event": "round", "tokens": written[-1]}), flush=True)

    # One step a generation, so that nothing is scored twice; no reference model (beta 0).
    config = GRPOConfig(output_dir=tempfile.mkdtemp(), max_steps=rounds, per_device_train_batch_size=tasks * group, num_generations=group, gradient_accumulation_steps=1, steps_per_generation=1,
                        max_completion_length=reply_tokens, temperature=1.0, top_k=0, top_p=1.0, beta=0.0, loss_type="dr_grpo", scale_rewards="none", learning_rate=1e-9, weight_decay=0.0, lr_scheduler_type="constant",
                        max_grad_norm=1.0, bf16=dtype == "bf16", gradient_checkpointing=False, shuffle_dataset=False, logging_strategy="no", save_strategy="no", report_to=[], use_cpu=True, disable_tqdm=True)
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    GRPOTrainer(model=model, reward_funcs=reward, args=config, train_dataset=Dataset.from_list([{"prompt": row} for row in rows]), processing_class=tokenizer, callbacks=[Lines()]).train()


main()
