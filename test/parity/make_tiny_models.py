"""Makes the tiny random Llama models and PEFT adapters that parity is checked on.

Each model covers one corner of the family; together they cover grouped-query and multi-head attention,
tied and untied heads, default and llama3 RoPE, a head size that is not hidden / heads, biases, and both
layouts of config and chat template found in the wild. Weights are drawn wider than transformers would
initialise them, so that log-probabilities are far from uniform and every tensor matters.

    python make_tiny_models.py OUTPUT_FOLDER
"""

import json
import sys
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM

LINEAR_LAYERS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

MODELS = {
    "untied-gqa": dict(
        hidden_size=32, intermediate_size=56, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=300, tie_word_embeddings=False, rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    ),
    "tied-llama3": dict(
        hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=4,
        head_dim=12, vocab_size=160, tie_word_embeddings=True, rms_norm_eps=1e-5,
        # Of six frequencies two are kept, one is blended and three are divided.
        rope_parameters={
            "rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
        },
    ),
    "biased": dict(
        hidden_size=48, intermediate_size=40, num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2,
        vocab_size=128, tie_word_embeddings=False, attention_bias=True, mlp_bias=True,
        rope_parameters={"rope_type": "default", "rope_theta": 500000.0},
    ),
}

ADAPTERS = {
    "untied-gqa": {
        "attention": dict(r=2, lora_alpha=4, target_modules=["q_proj", "v_proj"]),
        "all": dict(r=4, lora_alpha=8, target_modules=LINEAR_LAYERS),
    },
    "tied-llama3": {
        "all": dict(r=2, lora_alpha=3, target_modules=LINEAR_LAYERS),
        "attention": dict(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"]),
    },
    "biased": {"mixed": dict(r=8, lora_alpha=8, target_modules=["k_proj", "o_proj", "down_proj"])},
}

CHAT_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
SPECIAL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
MERGES_FROM = ["the answer is the one that the user wants", "in a word and another, on the other hand it is not"]


def randomise(model: torch.nn.Module, generator: torch.Generator) -> None:
    """Matrices ~ N(0, 0.2), embeddings and heads ~ N(0, 0.35), biases ~ N(0, 0.3), norms ~ N(1, 0.2)."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "norm" in name:
            parameter.data = 1 + 0.2 * noise
        elif parameter.dim() == 1:
            parameter.data = 0.3 * noise
        else:
            parameter.data = (0.35 if "embed_tokens" in name or "lm_head" in name else 0.2) * noise


def save_adapter(
    base: torch.nn.Module, settings: dict, folder: Path, generator: torch.Generator, deviation: float = 0.1
) -> None:
    """A PEFT folder whose A and B are both random: a fresh adapter's zero B would hide errors in A."""
    model = get_peft_model(base, LoraConfig(lora_dropout=0.0, bias="none", task_type="CAUSAL_LM", **settings))
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            parameter.data = deviation * torch.randn(parameter.shape, generator=generator)
    model.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    # PEFT keeps the targets in a set; sorted, the same bytes come out of every run.
    path = folder / "adapter_config.json"
    config = json.loads(path.read_text())
    config["target_modules"].sort()
    path.write_text(json.dumps(config, indent=2) + "\n")
    model.unload()


def save_tokenizer(folder: Path, vocabulary_size: int) -> None:
    """A byte-level BPE tokenizer with ChatML, in the layout that keeps the template in its config."""
    tokenizer = Tokenizer(models.BPE())
    digits = pre_tokenizers.Digits(individual_digits=True)
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([digits, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size, special_tokens=SPECIAL_TOKENS, show_progress=False, min_frequency=1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(MERGES_FROM, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL_TOKENS])
    assert tokenizer.get_vocab_size() <= vocabulary_size
    tokenizer.save(str(folder / "tokenizer.json"))
    config = dict(
        tokenizer_class="PreTrainedTokenizerFast", bos_token="<|im_start|>", eos_token="<|im_end|>",
        pad_token="<|endoftext|>", chat_template=CHAT_TEMPLATE, model_max_length=512,
    )
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2) + "\n")


def use_older_config_layout(folder: Path) -> None:
    """Rewrites `rope_parameters` as the `rope_theta` that transformers wrote before version 5."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
    config["rope_scaling"] = None
    path.write_text(json.dumps(config, indent=2) + "\n")


def main(output: Path) -> None:
    for number, (name, settings) in enumerate(MODELS.items()):
        generator = torch.Generator().manual_seed(1000 + number)
        token_ids = dict(bos_token_id=1, eos_token_id=2, pad_token_id=0)
        model = LlamaForCausalLM(LlamaConfig(max_position_embeddings=512, **token_ids, **settings))
        randomise(model, generator)
        folder = output / name
        model.save_pretrained(folder)
        (folder / "generation_config.json").unlink(missing_ok=True)
        for adapter, lora in ADAPTERS[name].items():
            save_adapter(model, lora, folder / "adapters" / adapter, generator)
    save_tokenizer(output / "untied-gqa", MODELS["untied-gqa"]["vocab_size"])
    use_older_config_layout(output / "untied-gqa")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
