"""The file of texts and vectors that all sides read (bench/peers_data.h says how it is laid out), and how it is made.

Texts: banking77 where it is beside the repository, else the desk's requests; each text once. Vectors: all-MiniLM-L6-v2 through Hone's
embedder. Beyond the real texts come perturbed copies: the unit-length sum of a real vector and seeded Gaussian noise of length
`NOISE`, so a copy stands at a cosine of about 1 / sqrt(1 + NOISE**2) = 0.96 to its original and
competes with real texts (the tenth nearest of 10,000 real ones stands at 0.82 on average). Its text is the original's with a number.
Questions are real texts that are no lesson.
"""
import csv
import hashlib
import os
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np

NOISE, SEED, QUESTIONS, PIECE = 0.3, 20, 200, 500
MAGIC = b"HONEPEER"


class Data:
    def __init__(self, path):
        with open(path, "rb") as file:
            if file.read(8) != MAGIC:
                raise SystemExit(f"peers: {path} is not a file of bench/peers")
            self.dimensions, self.rows, self.questions = struct.unpack("<3Q", file.read(24))
            count = self.rows * self.dimensions
            self.vectors = np.frombuffer(file.read(4 * count), dtype="<f4").reshape(self.rows, self.dimensions)
            self.texts = []
            for _ in range(self.rows):
                (length,) = struct.unpack("<I", file.read(4))
                self.texts.append(file.read(length).decode())
        self.row = {text: i for i, text in enumerate(self.texts)}

    def question(self, q):
        return self.rows - self.questions + q % self.questions

    def vector(self, text):
        return self.vectors[self.row[text]]


def real_texts(root):
    """Texts and where they come from; the last ones are meant as questions."""
    bank = root.parent / "shared" / "data" / "banking77"
    files = [bank / "train.csv", bank / "test.csv"] if bank.is_dir() else [root / "data" / "desk" / "requests.csv"]
    texts = {}
    for path in files:
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                texts[" ".join(row["text"].split())] = None
    return list(texts), "banking77" if bank.is_dir() else "data/desk"


def perturbed(vectors, texts, count):
    rng = np.random.Generator(np.random.PCG64(SEED))
    made, names = np.empty((count, vectors.shape[1]), dtype=np.float32), []
    for i in range(count):
        noise = rng.standard_normal(vectors.shape[1])
        row = vectors[i % len(texts)].astype(np.float64) + NOISE * noise / np.linalg.norm(noise)
        made[i] = row / np.linalg.norm(row)
        names.append(f"{texts[i % len(texts)]} ({i // len(texts) + 2})")
    return made, names


def embedded(texts, program, cache):
    """Vectors of all texts, kept in pieces, so that an interrupted start is not lost."""
    out = []
    for at in range(0, len(texts), PIECE):
        piece = "\n".join(texts[at:at + PIECE]).encode()
        path = Path(cache) / f"peers-vectors-{hashlib.sha256(piece).hexdigest()[:16]}.f32"
        if not path.exists():
            print(f"embedding texts {at:,} to {min(at + PIECE, len(texts)):,} of {len(texts):,}", file=sys.stderr, flush=True)
            done = subprocess.run([program, "embed"], input=piece, stdout=subprocess.PIPE)
            if done.returncode != 0:
                raise SystemExit("peers: no vectors; `hone model pull all-minilm-l6-v2` gets the embedder")
            part = path.with_suffix(f".{os.getpid()}")
            part.write_bytes(done.stdout)
            part.rename(path)
        out.append(np.fromfile(path, dtype="<f4").reshape(len(texts[at:at + PIECE]), -1))
    return np.concatenate(out)


def make(root, program, cache, lessons):
    """The path of the file for this many lessons; made once and kept."""
    texts, source = real_texts(root)
    real = min(lessons, len(texts) - QUESTIONS)
    key = hashlib.sha256("\n".join([str((lessons, NOISE, SEED, QUESTIONS)), *texts]).encode()).hexdigest()[:16]
    path = Path(cache) / f"peers-data-{key}.bin"
    words = f"{real} texts of {source}"
    if lessons > real:
        words += f" and {lessons - real} perturbed copies"
    if path.exists():
        return path, words
    vectors = embedded(texts, program, cache)
    vectors = np.concatenate([vectors[:real], vectors[-QUESTIONS:]])
    made, names = perturbed(vectors[:real], texts[:real], lessons - real)
    rows = np.concatenate([vectors[:real], made, vectors[real:]])
    part = path.with_suffix(f".{os.getpid()}")
    with open(part, "wb") as file:
        file.write(MAGIC + struct.pack("<3Q", rows.shape[1], len(rows), QUESTIONS))
        file.write(np.ascontiguousarray(rows, dtype="<f4").tobytes())
        for text in texts[:real] + names + texts[-QUESTIONS:]:
            file.write(struct.pack("<I", len(text.encode())) + text.encode())
    part.rename(path)
    return path, words


def nearest(data, lessons, k):
    """Exact: for each question, the score of its k-th nearest lesson, and all scores."""
    scores = data.vectors[-data.questions:].astype(np.float64) @ data.vectors[:lessons].astype(np.float64).T
    return np.partition(scores, -k, axis=1)[:, -k], scores
