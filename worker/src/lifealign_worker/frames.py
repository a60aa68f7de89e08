"""Frames, the unit both sides speak in: a JSON header and the raw bytes of named tensors (PROTOCOL.md).

Nothing here needs torch, and nothing that arrives is trusted: sizes are checked before anything is read or
allocated, and whatever is not exactly a frame is a `ProtocolError`.
"""

import json
import math
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Mapping

PREFIX = 12
"""Bytes in front of a frame: header length (uint32) and payload length (uint64), little-endian."""

MAX_HEADER = 16 * 2**20
MAX_PAYLOAD = 4 * 2**30
MAX_GREETING = 64 * 2**10
"""Most bytes of a first frame, which comes from who knows whom."""

ITEM_BYTES: Mapping[str, int] = {"float32": 4, "float64": 8, "int32": 4}
MAX_DIMENSION = 2**40


class ProtocolError(Exception):
    """The other side does not speak the protocol; there is no going on."""


@dataclass(frozen=True)
class RawTensor:
    """Row-major, little-endian."""

    dtype: str
    shape: tuple[int, ...]
    data: memoryview | bytes


@dataclass(frozen=True)
class Frame:
    header: dict[str, Any]
    tensors: dict[str, RawTensor] = field(default_factory=dict)


def encode_frame(header: Mapping[str, Any], tensors: Mapping[str, RawTensor] | None = None) -> list[bytes | memoryview]:
    """The pieces of a frame, in order; tensors are not copied."""
    tensors = tensors or {}
    listed = [{"name": name, "dtype": one.dtype, "shape": list(one.shape)} for name, one in tensors.items()]
    text = json.dumps({**header, "tensors": listed}, separators=(",", ":"), allow_nan=False).encode()
    pieces = [memoryview(one.data).cast("B") for one in tensors.values() if len(one.data) > 0]
    payload = sum(len(piece) for piece in pieces)
    if len(text) > MAX_HEADER or payload > MAX_PAYLOAD:
        raise ProtocolError(f"a frame of {len(text)} + {payload} bytes is larger than the protocol allows")
    prefix = len(text).to_bytes(4, "little") + payload.to_bytes(8, "little")
    return [prefix + text, *pieces]


def write_frame(stream: BinaryIO, header: Mapping[str, Any], tensors: Mapping[str, RawTensor] | None = None) -> None:
    for piece in encode_frame(header, tensors):
        stream.write(piece)
    stream.flush()


def read_frame(stream: BinaryIO, max_bytes: int | None = None) -> Frame | None:
    """The next frame; `None` where the stream ends between two frames."""
    prefix = _read(stream, PREFIX, may_end=True)
    if prefix is None:
        return None
    header_bytes, payload_bytes = parse_prefix(bytes(prefix), max_bytes)
    header = _read(stream, header_bytes)
    payload = _read(stream, payload_bytes)
    assert header is not None and payload is not None
    return decode_frame(bytes(header), payload)


def parse_prefix(prefix: bytes, max_bytes: int | None = None) -> tuple[int, int]:
    header_bytes = int.from_bytes(prefix[:4], "little")
    payload_bytes = int.from_bytes(prefix[4:], "little")
    most_header, most_payload = (MAX_HEADER, MAX_PAYLOAD) if max_bytes is None else (max_bytes, max_bytes)
    if header_bytes > most_header or payload_bytes > most_payload:
        raise ProtocolError(
            f"a frame announces a header of {header_bytes} and a payload of {payload_bytes} bytes; "
            f"at most {most_header} and {most_payload} are allowed"
        )
    return header_bytes, payload_bytes


def decode_frame(text: bytes, payload: bytearray) -> Frame:
    try:
        header = json.loads(text.decode("utf-8", errors="strict"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"a frame's header is not JSON: {error}") from None
    if not isinstance(header, dict):
        raise ProtocolError("a frame's header is not an object")
    listed = header.pop("tensors", None)
    if not isinstance(listed, list):
        raise ProtocolError('a frame\'s header lacks the list "tensors"')
    tensors: dict[str, RawTensor] = {}
    view = memoryview(payload)
    at = 0
    for entry in listed:
        name, dtype, shape = _tensor_entry(entry)
        size = ITEM_BYTES[dtype] * math.prod(shape)
        if name in tensors:
            raise ProtocolError(f'a frame has two tensors "{name}"')
        if size > len(payload) - at:
            raise ProtocolError(f'the tensor "{name}" needs {size} bytes; {len(payload) - at} are left of the payload')
        tensors[name] = RawTensor(dtype, shape, view[at : at + size])
        at += size
    if at != len(payload):
        raise ProtocolError(f"a frame's payload has {len(payload)} bytes, its tensors {at}")
    return Frame(header, tensors)


def _tensor_entry(entry: Any) -> tuple[str, str, tuple[int, ...]]:
    if not isinstance(entry, dict) or set(entry) != {"name", "dtype", "shape"}:
        raise ProtocolError("a tensor's entry is not {name, dtype, shape}")
    name, dtype, shape = entry["name"], entry["dtype"], entry["shape"]
    if not isinstance(name, str) or not isinstance(dtype, str) or dtype not in ITEM_BYTES:
        raise ProtocolError(f"a tensor's dtype is none of {', '.join(ITEM_BYTES)}")
    if not isinstance(shape, list) or len(shape) > 8:
        raise ProtocolError(f'the shape of "{name[:80]}" is not a short list')
    if not all(type(size) is int and 0 <= size <= MAX_DIMENSION for size in shape):
        raise ProtocolError(f'the shape of "{name[:80]}" is not of whole numbers in range')
    return name, dtype, tuple(shape)


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _read(stream: BinaryIO, size: int, may_end: bool = False) -> bytearray | None:
    """Grows with what arrives: an announced length alone takes no memory."""
    result = bytearray()
    while len(result) < size:
        piece = stream.read(min(size - len(result), 2**20))
        if not piece:
            if may_end and not result:
                return None
            raise ProtocolError(f"the stream ended {size - len(result)} bytes before the end of a frame")
        result += piece
    return result
