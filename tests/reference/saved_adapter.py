"""Loads adapters that Hone wrote with peft, over the folder they were trained on, and says how far that is from the merged model beside them.
usage: pip install torch==2.15.0 transformers==5.24.0 peft==0.21.2; python3 tests/reference/saved_adapter.py BASE_FOLDER RUN/model

RUN/model is what a run leaves behind (docs/methods/weights.md): adapter/ and safetensors/. Prints the largest difference of a logit over random
tokens, and of the base from either, in float32."""
import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM


def main():
    base_folder, made = sys.argv[1:3]
    base = AutoModelForCausalLM.from_pretrained(base_folder, dtype=torch.float32)
    merged = AutoModelForCausalLM.from_pretrained(f"{made}/safetensors", dtype=torch.float32)
    ids = torch.randint(0, base.config.vocab_size, (4, 32), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        plain = base(ids).logits.clone()
        adapted = PeftModel.from_pretrained(base, f"{made}/adapter")
        with_adapters, together = adapted(ids).logits, merged(ids).logits
    print(json.dumps({"adapted_from_merged": float((with_adapters - together).abs().max()), "base_from_merged": float((plain - together).abs().max()),
                      "trained": sum(p.numel() for n, p in adapted.named_parameters() if "lora_" in n)}))


main()
