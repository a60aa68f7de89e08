"""Log-probabilities of given tokens from hidden states, without logits that wait for the backward pass."""

from typing import Any

import torch
from torch import Tensor


class TokenLogProbs(torch.autograd.Function):
    """log softmax(h W^T)[target], row by row, a piece of rows at a time.

    A row's log-prob depends on its own hidden state alone. So the derivative, W[target] - softmax(h W^T) W, is made
    while the piece's logits are there, and the backward pass only scales it: the vocabulary exists for one piece.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, piece: int) -> Tensor:
        """hidden [rows, width], weight [vocabulary, width], targets [rows]; returns float32 [rows]."""
        wanted = bool(ctx.needs_input_grad[0])
        log_probs: list[Tensor] = []
        slopes: list[Tensor] = []
        for h, target in zip(torch.split(hidden, piece), torch.split(targets, piece)):
            logits = torch.nn.functional.linear(h, weight).float()
            scale = logits.logsumexp(-1, keepdim=True)
            log_probs.append(logits.gather(1, target[:, None]).squeeze(1) - scale.squeeze(1))
            if wanted:
                probabilities = logits.sub_(scale).exp_().to(weight.dtype)
                slopes.append(weight[target] - probabilities @ weight)
        if wanted:
            ctx.save_for_backward(torch.cat(slopes))
        return torch.cat(log_probs)

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor, None, None, None]:
        (slopes,) = ctx.saved_tensors
        return (cotangents[0][:, None] * slopes).to(slopes.dtype), None, None, None


def sequence_log_probs(hidden: Tensor, weight: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
    """Sums over each sequence's tokens, which follow one another. [sequences], float64"""
    piece = max(16, (2**27 if hidden.is_cuda else 2**24) // weight.shape[0])
    of_tokens = TokenLogProbs.apply(hidden, weight, targets, piece)  # type: ignore[no-untyped-call]
    owners = torch.repeat_interleave(torch.arange(len(lengths), device=hidden.device), lengths.to(hidden.device))
    sums = torch.zeros(len(lengths), dtype=torch.float64, device=hidden.device)
    return sums.index_add(0, owners, of_tokens.double())
