"""Writes what the oracle computes on the tiny models, one JSON file per model, and the first training step.

    python make_expected.py MODELS_FOLDER OUTPUT_FOLDER [--all-gradients]

The committed files hold every objective's gradients for one small adapter and a few objectives' for the
others; with --all-gradients (the live check) nothing is left out.
"""

import json
import random
import sys
from pathlib import Path

from make_tiny_models import ADAPTERS, MODELS
from objectives import VARIANTS
from oracle import TextEncoder, as_json, check_chain_rule, evaluate, load_model

# (prompt, chosen, rejected) token counts: one-token segments, equal ones, and longer ones.
LENGTHS = [(1, 3, 5), (7, 1, 4), (5, 6, 1), (12, 9, 9), (23, 17, 31), (40, 25, 80)]
KEPT = [VARIANTS[0], VARIANTS[3]]  # SFT and FPO with gamma 2
GAMMAS = (0, 2, 5)


def random_rows(vocabulary_size: int, seed: int) -> list[dict]:
    """Random ids; from the fourth row on both responses begin alike, as real pairs do."""
    draw = random.Random(seed)
    rows = []
    for number, lengths in enumerate(LENGTHS):
        row = {key: [draw.randrange(3, vocabulary_size) for _ in range(length)]
               for key, length in zip(("prompt", "chosen", "rejected"), lengths)}
        if number >= 3:
            row["rejected"][:4] = row["chosen"][:4]
        rows.append(row)
    return rows


def first_step(models: Path, data: list[dict]) -> dict:
    """What the first line of steps.jsonl must say when one effective batch holds all rows."""
    folder = models / "untied-gqa"
    encoder = TextEncoder(folder)
    rows = [encoder.encode(row) for row in data]
    model = load_model(folder, folder / "adapters" / "all")
    variants = [{"name": "fpo", "beta": 0.1, "gamma": gamma} for gamma in GAMMAS]
    result = evaluate(model, rows, variants)
    return dict(rows=rows, base=result["base"], policy=result["policy"],
                steps=[{key: one[key] for key in ("settings", "loss", "grad_norm")} for one in result["objectives"]])


def main(models: Path, output: Path, all_gradients: bool) -> None:
    output.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(MODELS):
        rows = random_rows(MODELS[name]["vocab_size"], seed=number)
        adapters = {}
        for adapter in ADAPTERS[name]:
            model = load_model(models / name, models / name / "adapters" / adapter)
            result = evaluate(model, rows, VARIANTS)
            check_chain_rule(model, rows, result["objectives"][3])
            every = all_gradients or (name, adapter) == ("untied-gqa", "attention")
            adapters[adapter] = as_json(result, lambda settings: every or settings in KEPT)
        document = dict(model=name, rows=rows, adapters=adapters)
        (output / f"{name}.json").write_text(json.dumps(document) + "\n")
    data = json.loads((Path(__file__).parent / "fixtures" / "rows.json").read_text())
    (output / "first-step.json").write_text(json.dumps(first_step(models, data), indent=1) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), "--all-gradients" in sys.argv[3:])
