"""Opens a folder that Hone wrote (weights/writing.h) with transformers and says whether it is what the folder says.
usage: pip install torch transformers; python3 tests/reference/saved_weights.py FOLDER [tests/reference/tokenizer_parity.json]

Prints the greedy continuation of three chats (token ids) and their log-probabilities, in float32; with the second argument also how many of
the recorded texts are tokenised as recorded under "smollm2"."""
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

CHATS = ["What is the capital of France?", "Write one sentence about rain.", "2 + 2 ="]


def main():
    folder = sys.argv[1]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model, report = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not any(report.get(k) for k in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    for chat in CHATS:
        text = tokenizer.apply_chat_template([{"role": "user", "content": chat}], add_generation_prompt=True, tokenize=False)
        ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
        said, logp = [], []
        with torch.no_grad():
            for _ in range(16):
                row = torch.log_softmax(model(ids).logits[0, -1].double(), -1)
                token = int(row.argmax())
                said.append(token)
                logp.append(round(float(row[token]), 5))
                ids = torch.cat([ids, torch.tensor([[token]])], 1)
                if token == tokenizer.eos_token_id:
                    break
        print(json.dumps({"chat": chat, "ids": said, "logp": logp}))
    if len(sys.argv) > 2:
        golden = json.load(open(sys.argv[2]))
        same = sum(tokenizer(t, add_special_tokens=False).input_ids == ids for t, ids in zip(golden["texts"], golden["smollm2"]))
        print(f"tokenised as recorded: {same} of {len(golden['texts'])}")


main()
