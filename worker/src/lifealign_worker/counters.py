"""What this process has done since it was ready, counted where it is done: what a cost model is made of."""

import resource
import sys
from dataclasses import asdict, dataclass

import torch


@dataclass
class Counters:
    forward_tokens: int = 0
    """Packed tokens that went through the layers, in batches of `forward`."""
    forward_seconds: float = 0.0
    backward_seconds: float = 0.0
    """Until the last result is asked for: on a GPU, work that has not ended counts where it is waited for."""
    collect_seconds: float = 0.0
    summed_bytes: int = 0
    """Of tensors summed over ranks, once for each sum; none where there is one rank."""
    shared_bytes: int = 0
    """Of requests that rank 0 handed on."""
    gathered_bytes: int = 0
    """Of weights that were put together from all ranks' parts (FSDP): the size of all layers for each pass."""

    def as_numbers(self, device: torch.device) -> dict[str, float]:
        return {**asdict(self), "peak_memory_bytes": peak_memory_bytes(device)}


def peak_memory_bytes(device: torch.device) -> int:
    """Of tensors on a GPU; on the processor, of the process."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in kibibytes, macOS in bytes.
    return peak if sys.platform == "darwin" else 1024 * peak
