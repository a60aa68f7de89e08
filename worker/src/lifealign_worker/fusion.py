"""On a GPU, what lies between a layer's products as a kernel each: norms, rotary embedding, gates.

Each of them is small arithmetic on whole activations; run operation by operation, reading and writing them takes
longer than a layer's attention. torch.compile makes each once for all lengths and all layers.
"""

import sys
from types import MethodType
from typing import Any, Callable

import torch
from torch import Tensor, nn

_LINEARS = ("gate_proj", "up_proj", "down_proj")


def fuse(decoder: nn.Module, compiled: Callable[..., Any] | None = None) -> None:
    """Replaces them in a transformers decoder, as far as they are of the usual form.

    @param compiled: in tests, what stands for torch.compile
    """
    make: Callable[..., Any] = compiled or (lambda function: torch.compile(function, dynamic=True))
    norms: dict[type, Any] = {}
    gate = make(_gate)
    for module in list(decoder.modules()):
        kind = type(module)
        if kind.__name__.endswith("RMSNorm"):
            norm = norms.get(kind) or norms.setdefault(kind, make(kind.forward))
            module.forward = MethodType(norm, module)
        elif all(hasattr(module, name) for name in (*_LINEARS, "act_fn")):
            module.forward = MethodType(_gated(gate), module)
    layers: Any = getattr(decoder, "layers")
    modeling: Any = sys.modules[type(layers[0]).__module__]
    rotate: Any = getattr(modeling, "apply_rotary_pos_emb", None)
    if rotate is not None and not hasattr(rotate, "_fused"):
        fused: Any = make(rotate)
        fused._fused = True
        modeling.apply_rotary_pos_emb = fused


def _gate(activation: Callable[[Tensor], Tensor], gate: Tensor, up: Tensor) -> Tensor:
    return activation(gate) * up


def _gated(gate: Callable[..., Tensor]) -> Callable[[Any, Tensor], Tensor]:
    def forward(self: Any, x: Tensor) -> Tensor:
        found: Tensor = self.down_proj(gate(self.act_fn, self.gate_proj(x), self.up_proj(x)))
        return found

    return forward
