"""A frozen base whose layers hold their linear weights in 4 or 8 bits, by bitsandbytes. [QLoRA, arXiv:2305.14314]

bitsandbytes rounds the weights and unpacks them again; the products are made here, in the activations' dtype, of
weights unpacked for one product at a time, forward and backward alike. Its own layers are not used, because what they
compute depends on what they are asked for: on the processor they take a bfloat16 kernel without a derivative when
nothing is to be learned, and in 8 bits they round activations too, but not while training. Log-probs of a reference
would then be those of another function than the policy's.
"""

from typing import Any

import torch
from torch import Tensor, nn

from .refusal import Refused

INSTALL = (
    "run: lifealign engine install torch --quantization "
    "(or install bitsandbytes for the Python that LIFEALIGN_PYTHON names)"
)


BLOCK, GROUP = 64, 256


class Nf4:
    """Blocks of 64 numbers, 4 bits each and one absolute maximum; the maxima of 256 blocks are held in 8 bits each,
    relative to their mean (double quantization)."""

    def __init__(self, weight: Tensor, functional: Any):
        self._shape, self._functional = weight.shape, functional
        # As one row of whole blocks: where rows are no multiple of a block, unpacking a matrix on the processor takes
        # wrong maxima, and where it is an odd count of numbers it fails.
        self._data, self._state = functional.quantize_4bit(
            _padded(weight.flatten(), BLOCK).view(-1), blocksize=BLOCK, compress_statistics=True, quant_type="nf4"
        )

    def unpacked(self, dtype: torch.dtype) -> Tensor:
        flat: Tensor = self._functional.dequantize_4bit(self._data, self._state)
        return flat.view(-1)[: self._shape.numel()].view(self._shape).to(dtype)

    def allowed(self, weight: Tensor) -> Tensor:
        """How far numbers may be from `weight`: half the widest gap of the 16 levels, 0.152 of the block's maximum; half
        the widest gap of a maximum's levels, 0.0071 of its group's largest distance from the mean; and a bfloat16's
        rounding."""
        maxima = _padded(weight.flatten().abs(), BLOCK).amax(1)
        distances = (maxima - maxima.mean()).abs()
        groups = _padded(distances, GROUP).amax(1).repeat_interleave(GROUP)[: len(maxima)]
        each = 0.157 * maxima + 0.0075 * groups
        return each.repeat_interleave(BLOCK)[: weight.numel()].view_as(weight)

    @property
    def bytes(self) -> int:
        state = self._state
        held = (self._data, state.absmax, state.code, state.state2.absmax, state.state2.code)
        return sum(one.numel() * one.element_size() for one in held)


class Int8:
    """Rows of 8-bit numbers, each with the absolute maximum of its row."""

    def __init__(self, weight: Tensor, functional: Any):
        self._data, self._maxima, _ = functional.int8_vectorwise_quant(weight.half())

    def unpacked(self, dtype: torch.dtype) -> Tensor:
        return self._data.to(dtype).mul_(self._maxima[:, None] / 127)

    def allowed(self, weight: Tensor) -> Tensor:
        """Half a step, 1 / 254 of the row's maximum, and what rounding that to float16 and the result to bfloat16 adds."""
        return 0.0085 * weight.abs().amax(1, keepdim=True)

    @property
    def bytes(self) -> int:
        return self._data.numel() + 4 * self._maxima.numel()


def _padded(values: Tensor, size: int) -> Tensor:
    """Rows of `size`, the last filled up with zeros."""
    return nn.functional.pad(values, (0, -len(values) % size)).view(-1, size)


KINDS: dict[str, type[Nf4] | type[Int8]] = {"nf4": Nf4, "int8": Int8}


class QuantizedLinear(nn.Module):
    """x W^T + b with W as it is unpacked. Only x has a gradient: W is frozen."""

    def __init__(self, weight: Nf4 | Int8, bias: nn.Parameter | None, shape: torch.Size):
        super().__init__()
        self.out_features, self.in_features = shape
        self.weight, self.bias = weight, bias

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = _Product.apply(x, self.weight)  # type: ignore[no-untyped-call]
        return y if self.bias is None else y + self.bias


class _Product(torch.autograd.Function):
    """Keeps neither x nor the unpacked W for the backward pass: nn.functional.linear would keep W of every layer."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Nf4 | Int8) -> Tensor:
        ctx.weight = weight
        return nn.functional.linear(x, weight.unpacked(x.dtype))

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor, None]:
        (cotangent,) = cotangents
        return cotangent @ ctx.weight.unpacked(cotangent.dtype), None


def quantize_layers(layers: nn.Module, name: str, device: torch.device) -> None:
    """Puts a `QuantizedLinear` on `device` in the place of every linear module, one after another, so that the device
    holds no more than one of them unquantized. `Refused` where bitsandbytes is missing, or does not work there."""
    functional = _functional(name)
    for path, module in list(layers.named_modules()):
        if not isinstance(module, nn.Linear):
            continue
        weight = module.weight.detach().to(device)
        quantized = _quantize(weight, name, functional)
        _check(weight, quantized, f"layers.{path}", name)
        parent, _, child = path.rpartition(".")
        setattr(layers.get_submodule(parent), child, QuantizedLinear(quantized, module.bias, weight.shape))


def held_bytes(layers: nn.Module) -> int:
    """Of the layers' weights as they are held."""
    plain = sum(one.numel() * one.element_size() for one in layers.parameters())
    return plain + sum(one.weight.bytes for one in layers.modules() if isinstance(one, QuantizedLinear))


def _functional(name: str) -> Any:
    try:
        from bitsandbytes import functional
    # Whatever a library for another system raises while it is loaded.
    except Exception as error:
        raise Refused(
            f"quantization {name}: bitsandbytes cannot be loaded ({type(error).__name__}: {error}); {INSTALL}"
        ) from None
    return functional


def _quantize(weight: Tensor, name: str, functional: Any) -> Nf4 | Int8:
    if not torch.isfinite(weight).all():
        raise Refused(f"quantization {name}: the base has weights that are not finite")
    try:
        return KINDS[name](weight, functional)
    except (RuntimeError, NotImplementedError, AttributeError) as error:
        raise Refused(f"quantization {name}: bitsandbytes cannot do it on {weight.device}: {error}") from None


def _check(weight: Tensor, quantized: Nf4 | Int8, path: str, name: str) -> None:
    """A build that does not fit the device, or a kernel that is wrong there, would be a silent wrong answer."""
    exact = weight.float()
    off = (quantized.unpacked(weight.dtype).float() - exact).abs()
    # What 16 bits cannot tell from zero is no fault.
    allowed = quantized.allowed(exact) + 1e-7
    if not (off <= allowed).all():
        raise Refused(
            f"quantization {name}: bitsandbytes does not give back what it was given on {weight.device}: {path} is off by "
            f"up to {(off / allowed).max().item():.1f} times what rounding explains"
        )
