"""Tiny decoders whose weights follow from their names alone, for scripts that record what other programs make of them: the numbers are
those of src/nn/textbook_kit.h (from_names)."""
import torch
from named_numbers import numbers
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM

CLASSES = {"llama": (LlamaConfig, LlamaForCausalLM), "qwen2": (Qwen2Config, Qwen2ForCausalLM), "qwen3": (Qwen3Config, Qwen3ForCausalLM)}


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
