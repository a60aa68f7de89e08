"""Runs TRL's own loss code on given log-probabilities and writes losses and their gradients.

TRL's trainers compute losses inside methods that also run the model. Here the model is a stand-in that
answers with the given per-token log-probabilities, so the lines that are executed are TRL's and nothing is
trained. Variants that TRL no longer has (DPO's conservative label smoothing) go through the trainer that
still has the same formula; what is noted in `through` says so.

    python trl_losses.py OUTPUT.json
"""

import json
import sys
import warnings
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import torch

warnings.filterwarnings("ignore")
from trl import DPOTrainer, KTOTrainer  # noqa: E402
from trl.experimental.cpo import CPOTrainer  # noqa: E402
from trl.experimental.orpo import ORPOTrainer  # noqa: E402

# (settings as lifealign takes them, how TRL computes it)
CASES = [
    ({"name": "dpo", "beta": 0.1}, "DPOTrainer, sigmoid"),
    ({"name": "dpo", "beta": 0.5}, "DPOTrainer, sigmoid"),
    ({"name": "fpo", "beta": 0.1, "gamma": 0}, "DPOTrainer, sigmoid"),
    ({"name": "dpo", "beta": 0.3, "label_smoothing": 0.2}, "CPOTrainer, sigmoid, on log-ratios"),
    ({"name": "ipo", "beta": 0.1}, "DPOTrainer, ipo"),
    ({"name": "ipo", "beta": 0.2, "length_normalized": False}, "CPOTrainer, ipo, on log-ratio sums"),
    ({"name": "hinge", "beta": 0.1}, "DPOTrainer, hinge"),
    ({"name": "hinge", "beta": 0.5}, "DPOTrainer, hinge"),
    ({"name": "sft"}, "DPOTrainer, sft"),
    ({"name": "simpo", "beta": 2, "gamma": 1}, "CPOTrainer, simpo, on mean log-probs"),
    ({"name": "simpo", "beta": 2.5, "gamma": 1.4, "label_smoothing": 0.1}, "CPOTrainer, simpo, on mean log-probs"),
    ({"name": "orpo", "lambda": 0.1}, "ORPOTrainer.odds_ratio_loss + mean per-row NLL"),
    ({"name": "kto", "beta": 0.1}, "KTOTrainer, kto"),
    ({"name": "kto", "beta": 0.3, "desirable_weight": 1.5, "undesirable_weight": 0.5}, "KTOTrainer, kto"),
]

ACCELERATOR = SimpleNamespace(
    device=torch.device("cpu"), gather=lambda x: x, gather_for_metrics=lambda x: x, unwrap_model=lambda x: x
)


def stand_in(answers: list[torch.Tensor]):
    """A model whose successive calls answer with the given per-token log-probabilities [sequences, tokens]."""
    remaining = list(answers)

    def model(**_):
        log_probs = remaining.pop(0)
        zeros = torch.zeros_like(log_probs)
        return SimpleNamespace(log_probs=log_probs, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool())

    return model


def trainer(**settings) -> SimpleNamespace:
    """The attributes a trainer's loss code reads."""
    return SimpleNamespace(
        accelerator=ACCELERATOR, model=SimpleNamespace(training=True), _metrics=defaultdict(lambda: defaultdict(list)),
        _total_train_tokens=0, _tp_size=1, aux_loss_enabled=False, precompute_ref_logps=True, **settings,
    )


def per_token(sums: torch.Tensor, lengths: list[int], width: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Spreads each sequence's log-prob evenly over its tokens; also the mask, with one prompt token before."""
    mask = torch.tensor([[0] + [1] * length + [0] * (width - length) for length in lengths])
    return sums[:, None] / torch.tensor(lengths)[:, None] * mask[:, 1:], mask


def dpo(loss_type, beta, data, leaves):
    lengths = data["chosen_length"] + data["rejected_length"]
    log_probs, mask = per_token(torch.cat(leaves), lengths, max(lengths))
    stub = trainer(
        beta=beta, loss_types=[loss_type], loss_weights=[1.0], ld_alpha=None, f_divergence_type="reverse_kl",
        use_weighting=False, label_smoothing=0.0,
    )
    inputs = dict(
        input_ids=torch.zeros_like(mask), attention_mask=torch.ones_like(mask), completion_mask=mask,
        ref_chosen_logps=data["reference_chosen"], ref_rejected_logps=data["reference_rejected"],
    )
    return DPOTrainer._compute_loss(stub, stand_in([log_probs]), inputs, False)


def kto(settings, data, leaves):
    rows = len(data["chosen_length"])
    lengths = data["chosen_length"] + data["rejected_length"]
    log_probs, mask = per_token(torch.cat(leaves), lengths, max(lengths))
    # The unmatched pairs' log-probs and their reference: their mean difference is the KL estimate.
    kl_log_probs, _ = per_token(torch.full((2 * rows,), -20.0 + data["kl"], dtype=torch.float64), lengths, max(lengths))
    stub = trainer(
        beta=settings["beta"], desirable_weight=settings.get("desirable_weight", 1.0),
        undesirable_weight=settings.get("undesirable_weight", 1.0), loss_type="kto", calculate_KL=True,
    )
    stub._compute_kl_logps = lambda model, batch: KTOTrainer._compute_kl_logps(stub, stand_in([kl_log_probs]), batch)
    inputs = {"input_ids": torch.zeros_like(mask), "attention_mask": torch.ones_like(mask), "completion_mask": mask}
    inputs |= {f"KL_{name}": value for name, value in inputs.items()}
    inputs["label"] = torch.tensor([True] * rows + [False] * rows)
    inputs["ref_logps"] = torch.cat([data["reference_chosen"], data["reference_rejected"]])
    inputs["ref_KL_logps"] = torch.full((2 * rows,), -20.0, dtype=torch.float64)
    return KTOTrainer._compute_loss(stub, stand_in([log_probs]), inputs, False)


def cpo(loss_type, settings, chosen, rejected):
    stub = SimpleNamespace(
        accelerator=ACCELERATOR, alpha=0.0, beta=settings["beta"], loss_type=loss_type,
        simpo_gamma=settings.get("gamma"), label_smoothing=settings.get("label_smoothing", 0.0),
    )
    return CPOTrainer.cpo_loss(stub, chosen, rejected)[0].mean()


def trl_loss(settings, through, data, leaves):
    chosen, rejected = leaves
    lengths = [torch.tensor(data[name]) for name in ("chosen_length", "rejected_length")]
    if through.startswith("DPOTrainer"):
        return dpo(through.split(", ")[1], settings.get("beta", 0.1), data, leaves)
    if through.startswith("KTOTrainer"):
        return kto(settings, data, leaves)
    if "log-ratio" in through:
        return cpo(through.split(", ")[1], settings, chosen - data["reference_chosen"], rejected - data["reference_rejected"])
    means = [chosen / lengths[0], rejected / lengths[1]]
    if through.startswith("CPOTrainer"):
        return cpo("simpo", settings, *means)
    stub = SimpleNamespace(accelerator=ACCELERATOR, beta=settings["lambda"])
    return -means[0].mean() - ORPOTrainer.odds_ratio_loss(stub, *means)[0].mean()


def main(output: Path) -> None:
    torch.set_default_dtype(torch.float64)
    generator = torch.Generator().manual_seed(7)
    rows = 7
    lengths = torch.randint(1, 40, (2, rows), generator=generator)
    reference = -lengths * (0.3 + 2 * torch.rand((2, rows), generator=generator))
    policy = reference + 8 * torch.randn((2, rows), generator=generator).clamp(-2, 2)
    policy = torch.minimum(policy, torch.tensor(-0.05))
    data = dict(
        chosen_length=lengths[0].tolist(), rejected_length=lengths[1].tolist(), kl=1.75,
        reference_chosen=reference[0], reference_rejected=reference[1],
    )
    cases = []
    for settings, through in CASES:
        leaves = [policy[0].clone().requires_grad_(), policy[1].clone().requires_grad_()]
        loss = trl_loss(settings, through, data, leaves)
        gradients = torch.autograd.grad(loss, leaves, allow_unused=True)
        gradients = [torch.zeros(rows) if gradient is None else gradient for gradient in gradients]
        cases.append(dict(
            settings=settings, through=through, loss=loss.item(),
            chosen_gradient=gradients[0].tolist(), rejected_gradient=gradients[1].tolist(),
        ))
    data = {name: value.tolist() if isinstance(value, torch.Tensor) else value for name, value in data.items()}
    document = dict(chosen=policy[0].tolist(), rejected=policy[1].tolist(), **data, cases=cases)
    output.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
