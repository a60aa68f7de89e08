"""Answers requests in order. What may be asked of a session, and when, is decided here (PROTOCOL.md)."""

import time
from dataclasses import dataclass, field
from typing import Any, Callable

import torch
from torch import Tensor

from .adapters import Adapter
from .decoding import KeyValueCache
from .frames import Frame, ProtocolError
from .messages import Batch, Segment, from_torch, number, parse_batch, parse_decode, to_torch, vector, whole_number
from .model import LanguageModel
from .ranks import Ranks

MAX_SESSIONS = 64
PURPOSES = ("score", "gradients", "generate")


@dataclass
class Session:
    purpose: str
    adapter: Adapter
    held: Tensor | None = None
    """Log-probs of this rank whose graph waits for cotangents."""
    place: slice = field(default_factory=lambda: slice(0))
    """Of these among all ranks' log-probs."""
    waiting: int = -1
    """How many cotangents are expected; -1 where none are."""
    cache: KeyValueCache | None = None
    gradients: dict[str, Tensor] = field(default_factory=dict)


class Server:
    def __init__(self, model: LanguageModel, ranks: Ranks, lockstep: bool):
        """@param lockstep: every rank has to run every layer along with the others, because weights are shared out"""
        self._model, self._ranks, self._lockstep = model, ranks, lockstep
        self._sessions: dict[int, Session] = {}
        self._sharded_bytes = model.layer_bytes if lockstep else 0
        self._handlers: dict[str, Callable[[Frame], Frame]] = {
            "open": self._open,
            "forward": self._forward,
            "backward": self._backward,
            "collect": self._collect,
            "decode": self._decode,
            "close": self._close,
            "counters": self._count,
        }

    def ready(self, versions: dict[str, str]) -> dict[str, Any]:
        model = self._model
        return {
            "type": "ready",
            "versions": versions,
            "ranks": self._ranks.size,
            "device": str(model.device),
            "dtype": str(model.dtype).removeprefix("torch."),
            "vocabulary": model.vocabulary,
            "hidden": model.config.hidden_size,
            "layers": model.config.num_hidden_layers,
        }

    def answer(self, frame: Frame) -> Frame:
        kind = frame.header.get("type")
        handler = self._handlers.get(kind) if isinstance(kind, str) else None
        if handler is None:
            raise ProtocolError(f"{str(kind)[:80]!r} is no request; known: {', '.join(self._handlers)}")
        counters = self._ranks.counters
        field_ = f"{kind}_seconds"
        if not hasattr(counters, field_):
            return handler(frame)
        start = time.perf_counter()
        reply = handler(frame)
        setattr(counters, field_, getattr(counters, field_) + time.perf_counter() - start)
        return reply

    def _open(self, frame: Frame) -> Frame:
        number_ = whole_number(frame.header, "session", 0, 2**52)
        purpose = frame.header.get("purpose")
        if purpose not in PURPOSES:
            raise ProtocolError(f'"purpose": expected one of {", ".join(PURPOSES)}')
        if number_ in self._sessions or len(self._sessions) >= MAX_SESSIONS:
            raise ProtocolError(f"session {number_} cannot be opened: it is open already, or {MAX_SESSIONS} are")
        tensors = {name: to_torch(raw) for name, raw in frame.tensors.items()}
        adapter = self._model.adapter(number(frame.header, "scaling"), tensors)
        self._sessions[number_] = Session(purpose, adapter)
        return Frame({"type": "opened"})

    def _session(self, frame: Frame, *purposes: str) -> Session:
        number_ = whole_number(frame.header, "session", 0, 2**52)
        session = self._sessions.get(number_)
        if session is None or session.purpose not in purposes:
            raise ProtocolError(f"session {number_} is not open for {frame.header['type']!r}")
        return session

    def _forward(self, frame: Frame) -> Frame:
        session = self._session(frame, "score", "gradients")
        if session.waiting >= 0:
            raise ProtocolError("forward: the batch before still waits for its cotangents")
        parts = whole_number(frame.header, "parts", 1, self._ranks.size)
        soft = session.adapter.soft_prompts
        rows = 0 if soft is None else soft.shape[0]
        batches = [parse_batch(frame, part, self._model.vocabulary, rows) for part in range(parts)]
        total = sum(batch.sequences for batch in batches)
        before = sum(batch.sequences for batch in batches[: self._ranks.rank])
        found = torch.zeros(total, dtype=torch.float64, device=self._model.device)
        mine = batches[self._ranks.rank] if self._ranks.rank < parts else None
        if mine is not None or self._lockstep:
            wanted = session.purpose == "gradients"
            with torch.set_grad_enabled(wanted):
                held = self._model.log_probs(mine or _IDLE, session.adapter)
            self._ranks.counters.gathered_bytes += self._sharded_bytes
            count = mine.sequences if mine is not None else 0
            self._ranks.counters.forward_tokens += len(mine.tokens) if mine is not None else 0
            session.place = slice(before, before + count)
            found[session.place] = held.detach()[:count]
            session.held = held if wanted else None
        session.waiting = total if session.purpose == "gradients" else -1
        return Frame({"type": "log_probs"}, {"log_probs": from_torch(self._ranks.sum(found))})

    def _backward(self, frame: Frame) -> Frame:
        session = self._session(frame, "gradients")
        cotangents = vector(frame, "cotangents", "float64")
        if session.waiting < 0 or len(cotangents) != session.waiting:
            raise ProtocolError(f"backward: {len(cotangents)} cotangents where {max(0, session.waiting)} are expected")
        session.waiting = -1
        held, session.held = session.held, None
        if held is None:
            return Frame({"type": "done"})
        mine = cotangents[session.place].to(held.device)
        if len(mine) < len(held):
            mine = torch.zeros_like(held)
        # Checkpoints compute layers again here, with the adapter that they had.
        with self._model.active.use(session.adapter):
            leaves = session.adapter.tensors
            found = torch.autograd.grad(held, list(leaves.values()), mine, allow_unused=True)
        self._ranks.counters.gathered_bytes += self._sharded_bytes
        for name, gradient in zip(leaves, found):
            if gradient is None:
                continue
            known = session.gradients.get(name)
            session.gradients[name] = gradient.float() if known is None else known.add_(gradient)
        return Frame({"type": "done"})

    def _collect(self, frame: Frame) -> Frame:
        session = self._session(frame, "gradients")
        if session.waiting >= 0:
            raise ProtocolError("collect: a batch still waits for its cotangents")
        sums = {}
        for name, leaf in session.adapter.tensors.items():
            known = session.gradients.get(name)
            sums[name] = from_torch(self._ranks.sum(torch.zeros_like(leaf) if known is None else known).detach())
        session.gradients = {}
        return Frame({"type": "gradients"}, sums)

    def _decode(self, frame: Frame) -> Frame:
        session = self._session(frame, "generate")
        soft = session.adapter.soft_prompts
        request = parse_decode(frame, self._model.vocabulary, 0 if soft is None else soft.shape[0])
        if self._ranks.rank > 0 and not self._lockstep:
            return Frame({"type": "logits"})
        if session.cache is None:
            session.cache = self._model.new_cache()
        with torch.no_grad():
            logits = self._model.decode(request, session.cache, session.adapter)
        return Frame({"type": "logits"}, {"logits": from_torch(logits)})

    def _count(self, frame: Frame) -> Frame:
        """Of rank 0, but for memory, which is that of the rank with most."""
        numbers = self._ranks.counters.as_numbers(self._model.device)
        peak = torch.tensor(numbers["peak_memory_bytes"], dtype=torch.int64, device=self._model.device)
        numbers["peak_memory_bytes"] = int(self._ranks.most(peak))
        return Frame({"type": "counters", **numbers})

    def _close(self, frame: Frame) -> Frame:
        self._session(frame, *PURPOSES)
        del self._sessions[frame.header["session"]]
        return Frame({"type": "closed"})


_ONE = torch.zeros(1, dtype=torch.long)
_IDLE = Batch(_ONE, _ONE, [Segment(0, 1, None)], _ONE, _ONE, torch.ones(1, dtype=torch.long))
"""What a rank without a batch runs where all have to run along; its cotangent is 0."""

