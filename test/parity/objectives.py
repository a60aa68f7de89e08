"""The objectives as their papers write them, in plain torch: the oracle for `src/objective/`.

Nothing here is arranged for numerical stability: float64 and moderate log-ratios need none, and a second
formulation finds what a copy of the first would repeat.
"""

import torch

# Settings as `lifealign` takes them; every objective, every setting away from its default at least once.
VARIANTS = [
    {"name": "sft"},
    {"name": "fpo", "beta": 0.1, "gamma": 0},
    {"name": "fpo", "beta": 0.1, "gamma": 1},
    {"name": "fpo", "beta": 0.1, "gamma": 2},
    {"name": "fpo", "beta": 0.1, "gamma": 5},
    {"name": "fpo", "beta": 0.3, "gamma": 1.5, "label_smoothing": 0.1},
    {"name": "dpo", "beta": 0.1},
    {"name": "dpo", "beta": 0.3, "label_smoothing": 0.2},
    {"name": "ipo", "beta": 0.1},
    {"name": "ipo", "beta": 0.2, "length_normalized": False},
    {"name": "simpo", "beta": 2, "gamma": 1},
    {"name": "simpo", "beta": 2.5, "gamma": 1.4, "label_smoothing": 0.1},
    {"name": "orpo", "lambda": 0.1},
    {"name": "orpo", "lambda": 0.5},
    {"name": "kto", "beta": 0.1},
    {"name": "kto", "beta": 0.3, "desirable_weight": 1.5, "undesirable_weight": 0.5},
    {"name": "hinge", "beta": 0.1},
    {"name": "hinge", "beta": 0.5},
]

# For models on which every objective costs half a minute: each once, FPO with each gamma.
MAIN_VARIANTS = [
    settings for at, settings in enumerate(VARIANTS)
    if settings["name"] == "fpo" and settings["beta"] == 0.1
    or settings["name"] not in [earlier["name"] for earlier in VARIANTS[:at]]
]


def both_labels(loss, r, smoothing):
    """The loss, with probability `smoothing` that the label is the wrong way round."""
    return (1 - smoothing) * loss(r) + smoothing * loss(-r)


def batch_loss(settings, chosen, rejected, reference_chosen, reference_rejected, chosen_length, rejected_length, kl):
    """The loss of the effective batch; all arguments but `settings` and `kl` are vectors over rows."""
    name = settings["name"]
    beta = settings.get("beta")
    smoothing = settings.get("label_smoothing", 0)
    chosen_ratio, rejected_ratio = chosen - reference_chosen, rejected - reference_rejected
    chosen_mean, rejected_mean = chosen / chosen_length, rejected / rejected_length

    if name == "sft":
        return -chosen.sum() / chosen_length.sum()
    if name == "fpo":
        def focal(r):
            p = torch.sigmoid(r)
            return -((1 - p) ** settings["gamma"]) * torch.log(p)
        return both_labels(focal, beta * (chosen_ratio - rejected_ratio), smoothing).mean()
    if name == "dpo":
        return both_labels(lambda r: -torch.log(torch.sigmoid(r)), beta * (chosen_ratio - rejected_ratio), smoothing).mean()
    if name == "ipo":
        if settings.get("length_normalized", True):
            chosen_ratio, rejected_ratio = chosen_ratio / chosen_length, rejected_ratio / rejected_length
        return ((chosen_ratio - rejected_ratio - 1 / (2 * beta)) ** 2).mean()
    if name == "simpo":
        r = beta * chosen_mean - beta * rejected_mean - settings["gamma"]
        return both_labels(lambda r: -torch.log(torch.sigmoid(r)), r, smoothing).mean()
    if name == "orpo":
        def odds(mean_logp):
            return torch.exp(mean_logp) / (1 - torch.exp(mean_logp))
        ratio = odds(chosen_mean) / odds(rejected_mean)
        return (-chosen_mean - settings["lambda"] * torch.log(torch.sigmoid(torch.log(ratio)))).mean()
    if name == "kto":
        desirable = settings.get("desirable_weight", 1) * (1 - torch.sigmoid(beta * (chosen_ratio - kl)))
        undesirable = settings.get("undesirable_weight", 1) * (1 - torch.sigmoid(beta * (kl - rejected_ratio)))
        return torch.cat([desirable, undesirable]).mean()
    if name == "hinge":
        return torch.clamp(1 - beta * (chosen_ratio - rejected_ratio), min=0).mean()
    raise ValueError(name)
