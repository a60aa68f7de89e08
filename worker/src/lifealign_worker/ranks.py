"""The processes of a run. Rank 0 speaks with the host and hands each request on; no pickle anywhere."""

import os
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from .counters import Counters
from .frames import Frame, decode_frame, encode_frame

_WAIT = timedelta(days=30)
"""Between two requests the host may work for hours; a rank that dies breaks the connection at once."""


class Ranks:
    """One process alone, until `start` finds that it is one of several."""

    def __init__(self) -> None:
        self.rank = int(os.environ.get("RANK", "0"))
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.local_rank = int(os.environ.get("LOCAL_RANK", "0"))
        self.counters = Counters()
        self._control: dist.ProcessGroup | None = None

    def start(self, device: torch.device) -> None:
        if self.size == 1:
            return
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=_WAIT)
        self._control = dist.new_group(backend="gloo", timeout=_WAIT)

    def share(self, frame: Frame | None) -> Frame | None:
        """Rank 0's frame, on every rank; `None` ends the work."""
        if self.size == 1:
            return frame
        pieces: list[bytes | memoryview] = []
        if self.rank == 0 and frame is not None:
            pieces = encode_frame(frame.header, frame.tensors)
        data = bytearray(b"".join(pieces))
        length = torch.tensor([len(data)])
        dist.broadcast(length, 0, self._control)
        size = int(length)
        self.counters.shared_bytes += size
        if size == 0:
            return None
        content = torch.frombuffer(data, dtype=torch.uint8) if data else torch.empty(size, dtype=torch.uint8)
        dist.broadcast(content, 0, self._control)
        if self.rank == 0:
            return frame
        received = bytearray(content.numpy().tobytes())
        header = int.from_bytes(received[:4], "little")
        return decode_frame(bytes(received[12 : 12 + header]), received[12 + header :])

    def sum(self, value: Tensor) -> Tensor:
        """The sum over ranks, on every rank."""
        if self.size > 1:
            dist.all_reduce(value)
            self.counters.summed_bytes += value.numel() * value.element_size()
        return value

    def most(self, value: Tensor) -> Tensor:
        """The largest over ranks, on every rank."""
        if self.size > 1:
            dist.all_reduce(value, dist.ReduceOp.MAX)
        return value

    def stop(self) -> None:
        if dist.is_initialized():
            dist.destroy_process_group()
