"""Tiny decoders whose weights follow from their names alone, for scripts that record what other programs make of them: the numbers are
those of src/nn/textbook_kit.h (from_names)."""
import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

CLASSES = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen2": (Qwen2Config, Qwen2ForCausalLM), "qwen3": (Qwen3Config, Qwen3ForCausalLM)}


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


def decoder(family, tied, vocab=37, width=32, layers=2, heads=4, kv_heads=2, head_dim=8, ff=48, dtype=torch.float32):
    config, model = CLASSES[family]
    made = config(vocab_size=vocab, hidden_size=width, num_hidden_layers=layers, num_attention_heads=heads, num_key_value_heads=kv_heads, head_dim=head_dim,
                  intermediate_size=ff, max_position_embeddings=256, rms_norm_eps=1e-5, tie_word_embeddings=tied, pad_token_id=0, bos_token_id=1, eos_token_id=2,
                  rope_parameters={"rope_type": "default", "rope_theta": 1000.0}, attn_implementation="eager")
    net = model(made).to(dtype)
    with torch.no_grad():
        for name, weight in net.named_parameters():
            gain = name.endswith("norm.weight")
            values = numbers(name, weight.numel()) * (0.5 if weight.dim() == 1 else 1.0 if "embed" in name else 0.75) + (1.0 if gain else 0.0)
            weight.copy_(torch.from_numpy(values).to(dtype).view_as(weight))
    net.eval()
    return net
