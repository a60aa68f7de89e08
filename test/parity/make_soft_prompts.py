"""Soft prompts and L2P by transformers and torch autograd on the tiny models: what our engine has to find.

    python make_soft_prompts.py MODELS_FOLDER OUTPUT_FILE

Vectors go in as `inputs_embeds`, every sequence alone, in float64. Which prompts a row gets is decided by torch's
cosine similarity and topk; the key term is autograd's. Answers are greedy, every token from a whole forward pass.
"""

import json
import random
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from make_tiny_models import MODELS
from objectives import batch_loss

LENGTHS = [(1, 3, 5), (7, 1, 4), (12, 9, 9), (23, 7, 12)]
POOL_SIZE, PROMPT_LENGTH, TOP_K = 4, 2, 2
KEY_WEIGHT = 0.5
VARIANTS = [{"name": "sft"}, {"name": "fpo", "beta": 0.1, "gamma": 2}]
NEW_TOKENS = 8


def rounded(tensor: torch.Tensor) -> list[float]:
    return [float(f"{value:.7g}") for value in tensor.flatten().tolist()]


def logp(model, prefix: torch.Tensor, prompt: list[int], response: list[int]) -> torch.Tensor:
    """log p(response | prefix, prompt), the prefix being vectors [n, hidden]."""
    states = torch.cat([prefix, model.get_input_embeddings()(torch.tensor(prompt + response))])
    logits = model(inputs_embeds=states[None], use_cache=False).logits[0, len(prefix) + len(prompt) - 1 : -1]
    return torch.log_softmax(logits, dim=-1).gather(1, torch.tensor(response)[:, None]).sum()


def greedy(model, prefix: torch.Tensor, prompt: list[int]) -> list[int]:
    tokens = list(prompt)
    for _ in range(NEW_TOKENS):
        states = torch.cat([prefix, model.get_input_embeddings()(torch.tensor(tokens))])
        tokens.append(model(inputs_embeds=states[None], use_cache=False).logits[0, -1].argmax().item())
    return tokens[len(prompt) :]


def evaluate(model, rows: list[dict], pool: torch.Tensor) -> dict:
    """`pool` is [pool size, prompt length, hidden]."""
    keys = pool.mean(dim=1)
    chosen, similarity = [], torch.tensor(0.0).double()
    for row in rows:
        query = model.get_input_embeddings()(torch.tensor(row["prompt"])).mean(dim=0).detach()
        nearest = torch.cosine_similarity(query[None], keys, dim=1).topk(TOP_K)
        chosen.append(nearest.indices.tolist())
        similarity = similarity + nearest.values.sum() / len(rows)
    prefixes = [pool[indices].flatten(0, 1) for indices in chosen]
    policy = {key: torch.stack([logp(model, prefix, row["prompt"], row[key]) for prefix, row in zip(prefixes, rows)])
              for key in ("chosen", "rejected")}
    with torch.no_grad():
        nothing = pool.new_zeros(0, pool.shape[2])
        base = {key: torch.stack([logp(model, nothing, row["prompt"], row[key]) for row in rows]) for key in policy}
        answers = [greedy(model, prefix, row["prompt"]) for prefix, row in zip(prefixes, rows)]
    lengths = [torch.tensor([float(len(row[key])) for row in rows]).double() for key in policy]
    objectives = []
    for settings in VARIANTS:
        loss = batch_loss(settings, *policy.values(), *base.values(), *lengths, 0.0)
        [gradient] = torch.autograd.grad(loss, pool, retain_graph=True)
        objectives.append(dict(settings=settings, loss=loss.item(), gradient=rounded(gradient)))
    term = -KEY_WEIGHT * similarity
    [gradient] = torch.autograd.grad(term, pool)
    return dict(
        choices=chosen, answers=answers, objectives=objectives,
        base={key: value.tolist() for key, value in base.items()},
        policy={key: value.tolist() for key, value in policy.items()},
        key_term=dict(weight=KEY_WEIGHT, value=term.item(), gradient=rounded(gradient)),
    )


def main(models: Path, output: Path) -> None:
    document = {}
    for number, (name, config) in enumerate(MODELS.items()):
        draw = random.Random(100 + number)
        rows = [{key: [draw.randrange(3, config["vocab_size"]) for _ in range(length)]
                 for key, length in zip(("prompt", "chosen", "rejected"), lengths)} for lengths in LENGTHS]
        model = AutoModelForCausalLM.from_pretrained(models / name, dtype=torch.float32).double().eval()
        values = [draw.randrange(-40, 41) / 64 for _ in range(POOL_SIZE * PROMPT_LENGTH * config["hidden_size"])]
        pool = torch.tensor(values).double().reshape(POOL_SIZE, PROMPT_LENGTH, -1).requires_grad_()
        settings = dict(pool_size=POOL_SIZE, prompt_length=PROMPT_LENGTH, top_k=TOP_K)
        document[name] = dict(settings=settings, pool=values, rows=rows, **evaluate(model, rows, pool))
    output.write_text("{" + ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in document.items()) + "}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
