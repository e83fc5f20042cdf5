#!/usr/bin/env python3
"""all-MiniLM-L6-v2 on twenty sentences, written in numpy from the BERT paper: the judge of our embedder.

Independent of llama.cpp and of our converter: weights straight from the published model.safetensors, token ids from the
tokenizers package and the published tokenizer.json. Arithmetic in double precision. Recorded once in minilm_20.json.

    python3 minilm_reference.py FOLDER_WITH_MODEL > minilm_20.json      (needs numpy, safetensors, tokenizers)
"""
import json
import math
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

SENTENCES = [
    "My card was stolen yesterday.",
    "Someone took my debit card, please block it!",
    "How do I change the address on my account?",
    "The quick brown fox jumps over the lazy dog.",
    "What's the exchange rate from euros to pounds today?",
    "I'd like to complain about the queue at your branch in Leeds.",
    "transfer 250.75 EUR to account 12-34-56",
    "Café au lait, crème brûlée and a naïve résumé",
    "UPPER CASE IS LOWERED BEFORE IT IS SPLIT",
    "a",
    "Antidisestablishmentarianism isn't an everyday word; floccinaucinihilipilification even less so.",
    "Go to the desk, open the drawer (2nd from the top), take the key.",
    "你好，世界",
    "Die Straßenbahn fährt um 7:45 Uhr ab.",
    "foo_bar(x) -> {y: 3} # comment",
    "Heat the mug in the microwave and put it on the coffee table.",
    "Heat a cup, then place it on the coffeetable",
    "\tTabs\nand newlines   and   many   spaces ",
    "Emoji 🙂 are unknown to this vocabulary",
    "The bank raised its interest rate by a quarter of a percent, which surprised most observers because inflation had been "
    "falling for six months and the labour market was showing the first signs of weakness since the spring of last year.",
]

LAYERS, HEADS, EPSILON = 6, 12, 1e-12


def layer_norm(x, w, name):
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON)
    return scaled * w[name + ".weight"] + w[name + ".bias"]


def linear(x, w, name):
    return x @ w[name + ".weight"].T + w[name + ".bias"]


gelu = np.vectorize(lambda v: 0.5 * v * (1.0 + math.erf(v / math.sqrt(2.0))))


def encode(ids, w):
    x = w["embeddings.word_embeddings.weight"][ids] + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = layer_norm(x + w["embeddings.token_type_embeddings.weight"][0], w, "embeddings.LayerNorm")
    size = x.shape[1] // HEADS
    for n in range(LAYERS):
        at = f"encoder.layer.{n}."
        split = lambda name: linear(x, w, at + "attention.self." + name).reshape(len(ids), HEADS, size).transpose(1, 0, 2)
        q, k, v = split("query"), split("key"), split("value")
        scores = q @ k.transpose(0, 2, 1) / math.sqrt(size)
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        mixed = (weights @ v).transpose(1, 0, 2).reshape(len(ids), -1)
        x = layer_norm(x + linear(mixed, w, at + "attention.output.dense"), w, at + "attention.output.LayerNorm")
        inner = gelu(linear(x, w, at + "intermediate.dense"))
        x = layer_norm(x + linear(inner, w, at + "output.dense"), w, at + "output.LayerNorm")
    pooled = x.mean(0)
    return pooled / np.linalg.norm(pooled)


def main():
    folder = pathlib.Path(sys.argv[1])
    weights = {k: v.astype(np.float64) for k, v in load_file(folder / "model.safetensors").items() if v.dtype.kind == "f"}
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    rows = []
    for text in SENTENCES:
        ids = tokenizer.encode(text).ids
        rows.append({"text": text, "ids": ids, "vector": [round(float(v), 6) for v in encode(ids, weights)]})
    head = {"model": "all-MiniLM-L6-v2", "made_by": "minilm_reference.py", "numpy": np.__version__}
    lines = ",\n".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")) for r in rows)
    print(json.dumps(head)[:-1] + ', "sentences": [\n' + lines + "\n]}")


main()
