"""What requests hold, checked: sizes that fit together and indices that lie in range (PROTOCOL.md)."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from .frames import Frame, ProtocolError, RawTensor

_DTYPES = {"float32": torch.float32, "float64": torch.float64, "int32": torch.int32}
MAX_SLOTS = 4096
MAX_CAPACITY = 2**24


@dataclass(frozen=True)
class Segment:
    """`parent` stands before it, and is what it also sees."""

    start: int
    length: int
    parent: int | None


@dataclass(frozen=True)
class Batch:
    """Packed rows. Position i of `sources` predicts token i of `targets`; responses follow one another there."""

    tokens: Tensor
    positions: Tensor
    segments: list[Segment]
    sources: Tensor
    targets: Tensor
    lengths: Tensor

    @property
    def sequences(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True)
class NewTokens:
    """Of one answer: its slot in the cache, how many tokens it holds already, how many come."""

    slot: int
    start: int
    count: int


@dataclass(frozen=True)
class Decode:
    slots: int
    capacity: int
    actions: list[tuple[str, int, int, int]]
    tokens: Tensor
    rows: list[NewTokens]


def to_torch(raw: RawTensor) -> Tensor:
    dtype = _DTYPES[raw.dtype]
    if len(raw.data) == 0:
        return torch.empty(raw.shape, dtype=dtype)
    data = raw.data if isinstance(raw.data, memoryview) and not raw.data.readonly else bytearray(raw.data)
    return torch.frombuffer(data, dtype=dtype).reshape(raw.shape)


def from_torch(tensor: Tensor) -> RawTensor:
    names = {dtype: name for name, dtype in _DTYPES.items()}
    value = tensor.detach().cpu().contiguous()
    return RawTensor(names[value.dtype], tuple(value.shape), value.numpy().tobytes())


def whole_number(header: dict[str, Any], field: str, least: int, most: int) -> int:
    value = header.get(field)
    if type(value) is not int or not least <= value <= most:
        raise ProtocolError(f'"{field}": expected a whole number from {least} to {most}')
    return value


def number(header: dict[str, Any], field: str) -> float:
    value = header.get(field)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ProtocolError(f'"{field}": expected a number')
    return float(value)


def vector(frame: Frame, name: str, dtype: str, dimensions: int = 1) -> Tensor:
    raw = frame.tensors.get(name)
    if raw is None or raw.dtype != dtype or len(raw.shape) != dimensions:
        raise ProtocolError(f'the tensor "{name}": expected {dtype} of {dimensions} dimension(s)')
    return to_torch(raw)


def _indices(frame: Frame, name: str, below: int) -> Tensor:
    values = vector(frame, name, "int32").long()
    if len(values) and not 0 <= int(values.min()) <= int(values.max()) < below:
        raise ProtocolError(f'the tensor "{name}": expected numbers from 0 to {below - 1}')
    return values


def parse_batch(frame: Frame, part: int, vocabulary: int, soft: int) -> Batch:
    """@param soft: rows of soft prompts, which token ids from `vocabulary` on stand for"""
    prefix = f"{part}."
    tokens = _indices(frame, prefix + "tokens", vocabulary + soft)
    positions = _indices(frame, prefix + "positions", MAX_CAPACITY)
    segments = _segments(vector(frame, prefix + "segments", "int32", 2))
    sources = _indices(frame, prefix + "sources", max(1, len(tokens)))
    targets = _indices(frame, prefix + "targets", vocabulary)
    lengths = vector(frame, prefix + "lengths", "int32").long()
    if len(tokens) == 0 or len(positions) != len(tokens):
        raise ProtocolError("a batch needs tokens, and a position for each")
    if sum(one.length for one in segments) != len(tokens):
        raise ProtocolError("a batch's segments are not as long as its tokens")
    if len(sources) != len(targets) or int(lengths.sum()) != len(targets) or (lengths < 1).any():
        raise ProtocolError("a batch's sources, targets and lengths do not fit together")
    return Batch(tokens, positions, segments, sources, targets, lengths)


def _segments(table: Tensor) -> list[Segment]:
    if table.shape[1] != 2:
        raise ProtocolError("segments: expected a length and a parent for each")
    segments: list[Segment] = []
    start = 0
    for at, (length, parent) in enumerate(table.tolist()):
        if length < 1 or not -1 <= parent < at:
            raise ProtocolError(f"segment {at} has length {length} and parent {parent}")
        segments.append(Segment(start, length, None if parent < 0 else parent))
        start += length
    return segments


def parse_decode(frame: Frame, vocabulary: int, soft: int) -> Decode:
    header = frame.header
    slots = whole_number(header, "slots", 1, MAX_SLOTS)
    capacity = whole_number(header, "capacity", 1, MAX_CAPACITY)
    tokens = _indices(frame, "tokens", vocabulary + soft)
    table = vector(frame, "rows", "int32", 2)
    if table.shape[1] != 3 or len(table) == 0:
        raise ProtocolError("rows: expected a slot, a start and a count for each")
    rows = [NewTokens(*row) for row in table.tolist()]
    for row in rows:
        if not 0 <= row.slot < slots or row.start < 0 or row.count < 1 or row.start + row.count > capacity:
            raise ProtocolError(f"a row does not fit the cache: {row}")
    if sum(row.count for row in rows) != len(tokens) or len({row.slot for row in rows}) != len(rows):
        raise ProtocolError("rows do not share out the tokens, or share a slot")
    return Decode(slots, capacity, _actions(header.get("actions"), slots), tokens, rows)


def _actions(value: Any, slots: int) -> list[tuple[str, int, int, int]]:
    if not isinstance(value, list):
        raise ProtocolError('"actions": expected a list')
    actions: list[tuple[str, int, int, int]] = []
    for one in value:
        fits = isinstance(one, list) and len(one) == 4 and one[0] in ("copy", "clear")
        if not fits or not all(type(n) is int and 0 <= n <= MAX_CAPACITY for n in one[1:]):
            raise ProtocolError('"actions": expected ["copy", from, to, length] or ["clear", slot, 0, 0]')
        if one[1] >= slots or one[2] >= slots:
            raise ProtocolError('"actions": a slot that the cache does not have')
        actions.append((one[0], one[1], one[2], one[3]))
    return actions
