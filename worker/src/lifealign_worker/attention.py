"""Attention over packed tokens, as the function that transformers' models call in every layer.

A batch's segments are a tree: a token sees its own segment up to itself, and the segments above it whole. The
model runs over all tokens at once and hands `packed`, one of the classes here, to `packed_attention`.
"""

from functools import cache
from typing import Any, Callable, Protocol

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

from .messages import Segment

IMPLEMENTATION = "lifealign_packed"

Parts = tuple[Tensor, ...]
"""Of each segment, in their order."""


class Packed(Protocol):
    """Query [1, heads, tokens, size], key and value [1, key heads, tokens, size], with positions in them."""

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scaling: float) -> Tensor: ...


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    packed: Packed,
    **_: Any,
) -> tuple[Tensor, None]:
    """What is registered with transformers. Returns [1, tokens, heads, size]."""
    layer = module.layer_idx
    assert attention_mask is None and isinstance(layer, int)
    return packed.attend(layer, query, key, value, scaling).transpose(1, 2).contiguous(), None


def causal_mask(queries: int, keys: int, device: torch.device) -> Tensor:
    """The last query sees all keys, the one before it all but the last, and so on. [queries, keys]"""
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)


class SegmentwiseAttention:
    """One product for each segment, so that nothing is computed for pairs that do not see each other.

    Tokens are split once: a slice for each segment would have a gradient as long as all tokens, mostly zeros.
    """

    def __init__(self, segments: list[Segment], device: torch.device):
        self._lengths = [one.length for one in segments]
        self._pieces = [_Piece(segments, at, device) for at in range(len(segments))]

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scaling: float) -> Tensor:
        q, k, v = (torch.split(x, self._lengths, dim=2) for x in (query, key, value))
        return torch.cat([piece.attend(q, k, v, scaling) for piece in self._pieces], dim=2)


class _Piece:
    def __init__(self, segments: list[Segment], at: int, device: torch.device):
        self._own = at
        self._seen = [at]
        parent = segments[at].parent
        while parent is not None:
            self._seen.insert(0, parent)
            parent = segments[parent].parent
        length = segments[at].length
        keys = sum(segments[one].length for one in self._seen)
        # A single token sees all; without anything above, the product itself knows what is causal.
        self._causal = keys == length and length > 1
        self._mask = None if length == 1 or keys == length else causal_mask(length, keys, device)

    def attend(self, query: Parts, key: Parts, value: Parts, scaling: float) -> Tensor:
        own = query[self._own]
        return scaled_dot_product_attention(
            own,
            self._gather(key),
            self._gather(value),
            attn_mask=self._mask,
            is_causal=self._causal,
            scale=scaling,
            enable_gqa=own.shape[1] != key[self._own].shape[1],
        )

    def _gather(self, parts: Parts) -> Tensor:
        pieces = [parts[one] for one in self._seen]
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces, dim=2)


class FlexPackedAttention:
    """The same by FlexAttention: one kernel over all tokens that skips blocks where nothing is seen. For GPUs."""

    def __init__(self, segments: list[Segment], device: torch.device):
        self._mask: BlockMask = block_mask(segments, device)

    def attend(self, layer: int, query: Tensor, key: Tensor, value: Tensor, scaling: float) -> Tensor:
        found = _flex(query.device.type)(
            query, key, value, block_mask=self._mask, scale=scaling, enable_gqa=query.shape[1] != key.shape[1]
        )
        assert isinstance(found, Tensor)
        return found


@cache
def _flex(device: str) -> Callable[..., Any]:
    function: Callable[..., Any] = flex_attention
    return torch.compile(function, dynamic=True) if device == "cuda" else function


BLOCK = 128
"""Queries and keys of a block, within which the kernel computes everything."""


def block_mask(segments: list[Segment], device: torch.device) -> BlockMask:
    """Where a whole subtree lies behind its segment, as the host packs it, a key is seen until its subtree ends: one
    number for each key says everything, and which blocks have something to see follows from few of them."""
    ends = subtree_ends(segments)
    tokens = sum(one.length for one in segments)
    if ends is None:
        return create_block_mask(tree_mask(segments, device), None, None, tokens, tokens, str(device))
    until = torch.repeat_interleave(torch.tensor(ends), torch.tensor([one.length for one in segments]))
    blocks = -(-tokens // BLOCK)
    # Beyond the last token is nothing: it neither is seen nor keeps its block from being seen whole by those before.
    padded = torch.nn.functional.pad(until, (0, blocks * BLOCK - tokens)).view(blocks, BLOCK)
    starts = torch.arange(blocks) * BLOCK
    is_behind = torch.ones(blocks, blocks, dtype=torch.bool).tril(-1)
    is_seen = (is_behind & (padded.amax(1)[None, :] > starts[:, None])) | torch.eye(blocks, dtype=torch.bool)
    is_whole = is_behind & (padded.amin(1)[None, :] >= starts[:, None] + BLOCK)
    on_device = until.to(device)

    def mask(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (key <= query) & (query < on_device[key])

    partial, whole = _listed(is_seen & ~is_whole, device), _listed(is_whole, device)
    return BlockMask.from_kv_blocks(
        *partial, *whole, BLOCK_SIZE=BLOCK, mask_mod=mask, seq_lengths=(tokens, tokens)
    )


def _listed(chosen: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    """Of each row how many are chosen, and their places in front of all others. [1, 1, rows], [1, 1, rows, columns]"""
    places = torch.argsort(chosen.int(), dim=1, descending=True, stable=True)
    counts = chosen.sum(1)
    return counts.int()[None, None].to(device), places.int()[None, None].contiguous().to(device)


def subtree_ends(segments: list[Segment]) -> list[int] | None:
    """The token behind everything that sees a segment; `None` where something else lies in between."""
    ends = [one.start + one.length for one in segments]
    above: list[int] = []
    for at, one in enumerate(segments):
        while above and above[-1] != one.parent:
            above.pop()
        if one.parent is not None and not above:
            return None
        above.append(at)
        for each in above:
            ends[each] = one.start + one.length
    return ends


def tree_mask(
    segments: list[Segment], device: torch.device
) -> Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]:
    """Whether a query sees a key, by their places. What is above stands before, so order is all that is causal."""
    lengths = torch.tensor([one.length for one in segments], device=device)
    of_token = torch.repeat_interleave(torch.arange(len(segments), device=device), lengths)
    # sees[a, b]: segment a is b or below it. A few hundred segments at most.
    sees = torch.zeros(len(segments), len(segments), dtype=torch.bool)
    for at, one in enumerate(segments):
        if one.parent is not None:
            sees[at] = sees[one.parent]
        sees[at, at] = True
    sees = sees.to(device)

    def mask(batch: Tensor, head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (key <= query) & sees[of_token[query], of_token[key]]

    return mask
