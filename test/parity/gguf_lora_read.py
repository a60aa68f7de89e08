"""Reads a GGUF LoRA file with the gguf package, holds its matrices against the PEFT folder, and prints its metadata.

    python gguf_lora_read.py LORA.gguf ADAPTER_FOLDER MODEL_FOLDER

Prints {metadata, tensors, worst}: `worst` is the largest difference between a matrix and the PEFT folder's, whose B
was put into the order of GGUF's rows by the reshaping that llama.cpp's converter uses.
"""

import json
import re
import sys
from pathlib import Path

import numpy
from gguf import GGUFReader, get_tensor_name_map, MODEL_ARCH
from safetensors.numpy import load_file

ARCHITECTURES = {"llama": MODEL_ARCH.LLAMA, "mistral": MODEL_ARCH.LLAMA, "qwen2": MODEL_ARCH.QWEN2}


def permute(rows: numpy.ndarray, heads: int) -> numpy.ndarray:
    return rows.reshape(heads, 2, rows.shape[0] // heads // 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def main(lora: Path, adapter: Path, model: Path) -> None:
    config = json.loads((model / "config.json").read_text())
    names = get_tensor_name_map(ARCHITECTURES[config["model_type"]], config["num_hidden_layers"])
    expected = {}
    for name, values in load_file(adapter / "adapter_model.safetensors").items():
        path, side = re.fullmatch(r"base_model\.model\.(.+)\.lora_([AB])\.weight", name).groups()
        if side == "B" and config["model_type"] != "qwen2" and re.search(r"\.[qk]_proj$", path):
            heads = config["num_attention_heads" if path.endswith("q_proj") else "num_key_value_heads"]
            values = permute(values, heads)
        expected[f"{names.get_name(path)}.weight.lora_{side.lower()}"] = values
    reader = GGUFReader(lora)
    found = {tensor.name: tensor.data for tensor in reader.tensors}
    assert found.keys() == expected.keys(), found.keys() ^ expected.keys()
    assert all(found[name].shape == values.shape for name, values in expected.items())
    worst = max(float(numpy.abs(found[name] - values).max()) for name, values in expected.items())
    metadata = {key: field.contents() for key, field in reader.fields.items() if not key.startswith("GGUF.")}
    print(json.dumps(dict(metadata=metadata, tensors=len(found), worst=worst)))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
