"""Frames: what is written is read, and whatever else arrives is a ProtocolError. Needs no torch."""

import io
import json
import random
import unittest

from lifealign_worker.frames import (
    MAX_GREETING,
    MAX_HEADER,
    MAX_PAYLOAD,
    Frame,
    ProtocolError,
    RawTensor,
    encode_frame,
    read_frame,
    write_frame,
)


def raw(header: bytes, payload: bytes = b"") -> bytes:
    return len(header).to_bytes(4, "little") + len(payload).to_bytes(8, "little") + header + payload


def header(*tensors: dict, **fields: object) -> bytes:
    return json.dumps({"type": "x", "tensors": list(tensors), **fields}).encode()


SAMPLE = b"".join(
    encode_frame(
        {"type": "forward", "session": 3, "text": "äöü"},
        {
            "a": RawTensor("float32", (2, 3), bytes(range(24))),
            "none": RawTensor("int32", (0,), b""),
            "b": RawTensor("float64", (), bytes(8)),
        },
    )
)


class Frames(unittest.TestCase):
    def test_what_is_written_is_read(self) -> None:
        stream = io.BytesIO()
        tensors = {"a": RawTensor("float32", (2, 3), bytes(range(24))), "b": RawTensor("int32", (0, 5), b"")}
        write_frame(stream, {"type": "x", "n": 1.5}, tensors)
        write_frame(stream, {"type": "y"})
        stream.seek(0)
        first, second = read_frame(stream), read_frame(stream)
        assert first is not None
        self.assertEqual(first.header, {"type": "x", "n": 1.5})
        self.assertEqual(list(first.tensors), ["a", "b"])
        self.assertEqual(bytes(first.tensors["a"].data), bytes(range(24)))
        self.assertEqual(first.tensors["b"].shape, (0, 5))
        self.assertEqual(second, Frame({"type": "y"}))
        self.assertIsNone(read_frame(stream))

    def test_what_is_no_frame_is_refused(self) -> None:
        one = {"name": "a", "dtype": "float32", "shape": [1]}
        cases = {
            "larger": (MAX_HEADER + 1).to_bytes(4, "little") + bytes(8),
            "larger payload": bytes(4) + (MAX_PAYLOAD + 1).to_bytes(8, "little"),
            "no JSON": raw(b"{"),
            "no UTF-8": raw(b'{"type": "\xff", "tensors": []}'),
            "NaN": raw(b'{"type": NaN, "tensors": []}'),
            "a list": raw(b"[]"),
            "deep": raw(b"[" * 100_000),
            "no tensors": raw(b"{}"),
            "tensors are no list": raw(b'{"tensors": {}}'),
            "too little payload": raw(header(one), bytes(3)),
            "too much payload": raw(header(one), bytes(5)),
            "payload of nothing": raw(header(), bytes(1)),
            "twice": raw(header(one, one), bytes(8)),
            "unknown type": raw(header({**one, "dtype": "object"}), bytes(4)),
            "another field": raw(header({**one, "x": 1}), bytes(4)),
            "negative": raw(header({**one, "shape": [-1, -1]}), bytes(4)),
            "fraction": raw(header({**one, "shape": [1.0]}), bytes(4)),
            "true": raw(header({**one, "shape": [True]}), bytes(4)),
            "many dimensions": raw(header({**one, "shape": [1] * 9}), bytes(4)),
            "huge": raw(header({**one, "shape": [2**40] * 8}), bytes(4)),
            "a list as name": raw(header({**one, "name": [1]}), bytes(4)),
            "a list as dtype": raw(header({**one, "dtype": ["float32"]}), bytes(4)),
        }
        for name, data in cases.items():
            with self.subTest(name), self.assertRaises(ProtocolError):
                read_frame(io.BytesIO(data))

    def test_a_greeting_is_small(self) -> None:
        with self.assertRaises(ProtocolError):
            read_frame(io.BytesIO(raw(b" " * (MAX_GREETING + 1))), MAX_GREETING)

    def test_an_announced_length_takes_no_memory(self) -> None:
        # 4 GiB are announced; what is there is refused as soon as it ends.
        data = (2).to_bytes(4, "little") + MAX_PAYLOAD.to_bytes(8, "little") + b"{}"
        with self.assertRaises(ProtocolError):
            read_frame(io.BytesIO(data))

    def test_every_cut_is_an_error_or_an_end(self) -> None:
        for end in range(len(SAMPLE)):
            with self.subTest(end):
                if end == 0:
                    self.assertIsNone(read_frame(io.BytesIO()))
                else:
                    with self.assertRaises(ProtocolError):
                        read_frame(io.BytesIO(SAMPLE[:end]))

    def test_anything_is_a_frame_an_end_or_an_error(self) -> None:
        random_ = random.Random(7)
        for _ in range(20_000):
            stream = io.BytesIO(mutate(random_, SAMPLE))
            try:
                while read_frame(stream, 2**20) is not None:
                    pass
            except ProtocolError:
                pass


def mutate(random_: random.Random, data: bytes) -> bytes:
    """Bytes changed, cut out, doubled or put in; now and then nothing but noise."""
    if random_.random() < 0.05:
        return random_.randbytes(random_.randrange(200))
    result = bytearray(data)
    for _ in range(random_.randint(1, 4)):
        at = random_.randrange(len(result) + 1)
        length = random_.randint(1, 8)
        kind = random_.randrange(4)
        if kind == 0 and at < len(result):
            result[at] = random_.randrange(256)
        elif kind == 1:
            del result[at : at + length]
        elif kind == 2:
            result[at:at] = result[at : at + length]
        else:
            result[at:at] = random_.randbytes(length)
    return bytes(result)


if __name__ == "__main__":
    unittest.main()
