"""Numbers that follow from a name alone, the same here and in src/nn/named_weights_kit.h: recorded results then need no file of weights beside them."""
import numpy as np


def numbers(name, count):
    """FNV-1a of the name, then murmur3's finisher of each place: multiples of 1/65536 in [-1/2, 1/2), exact in float."""
    seed = 2166136261
    for byte in name.encode():
        seed = ((seed ^ byte) * 16777619) & 0xFFFFFFFF
    x = (np.uint64(seed) + np.arange(count, dtype=np.uint64) * np.uint64(2654435761)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x ^= x >> np.uint64(shift)
        x = (x * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    return ((x >> np.uint64(8)) & np.uint64(0xFFFF)).astype(np.float64) / 65536 - 0.5
