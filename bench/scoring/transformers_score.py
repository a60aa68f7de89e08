"""One measurement of scoring by transformers on torch: a process. request.ts says what is asked.

    python transformers_score.py < REQUEST.json

As quick as transformers alone makes it: no gradient, logits at the response's positions only, for which a batch is
padded at its left.
"""

import time

import torch
from transformers import AutoModelForCausalLM

from measured import read_request, report

PAD = 0


@torch.inference_mode()
def score(model, sequences: list[tuple[list[int], list[int]]], batch_size: int) -> list[float]:
    """The log-prob of each (prompt, response)'s response."""
    sums = []
    for start in range(0, len(sequences), batch_size):
        batch = sequences[start : start + batch_size]
        longest = max(len(prompt) + len(response) for prompt, response in batch)
        padding = [longest - len(prompt) - len(response) for prompt, response in batch]
        ids = torch.tensor([[PAD] * count + prompt + response for count, (prompt, response) in zip(padding, batch)])
        mask = torch.tensor([[0] * count + [1] * (longest - count) for count in padding])
        kept = 1 + max(len(response) for _, response in batch)
        logits = model(
            input_ids=ids, attention_mask=mask, position_ids=(mask.cumsum(-1) - 1).clamp(min=0), use_cache=False,
            logits_to_keep=kept,
        ).logits  # fmt: skip
        logps = torch.log_softmax(logits[:, :-1].float(), dim=-1)
        targets = ids[:, longest - kept + 1 :]
        picked = logps.gather(-1, targets.unsqueeze(-1)).squeeze(-1)
        for row, (_, response) in enumerate(batch):
            sums.append(picked[row, kept - 1 - len(response) :].double().sum().item())
    return sums


def main(request: dict) -> None:
    torch.set_num_threads(request["threads"])
    model = AutoModelForCausalLM.from_pretrained(
        request["model"], dtype=getattr(torch, request["precision"]), attn_implementation="sdpa"
    ).eval()
    sequences = [(row["prompt"], row[side]) for row in request["rows"] for side in ("chosen", "rejected")]
    score(model, sequences[: 2 * request["warmUp"]], request["batchSize"])
    start = time.perf_counter()
    sums = score(model, sequences, request["batchSize"])
    seconds = time.perf_counter() - start
    report(seconds, ["transformers", "torch"], chosen=sums[0::2], rejected=sums[1::2])


if __name__ == "__main__":
    main(read_request())
