"""From options to a serving model: device, ranks, weights; then requests until the host ends."""

import argparse
import platform
from typing import TYPE_CHECKING

import torch
import transformers
from torch import nn

from . import __version__
from .frames import Frame
from .model import LanguageModel, ModelOptions
from .ranks import Ranks
from .server import Server

if TYPE_CHECKING:
    from .__main__ import Host


def run(options: argparse.Namespace, host: "Host | None") -> None:
    ranks = Ranks()
    if options.threads > 0:
        torch.set_num_threads(options.threads)
    device = pick_device(options.device, ranks)
    ranks.start(device)
    model = LanguageModel(
        ModelOptions(
            folder=options.model,
            dtype=options.dtype,
            device=device,
            attention=pick_attention(options.attention, device),
            checkpointing=options.checkpointing,
            trust_remote_code=options.trust_remote_code,
        )
    )
    lockstep = options.parallel == "fsdp" and ranks.size > 1
    if lockstep:
        shard(model.decoder)
    server = Server(model, ranks, lockstep)
    versions = {
        "worker": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }
    if host is not None:
        host.say(Frame(server.ready(versions)))
    while (frame := ranks.share(host.next() if host is not None else None)) is not None:
        reply = server.answer(frame)
        if host is not None:
            host.say(reply)
    ranks.stop()


def pick_device(name: str, ranks: Ranks) -> torch.device:
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ValueError("device cuda: this torch finds no GPU")
    device = torch.device("cuda", ranks.local_rank)
    torch.cuda.set_device(device)
    # It would make a plan for each length of a segment, which takes longer than the product.
    torch.backends.cuda.enable_cudnn_sdp(False)
    return device


def pick_attention(name: str, device: torch.device) -> str:
    if name != "auto":
        return name
    return "flex" if device.type == "cuda" else "segments"


def shard(decoder: nn.Module) -> None:
    """FSDP2: each layer's weights are shared out among ranks and gathered while the layer runs. The embeddings and
    the head, which the host's batches use outside any layer, stay whole on every rank."""
    from torch.distributed.fsdp import fully_shard

    layers = getattr(decoder, "layers")
    for layer in layers:
        fully_shard(layer)
