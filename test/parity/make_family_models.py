"""Makes tiny random models of the families beside Llama, each with an adapter on all its linear layers.

    python make_family_models.py OUTPUT_FOLDER
"""

import sys
from pathlib import Path

import torch
from transformers import (
    MistralConfig,
    MistralForCausalLM,
    Phi3Config,
    Phi3ForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    SmolLM3Config,
    SmolLM3ForCausalLM,
)

from make_tiny_models import LINEAR_LAYERS, randomise, save_adapter

SIZES = dict(
    hidden_size=32, intermediate_size=40, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=512, bos_token_id=1, eos_token_id=2, pad_token_id=0,
)  # fmt: skip
ROPE = {"rope_type": "default", "rope_theta": 10000.0}

MODELS = {
    "qwen2": lambda: Qwen2ForCausalLM(Qwen2Config(vocab_size=200, tie_word_embeddings=True, rope_parameters=ROPE, **SIZES)),
    "mistral": lambda: MistralForCausalLM(
        MistralConfig(vocab_size=150, tie_word_embeddings=False, head_dim=12, sliding_window=None, rope_parameters=ROPE, **SIZES)
    ),
    "qwen3": lambda: Qwen3ForCausalLM(
        Qwen3Config(vocab_size=150, tie_word_embeddings=True, head_dim=12, rope_parameters=ROPE, **SIZES)
    ),
    "smollm3": lambda: SmolLM3ForCausalLM(
        SmolLM3Config(vocab_size=150, tie_word_embeddings=True, no_rope_layer_interval=2, rope_parameters=ROPE, **SIZES)
    ),
    "phi3": lambda: Phi3ForCausalLM(Phi3Config(vocab_size=150, rope_parameters=dict(ROPE), **SIZES)),
}

FUSED_LAYERS = ["qkv_proj", "o_proj", "gate_up_proj", "down_proj"]


def main(output: Path) -> None:
    for number, (name, make) in enumerate(MODELS.items()):
        generator = torch.Generator().manual_seed(2000 + number)
        model = make()
        randomise(model, generator)
        model.save_pretrained(output / name)
        targets = FUSED_LAYERS if name == "phi3" else LINEAR_LAYERS
        settings = dict(r=3, lora_alpha=6, target_modules=targets)
        save_adapter(model, settings, output / name / "adapters" / "all", generator)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
