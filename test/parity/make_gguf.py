"""Makes float32 GGUF files for llama.cpp, with the gguf package alone.

    python make_gguf.py MODEL_FOLDER OUTPUT.gguf     a small model in Hugging Face layout, without a vocabulary
    python make_gguf.py MODEL.gguf OUTPUT.gguf       the same file, its weights dequantised

Names of tensors are the package's, and the order of query and key rows is made by the reshaping that llama.cpp's
converter uses: nothing is shared with the code that is tested.
"""

import json
import sys
from pathlib import Path

import numpy
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, get_tensor_name_map
from gguf.quants import dequantize
from safetensors.numpy import load_file

from gguf_lora_read import ARCHITECTURES, permute


def from_folder(folder: Path, output: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    architecture = ARCHITECTURES[config["model_type"]]
    heads, layers = config["num_attention_heads"], config["num_hidden_layers"]
    head_size = config.get("head_dim") or config["hidden_size"] // heads
    writer = GGUFWriter(output, "qwen2" if config["model_type"] == "qwen2" else "llama")
    writer.add_block_count(layers)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_key_length(head_size)
    writer.add_value_length(head_size)
    writer.add_rope_dimension_count(head_size)
    writer.add_rope_freq_base(float(config["rope_theta"]))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("none")
    names = get_tensor_name_map(architecture, layers)
    for name, values in load_file(folder / "model.safetensors").items():
        if config["model_type"] != "qwen2" and ("q_proj.weight" in name or "k_proj.weight" in name):
            values = permute(values, heads if "q_proj" in name else config["num_key_value_heads"])
        writer.add_tensor(names.get_name(name, (".weight", ".bias")), values.astype(numpy.float32))
    finish(writer)


def from_file(model: Path, output: Path) -> None:
    reader = GGUFReader(model)
    writer = GGUFWriter(output, reader.fields["general.architecture"].contents())
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key in ("general.architecture", "general.file_type"):
            continue
        kind, *items = field.types
        if kind == GGUFValueType.ARRAY:
            writer.add_key_value(key, field.contents(), kind, sub_type=items[-1])
        else:
            writer.add_key_value(key, field.contents(), kind)
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type)
        writer.add_tensor(tensor.name, values.astype(numpy.float32), raw_dtype=GGMLQuantizationType.F32)
    finish(writer)


def finish(writer: GGUFWriter) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    (from_folder if source.is_dir() else from_file)(source, target)
