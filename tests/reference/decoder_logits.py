"""Records the logits of transformers' own Llama, Qwen2 and Qwen3 on tiny models, tied and untied, with grouped queries, in double precision.
src/nn/decoder_parity_test.cpp compares.
usage: pip install torch==2.15.0 transformers==5.24.0; python3 tests/reference/decoder_logits.py > tests/reference/decoder_logits.json"""
import json

import torch
import transformers
from tiny_decoders import decoder

IDS = [1, 5, 36, 0, 17, 17, 2, 29, 11, 4, 23, 8]


def main():
    models = []
    for family in ("llama", "qwen2", "qwen3"):
        for tied in (True, False):
            net = decoder(family, tied, head_dim=12 if family == "qwen3" else 8, dtype=torch.float64)
            names = sorted(name for name, _ in net.named_parameters())
            with torch.no_grad():
                logits = net(torch.tensor([IDS])).logits[0]
            models.append({"family": family, "tied": tied, "head_dim": net.config.head_dim if hasattr(net.config, "head_dim") else 8, "parameters": names,
                           "logits": [[round(float(x), 5) for x in row] for row in logits[::2]]})
    print(json.dumps({"versions": {"torch": torch.__version__, "transformers": transformers.__version__}, "ids": IDS, "rows": list(range(0, len(IDS), 2)), "models": models},
                     separators=(",", ":")).replace('{"family"', '\n{"family"'))


main()
