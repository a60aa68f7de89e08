"""Copies model folders with the layers' linear weights as bitsandbytes rounds them, as ordinary float32 numbers.

    python make_dequantized.py OUTPUT MODEL...

writes OUTPUT/nf4/<name> and OUTPUT/int8/<name> for each.

bitsandbytes only rounds; what its codes mean is worked out here in plain torch, as its formats define them, so that
neither its kernels for unpacking nor the worker's use of them stand on both sides of a comparison.
"""

import shutil
import sys
from pathlib import Path
from typing import Callable

import torch
from bitsandbytes.functional import int8_vectorwise_quant, quantize_4bit
from torch import Tensor
from transformers import AutoModelForCausalLM


def nf4(weight: Tensor) -> Tensor:
    """A code's level times its block's maximum; maxima are levels of their own times their group's, around a mean."""
    packed, state = quantize_4bit(weight, blocksize=64, compress_statistics=True, quant_type="nf4")
    bytes_ = packed.flatten().long()
    levels = state.code[torch.stack([bytes_ >> 4, bytes_ & 15], dim=1).flatten()]
    groups = state.state2.absmax.repeat_interleave(state.state2.blocksize)
    maxima = state.state2.code[state.absmax.long()] * groups[: len(state.absmax)] + state.offset
    numbers = levels[: weight.numel()] * maxima.repeat_interleave(64)[: weight.numel()]
    return numbers.view_as(weight)


def int8(weight: Tensor) -> Tensor:
    rows, maxima, _ = int8_vectorwise_quant(weight.half())
    return rows.float() * maxima[:, None] / 127


def copy(folder: Path, output: Path, rounded: Callable[[Tensor], Tensor]) -> None:
    shutil.copytree(folder, output)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    for module in model.get_decoder().layers.modules():
        if isinstance(module, torch.nn.Linear):
            module.weight.data = rounded(module.weight.data)
    # The folder's other files stay as they are.
    model.save_pretrained(output / "saved")
    (output / "saved" / "model.safetensors").replace(output / "model.safetensors")
    shutil.rmtree(output / "saved")


if __name__ == "__main__":
    for model in map(Path, sys.argv[2:]):
        for rounded in (nf4, int8):
            copy(model, Path(sys.argv[1]) / rounded.__name__ / model.name, rounded)
