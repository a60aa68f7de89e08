"""Makes test/model/fixtures/gguf-blocks.json and tiny-llama.gguf with the Python package `gguf`.

    python -m venv VENV && VENV/bin/pip install gguf==0.19.0 numpy==2.4.6
    VENV/bin/python test/model/oracle/make_gguf_fixture.py

gguf-blocks.json holds, per tensor type, blocks of random bytes (with finite scales) and the float32 values
that `gguf.quants.dequantize` gives for them, both in base64.

tiny-llama.gguf is a whole model as llama.cpp's converter would write it. Number i of tensor t, in Hugging
Face's layout and the order of `TENSORS`, is 10 t + i / 256, so that a test knows every value without a
second file; query and key rows are permuted here as the converter does it. Two tensors are stored in
other types than F32, which round those values.
"""

import base64
import json
from pathlib import Path

import gguf
import numpy as np

FIXTURES = Path(__file__).parent.parent / "fixtures"

# Type, and where in a block its half-precision scales lie.
BLOCKS = {
    "F32": None,
    "F16": None,
    "BF16": None,
    "Q4_0": [0],
    "Q4_1": [0, 2],
    "Q5_0": [0],
    "Q5_1": [0, 2],
    "Q8_0": [0],
    "Q4_K": [0, 2],
    "Q5_K": [0, 2],
    "Q6_K": [208],
}

HIDDEN, FEED_FORWARD, HEADS, KEY_VALUE_HEADS, HEAD = 32, 64, 4, 2, 8
TOKENS = ["<|start|>", "<|end|>", "!", "a", "b", "c", "ab", "abc", "Ġ", "Ġab", "7", "é"]
TOKEN_TYPES = [3, 3] + [1] * 9 + [4]
MERGES = ["a b", "ab c", "Ġ ab"]

# GGUF's name, shape in Hugging Face's layout, heads whose rows are permuted.
TENSORS = [
    ("token_embd.weight", (len(TOKENS), HIDDEN), None),
    ("blk.0.attn_norm.weight", (HIDDEN,), None),
    ("blk.0.attn_q.weight", (HEADS * HEAD, HIDDEN), HEADS),
    ("blk.0.attn_k.weight", (KEY_VALUE_HEADS * HEAD, HIDDEN), KEY_VALUE_HEADS),
    ("blk.0.attn_v.weight", (KEY_VALUE_HEADS * HEAD, HIDDEN), None),
    ("blk.0.attn_output.weight", (HIDDEN, HEADS * HEAD), None),
    ("blk.0.ffn_norm.weight", (HIDDEN,), None),
    ("blk.0.ffn_gate.weight", (FEED_FORWARD, HIDDEN), None),
    ("blk.0.ffn_up.weight", (FEED_FORWARD, HIDDEN), None),
    ("blk.0.ffn_down.weight", (HIDDEN, FEED_FORWARD), None),
    ("output_norm.weight", (HIDDEN,), None),
]
STORED_AS = {"blk.0.attn_k.weight": "Q8_0", "blk.0.ffn_up.weight": "BF16"}


def encode(array: np.ndarray) -> str:
    return base64.b64encode(array.tobytes()).decode()


def random_blocks(name: str, draw: np.random.Generator) -> dict:
    kind = gguf.GGMLQuantizationType[name]
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    count = 64 if elements == 1 else 4 if elements == 32 else 2
    if name == "F32":
        source = draw.standard_normal(count, dtype=np.float32).view(np.uint8)
    elif elements == 1:
        # Every exponent but the highest, which is infinities and NaN; subnormals included.
        patterns = draw.integers(0, 1 << 16, count, dtype=np.uint16)
        top = 0x7C00 if name == "F16" else 0x7F80
        source = np.where(patterns & top == top, patterns & 0x83FF, patterns).astype(np.uint16).view(np.uint8)
    else:
        blocks = draw.integers(0, 256, (count, size), dtype=np.uint8)
        for at in BLOCKS[name]:
            scales = (draw.standard_normal(count) * 0.1).astype(np.float16)
            blocks[:, at : at + 2] = scales.view(np.uint8).reshape(count, 2)
        source = blocks.reshape(-1)
    values = gguf.quants.dequantize(source.reshape(1, -1), kind) if name != "F32" else source.view(np.float32)
    return {"source": encode(source), "values": encode(values.astype("<f4"))}


def permute(weights: np.ndarray, heads: int) -> np.ndarray:
    """As llama.cpp's converter: from pairs (i, i + head/2) to neighbours (2i, 2i + 1)."""
    return weights.reshape(heads, 2, weights.shape[0] // heads // 2, -1).swapaxes(1, 2).reshape(weights.shape)


def write_model(path: Path) -> None:
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_block_count(1)
    writer.add_context_length(64)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEY_VALUE_HEADS)
    writer.add_rope_dimension_count(HEAD)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(TOKENS))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(TOKENS)
    writer.add_token_types(TOKEN_TYPES)
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(1)
    writer.add_add_bos_token(False)
    writer.add_chat_template("{% for m in messages %}<|start|>{{ m.content }}<|end|>{% endfor %}")
    for number, (name, shape, heads) in enumerate(TENSORS):
        values = 10 * number + np.arange(np.prod(shape), dtype=np.float32).reshape(shape) / 256
        if heads is not None:
            values = permute(values, heads)
        kind = gguf.GGMLQuantizationType[STORED_AS.get(name, "F32")]
        data = values.astype(np.float32)
        if kind != gguf.GGMLQuantizationType.F32:
            data = gguf.quants.quantize(data, kind)
        writer.add_tensor(name, data, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main() -> None:
    draw = np.random.default_rng(20250917)
    FIXTURES.mkdir(exist_ok=True)
    blocks = {name: random_blocks(name, draw) for name in BLOCKS}
    (FIXTURES / "gguf-blocks.json").write_text(json.dumps(blocks, indent=1) + "\n")
    write_model(FIXTURES / "tiny-llama.gguf")


if __name__ == "__main__":
    main()
