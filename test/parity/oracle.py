"""The oracle: log-probabilities, losses and LoRA gradients by transformers, PEFT and torch autograd.

Every sequence runs alone, unpadded, in float64 (transformers keeps its norms, rotary angles and softmax in
float32), so what it returns is the truth that a float32 engine is compared with.
"""

import base64
import json
from pathlib import Path

import numpy
import torch
from peft import PeftModel
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from objectives import batch_loss

RESPONSES = ("chosen", "rejected")


def load_model(folder: Path, adapter: Path) -> PeftModel:
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return PeftModel.from_pretrained(base, adapter, is_trainable=True).double().eval()


def sequence_logp(model: PeftModel, prompt: list[int], response: list[int]) -> torch.Tensor:
    """log p(response | prompt): the sum over response tokens."""
    ids = torch.tensor([prompt + response])
    logp = torch.log_softmax(model(input_ids=ids, use_cache=False).logits[0, len(prompt) - 1 : -1], dim=-1)
    return logp.gather(1, torch.tensor(response)[:, None]).sum()


def trainable(model: PeftModel) -> dict[str, torch.Tensor]:
    """LoRA tensors under the names PEFT saves them by."""
    return {
        name.replace(".default.", "."): parameter for name, parameter in model.named_parameters() if "lora_" in name
    }


def score(model: PeftModel, rows: list[dict]) -> dict[str, list[float]]:
    with torch.no_grad():
        return {key: [sequence_logp(model, row["prompt"], row[key]).item() for row in rows] for key in RESPONSES}


def score_base(model: PeftModel, rows: list[dict]) -> dict[str, list[float]]:
    with model.disable_adapter():
        return score(model, rows)


def kl_estimate(model: PeftModel, rows: list[dict]) -> float:
    """KTO's reference point: each prompt with the previous row's responses, the first with the last's."""
    unmatched = [
        {"prompt": row["prompt"], **{key: rows[index - 1][key] for key in RESPONSES}} for index, row in enumerate(rows)
    ]
    policy, reference = score(model, unmatched), score_base(model, unmatched)
    ratios = [a - b for key in RESPONSES for a, b in zip(policy[key], reference[key])]
    return max(0.0, sum(ratios) / len(ratios))


def evaluate(model: PeftModel, rows: list[dict], variants: list[dict]) -> dict:
    """Log-probs with and without the adapter; loss and gradients of every objective over all rows."""
    parameters = trainable(model)
    base, kl = score_base(model, rows), kl_estimate(model, rows)
    logps = {key: [] for key in RESPONSES}
    jacobian = []  # of chosen, then rejected log-probs: one row per sequence, all LoRA tensors in one line
    for key in RESPONSES:
        for row in rows:
            logp = sequence_logp(model, row["prompt"], row[key])
            gradients = torch.autograd.grad(logp, list(parameters.values()))
            jacobian.append(torch.cat([gradient.flatten() for gradient in gradients]))
            logps[key].append(logp.item())
    jacobian = torch.stack(jacobian)
    results = []
    for settings in variants:
        leaves = [torch.tensor(logps[key], dtype=torch.float64, requires_grad=True) for key in RESPONSES]
        loss = batch_loss(settings, *leaves, *loss_constants(base, rows), kl)
        cotangents = torch.autograd.grad(loss, leaves, allow_unused=True)
        cotangents = [torch.zeros(len(rows)).double() if one is None else one for one in cotangents]
        flat = torch.cat(cotangents) @ jacobian
        parts = flat.split([parameter.numel() for parameter in parameters.values()])
        gradients = dict(zip(parameters, parts))
        results.append(dict(settings=settings, loss=loss.item(), grad_norm=flat.norm().item(), gradients=gradients))
    return dict(base=base, policy=logps, kl=kl, objectives=results)


def loss_constants(base: dict, rows: list[dict]) -> list[torch.Tensor]:
    reference = [torch.tensor(base[key], dtype=torch.float64) for key in RESPONSES]
    return reference + [torch.tensor([float(len(row[key])) for row in rows], dtype=torch.float64) for key in RESPONSES]


def check_chain_rule(model: PeftModel, rows: list[dict], result: dict) -> None:
    """`evaluate` goes through per-sequence gradients to be quick; plain autograd of the loss must agree."""
    leaves = [torch.stack([sequence_logp(model, row["prompt"], row[key]) for row in rows]) for key in RESPONSES]
    loss = batch_loss(result["settings"], *leaves, *loss_constants(score_base(model, rows), rows), 0.0)
    direct = torch.autograd.grad(loss, list(trainable(model).values()))
    for one, other in zip(direct, result["gradients"].values()):
        assert (one.flatten() - other).norm() <= 1e-5 * one.norm(), "per-sequence gradients do not add up"


def as_json(result: dict, keep_gradients) -> dict:
    """Gradients as base64 of little-endian float32, row-major, where `keep_gradients(settings)` says so."""
    objectives = []
    for one in result["objectives"]:
        entry = {key: one[key] for key in ("settings", "loss", "grad_norm")}
        if keep_gradients(one["settings"]):
            entry["gradients"] = {
                name: base64.b64encode(value.numpy().astype(numpy.dtype("<f4")).tobytes()).decode()
                for name, value in one["gradients"].items()
            }
        objectives.append(entry)
    return {**result, "objectives": objectives}


class TextEncoder:
    """Rows of text to token ids: `tokenizer.json` decides, the folder's template renders the prompt."""

    def __init__(self, folder: Path):
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        config = json.loads((folder / "tokenizer_config.json").read_text())
        template_file = folder / "chat_template.jinja"
        template = template_file.read_text() if template_file.exists() else config["chat_template"]
        end = config["eos_token"]
        self.end = self.tokenizer.token_to_id(end if isinstance(end, str) else end["content"])
        self.renderer = PreTrainedTokenizerFast(tokenizer_object=self.tokenizer, chat_template=template)

    def encode(self, row: dict) -> dict:
        prompt = row.get("query", row.get("prompt"))
        messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
        text = self.renderer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        ids = {key: self._ids(row[key]) + [self.end] for key in RESPONSES}
        return {"prompt": self._ids(text), **ids}

    def _ids(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids
