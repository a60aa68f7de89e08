"""Makes a model of random weights in a well-known model's shape, on the GPU where there is one. cuda.ts asks.

    python random_model.py < REQUEST.json
"""

import json
import shutil
import sys
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, LlamaConfig

SHAPES = {
    "smollm2-1.7b": dict(
        vocab_size=49152, hidden_size=2048, intermediate_size=8192, num_hidden_layers=24, num_attention_heads=32,
        num_key_value_heads=32, max_position_embeddings=8192, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 130000.0},
    ),
    "llama-3.1-8b": dict(
        vocab_size=128256, hidden_size=4096, intermediate_size=14336, num_hidden_layers=32, num_attention_heads=32,
        num_key_value_heads=8, max_position_embeddings=8192, tie_word_embeddings=False,
        rope_parameters={"rope_type": "default", "rope_theta": 500000.0},
    ),
    "small": dict(
        vocab_size=49152, hidden_size=256, intermediate_size=512, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=8192, tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 130000.0},
    ),
}  # fmt: skip


def make(request: dict) -> dict:
    start = time.perf_counter()
    on_gpu = torch.cuda.is_available()
    torch.manual_seed(request["seed"])
    config = LlamaConfig(**SHAPES[request["shape"]], pad_token_id=0, bos_token_id=1, eos_token_id=2)
    with torch.device("cuda" if on_gpu else "cpu"):
        model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, request["dtype"]))
    folder = Path(request["folder"])
    model.save_pretrained(folder, max_shard_size="100GB")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(Path(request["tokenizer"]) / name, folder / name)
    return {
        "parameters": model.num_parameters(),
        "gpu": torch.cuda.get_device_name() if on_gpu else None,
        "seconds": time.perf_counter() - start,
    }


if __name__ == "__main__":
    print(json.dumps(make(json.load(sys.stdin))))
