"""What the frozen base is adapted by: LoRA matrices on named linear modules, or soft prompts.

Every targeted `nn.Linear` is wrapped once, when it is first named; which matrices it then adds is a matter of the
`Adapter` that is active, so that several requests with adapters of their own can be in work at a time.
"""

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Iterator, Mapping

import torch
from torch import Tensor, nn

from .frames import ProtocolError

SOFT_PROMPTS = "soft_prompts"
_LORA_NAME = re.compile(r"base_model\.model\.(.+)\.lora_([AB])\.weight")


@dataclass(frozen=True)
class Lora:
    """Adds scaling * (x A^T) B^T. A [rank, in], B [out, rank]. [Hu et al. 2021, arXiv:2106.09685]"""

    a: Tensor
    b: Tensor


@dataclass(frozen=True)
class Adapter:
    """Float32 leaves of the graph by their names on the host; `loras` are the same tensors by module."""

    scaling: float
    tensors: Mapping[str, Tensor]
    loras: Mapping[str, Lora]

    @property
    def soft_prompts(self) -> Tensor | None:
        return self.tensors.get(SOFT_PROMPTS)


BASE = Adapter(1.0, {}, {})


class AdaptedLinear(nn.Module):
    """A frozen linear layer and what the active adapter adds to it."""

    def __init__(self, base: nn.Module, path: str, active: "ActiveAdapter"):
        super().__init__()
        self.base = base
        self.path = path
        # A plain attribute would make it a submodule if it were one; it is shared by all wrappers.
        self._active = active

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.base(x)
        adapter = self._active.adapter
        lora = adapter.loras.get(self.path)
        if lora is None:
            return y
        low = adapter.scaling * nn.functional.linear(x, lora.a.to(x.dtype))
        return y + nn.functional.linear(low, lora.b.to(x.dtype))


class ActiveAdapter:
    """Which adapter linear layers see now, also while a checkpoint's forward pass is done again."""

    def __init__(self, model: nn.Module):
        self.adapter = BASE
        self._model = model
        self._wrapped: dict[str, AdaptedLinear] = {}

    def make(self, scaling: float, tensors: Mapping[str, Tensor], device: torch.device) -> Adapter:
        """Checks names and shapes, wraps modules that are new. `ProtocolError` for what fits nothing."""
        leaves: dict[str, Tensor] = {}
        modules: dict[str, dict[str, Tensor]] = {}
        for name, value in tensors.items():
            if value.dim() != 2 or value.dtype != torch.float32:
                raise ProtocolError(f'"{name}" is not a float32 matrix')
            leaf = leaves[name] = value.to(device).requires_grad_()
            if name == SOFT_PROMPTS:
                continue
            match = _LORA_NAME.fullmatch(name)
            if match is None:
                raise ProtocolError(f'"{name}" names neither a LoRA matrix nor "{SOFT_PROMPTS}"')
            modules.setdefault(match[1], {})[match[2]] = leaf
        loras = {path: self._lora(path, sides) for path, sides in modules.items()}
        return Adapter(scaling, leaves, loras)

    @contextmanager
    def use(self, adapter: Adapter) -> Iterator[None]:
        before, self.adapter = self.adapter, adapter
        try:
            yield
        finally:
            self.adapter = before

    def _lora(self, path: str, sides: Mapping[str, Tensor]) -> Lora:
        if set(sides) != {"A", "B"}:
            raise ProtocolError(f'"{path}" has one LoRA matrix; expected A and B')
        a, b = sides["A"], sides["B"]
        linear = self._wrap(path)
        fits = a.shape == (b.shape[1], linear.in_features) and b.shape == (linear.out_features, a.shape[0])
        if not fits:
            raise ProtocolError(
                f'"{path}" has LoRA matrices {list(a.shape)} and {list(b.shape)}; '
                f"the module is [{linear.out_features}, {linear.in_features}]"
            )
        return Lora(a, b)

    def _wrap(self, path: str) -> nn.Linear:
        known = self._wrapped.get(path)
        if known is None:
            try:
                module = self._model.get_submodule(path)
            except AttributeError:
                raise ProtocolError(f'the model has no module "{path}"') from None
            if not isinstance(module, nn.Linear):
                raise ProtocolError(f'the module "{path}" is not a linear layer')
            known = AdaptedLinear(module, path, self)
            parent, _, name = path.rpartition(".")
            setattr(self._model.get_submodule(parent), name, known)
            self._wrapped[path] = known
        assert isinstance(known.base, nn.Linear)
        return known.base
