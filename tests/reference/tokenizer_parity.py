"""Records what Hugging Face `tokenizers` makes of the texts below: tests/reference/tokenizer_parity.json.
usage: pip install tokenizers gguf; python3 tests/reference/tokenizer_parity.py smollm2-135m.gguf > tests/reference/tokenizer_parity.json

Two vocabularies: SmolLM2's, put together here from the GGUF's tokens and merges in the published form (Digits, then ByteLevel), and one of
600 tokens trained here by BpeTrainer on this script's own training text, merges included, for our trainer to be held against."""
import json
import random
import sys

from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def cuts():
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)])


def texts():
    fixed = [
        "", " ", "  ", "a", " a", "Hello, world!", "Hello,  world!   ", "\n", "\n\n\n", "\t\tx\n", " \n \n", "a\r\nb\r\n", "it's I'll they've you'd we're I'm 'tis can't",
        "IT'S I'LL", "1", "12", "1234567890", "3.14159 and 1,000,000", "x1y2z3", "½ ² Ⅷ ٣٤ 一二三", "naïve café — “quotes” … ok", "Straße ÄÖÜ äöü", "Ελληνικά και кириллица",
        "日本語のテキストと中文混排。", "한국어 문장입니다", "नमस्ते दुनिया", "שלום עולם", "مرحبا بالعالم", "👍🏽 👨‍👩‍👧‍👦 🇩🇪 😀😀", "e\u0301 vs é", "\u00a0nbsp\u2003em\u3000wide", "\u200bzero\u200dwidth",
        "<|im_end|> in text", "<|im_start|>user\nhi<|im_end|>\n", "< | im_end | >", "foo<|endoftext|>bar", "def f(x):\n    return x ** 2  # square\n",
        "for (int i = 0; i < n; ++i) {\n\tsum += a[i] * b[i];\n}\n", "SELECT * FROM t WHERE a >= 10 AND b <> 'x';", "{\"a\": [1, 2.5e-3, null], \"b\": \"c\\n\"}", "https://example.org/a/b?c=d&e=f#g",
        "$$x^2 + y^2 = z^2$$", "a" * 200, " " * 40 + "x", "-" * 65, "=====\n-----\n", "🙂" * 9, "\x00\x01\x7f", "tab\there", "trailing space ", "trailing newline\n", "\ufeffbom", "ﬁ ligature Ⅳ",
        "snake_case camelCase PascalCase kebab-case", "ALLCAPS and lower", "日本 2024年12月31日", "5'10\" tall", "don’t — curly", "...!!!???", "(a(b(c)))", "C++20, C#, F#", "a\u2028b\u2029c", "x\u0085y",
    ]
    rng = random.Random(7)
    alphabet = list("abcdefghijklmnop   eeettt  \n\t0123456789.,;:!?'\"-_()[]{}<>|/\\@#$%^&*+=~`ÄßéñøłЖдяαω中文日語한글👍ﬀ²½")
    made = ["".join(rng.choice(alphabet) for _ in range(rng.randint(1, 60))) for _ in range(250)]
    return fixed + made


def training():
    rng = random.Random(3)
    words = ["the", "card", "was", "lost", "and", "found", "again", "transfer", "transferred", "transferring", "account", "accounts", "balance", "is", "isn't", "naïve", "2024", "17", "open", "opened", "opening", "Zürich", "日本語"]
    words += ["".join(rng.choice(["ka", "lo", "mi", "ne", "stra", "ver", "ing", "qu", "ß"]) for _ in range(rng.randint(1, 4))) for _ in range(200)]
    return [" ".join(rng.choice(words) for _ in range(rng.randint(4, 12))) + rng.choice([".", "!", "?\n", "...", ";  "]) for _ in range(400)]


def smollm2(path):
    reader = GGUFReader(path)
    strings = lambda key: [bytes(reader.fields[key].parts[i]).decode() for i in reader.fields[key].data]
    tokens, merges = strings("tokenizer.ggml.tokens"), strings("tokenizer.ggml.merges")
    kinds = [int(reader.fields["tokenizer.ggml.token_type"].parts[i][0]) for i in reader.fields["tokenizer.ggml.token_type"].data]
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, [tuple(m.split(" ")) for m in merges]))
    tokenizer.pre_tokenizer, tokenizer.decoder = cuts(), decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t, k in zip(tokens, kinds) if k == 3])
    return tokenizer


def trained(lines):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = cuts(), decoders.ByteLevel()
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(vocab_size=600, min_frequency=2, special_tokens=SPECIALS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    return tokenizer


def main():
    lines, asked = training(), texts()
    small, large = trained(lines), smollm2(sys.argv[1])
    model = json.loads(small.to_str())["model"]
    ids = lambda tokenizer: [tokenizer.encode(t).ids for t in asked]
    json.dump({"texts": asked, "training": lines, "smollm2": ids(large), "trained": ids(small), "tokens": [t for t, _ in sorted(model["vocab"].items(), key=lambda kv: kv[1])],
               "merges": [" ".join(m) if isinstance(m, list) else m for m in model["merges"]], "tokenizer_json": small.to_str()}, sys.stdout, indent=0)
    print()


main()
