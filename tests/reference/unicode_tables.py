"""Writes src/envs/unicode_tables.h: what Python's str.lower, str.isspace and the \\w of its re module say of every code point.
usage: python3 unicode_tables.py > src/envs/unicode_tables.h      (any Python 3; the header names its Unicode version)"""
import sys
import unicodedata


def runs(members):
    """[first, last] of each run of code points."""
    out = []
    for c in members:
        if out and c == out[-1][1] + 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return out


def lower_runs():
    """[first, last, step, delta] of code points whose lower case is one other code point."""
    out = []
    for c in range(0x80, 0x110000):
        low = chr(c).lower()
        if len(low) != 1 or ord(low) == c:
            continue
        delta = ord(low) - c
        if out and out[-1][3] == delta:
            first, last, step, _ = out[-1]
            gap = c - last
            if gap in (1, 2) and (step == gap or first == last):
                out[-1][1:3] = [c, gap]
                continue
        out.append([c, c, 1, delta])
    return out


def rows(items, per_row):
    texts = ["{" + ", ".join(f"0x{x:X}" if i < 2 else str(x) for i, x in enumerate(item)) + "}" for item in items]
    return "\n".join("    " + ", ".join(texts[i : i + per_row]) + "," for i in range(0, len(texts), per_row))


many = [chr(c) for c in range(0x110000) if len(chr(c).lower()) != 1]
if many != ["\u0130"]:
    sys.exit(f"expected U+0130 as the only code point whose lower case is longer, got {many}")
word = runs(c for c in range(0x80, 0x110000) if chr(c).isalnum())
space = runs(c for c in range(0x110000) if chr(c).isspace())
lower = lower_runs()
print(f"""// Written by tests/reference/unicode_tables.py from Unicode {unicodedata.unidata_version}. ASCII letters and digits are left out of `lower_runs` and `word_runs`.
#pragma once

namespace hone::unicode {{

struct LowerRun {{
  char32_t first, last;
  int step, delta;  // first, first + step, ... last become themselves + delta
}};
struct Run {{
  char32_t first, last;
}};

inline constexpr LowerRun lower_runs[] = {{
{rows(lower, 7)}
}};

inline constexpr Run word_runs[] = {{
{rows(word, 9)}
}};

inline constexpr Run space_runs[] = {{
{rows(space, 9)}
}};

}}  // namespace hone::unicode""")
