"""Keys and values of answers in the making, by slot; the host decides which answer has which slot."""

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from .attention import causal_mask
from .messages import Decode, NewTokens


class KeyValueCache:
    """A buffer for each layer and side, [slots, key heads, capacity, size]."""

    def __init__(self, layers: int, heads: int, size: int, dtype: torch.dtype, device: torch.device):
        self._heads, self._size = heads, size
        empty = torch.zeros(0, heads, 0, size, dtype=dtype, device=device)
        self._buffers = [[empty, empty] for _ in range(layers)]

    def prepare(self, request: Decode) -> None:
        """What has to be done before new tokens come: room, copies of slots, forgotten slots."""
        self._resize(request.slots, request.capacity)
        for action, first, second, length in request.actions:
            for buffer in self._all():
                if action == "copy":
                    buffer[second, :, :length] = buffer[first, :, :length]
                else:
                    buffer[first] = 0

    def layer(self, at: int) -> tuple[Tensor, Tensor]:
        keys, values = self._buffers[at]
        return keys, values

    def _all(self) -> list[Tensor]:
        return [buffer for sides in self._buffers for buffer in sides]

    def _resize(self, slots: int, capacity: int) -> None:
        old = self._buffers[0][0].shape
        if old[0] == slots and old[2] == capacity:
            return
        keep_slots, keep = min(old[0], slots), min(old[2], capacity)
        for sides in self._buffers:
            for at, buffer in enumerate(sides):
                fresh = buffer.new_zeros(slots, self._heads, capacity, self._size)
                fresh[:keep_slots, :, :keep] = buffer[:keep_slots, :, :keep]
                sides[at] = fresh


class DecodingAttention:
    """New tokens of several answers, packed: each sees its answer's tokens in the cache, and itself."""

    def __init__(self, cache: KeyValueCache, rows: list[NewTokens], device: torch.device):
        self._cache, self._rows = cache, rows
        counts = torch.tensor([row.count for row in rows])
        self._slots = torch.repeat_interleave(torch.tensor([row.slot for row in rows]), counts).to(device)
        self.positions = torch.cat([torch.arange(row.start, row.start + row.count) for row in rows]).to(device)
        self._one_each = all(row.count == 1 for row in rows)
        self._longest = int(self.positions.max()) + 1
        self._device = device
        self._masks: dict[int | None, list[Tensor]] = {}

    def _masks_of(self, window: int | None) -> list[Tensor]:
        """One for all rows where each has one token, else one for each row; the same in all layers with this window."""
        if window not in self._masks:
            made: list[Tensor] = []
            if self._one_each:
                behind = self.positions[:, None] - torch.arange(self._longest, device=self._device)
                is_seen = (behind >= 0) if window is None else (behind >= 0) & (behind < window)
                made.append(is_seen[:, None, None, :])
            else:
                made = [causal_mask(row.count, row.start + row.count, self._device, window) for row in self._rows]
            self._masks[window] = made
        return self._masks[window]

    def attend(
        self, layer: int, query: Tensor, key: Tensor, value: Tensor, scaling: float, window: int | None = None
    ) -> Tensor:
        masks = self._masks_of(window if window is not None and window < self._longest else None)
        keys, values = self._cache.layer(layer)
        keys[self._slots, :, self.positions] = key[0].transpose(0, 1)
        values[self._slots, :, self.positions] = value[0].transpose(0, 1)
        grouped = query.shape[1] != key.shape[1]
        if self._one_each:
            found = scaled_dot_product_attention(
                query[0].transpose(0, 1)[:, :, None],
                keys[self._slots, :, : self._longest],
                values[self._slots, :, : self._longest],
                attn_mask=masks[0],
                scale=scaling,
                enable_gqa=grouped,
            )
            return found[:, :, 0].transpose(0, 1)[None]
        pieces: list[Tensor] = []
        start = 0
        for row, mask in zip(self._rows, masks):
            seen = row.start + row.count
            pieces.append(
                scaled_dot_product_attention(
                    query[:, :, start : start + row.count],
                    keys[row.slot, :, :seen][None],
                    values[row.slot, :, :seen][None],
                    attn_mask=mask,
                    scale=scaling,
                    enable_gqa=grouped,
                )
            )
            start += row.count
        return torch.cat(pieces, dim=2)
