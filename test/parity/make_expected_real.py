"""Writes what the oracle computes on a real model and real preference rows, and a random adapter for it.

    python make_expected_real.py MODEL_FOLDER OUTPUT_FOLDER DATA_FILE...

From each data file come the first valid rows that are short enough. Token ids of the rows are written (to a
folder the caller removes), their text is not.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from make_tiny_models import save_adapter
from objectives import MAIN_VARIANTS
from oracle import TextEncoder, as_json, evaluate, load_model

ROWS_PER_FILE = 2
LONGEST = 260  # tokens of prompt and both responses


def short_rows(encoder: TextEncoder, path: Path) -> list[dict]:
    rows = []
    for row in json.loads(path.read_text()):
        if not row["chosen"] or not row["rejected"] or row["chosen"] == row["rejected"]:
            continue
        encoded = encoder.encode(row)
        if sum(map(len, encoded.values())) <= LONGEST:
            rows.append(encoded)
        if len(rows) == ROWS_PER_FILE:
            break
    return rows


def main(folder: Path, output: Path, files: list[Path]) -> None:
    output.mkdir(parents=True, exist_ok=True)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    settings = dict(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"])
    # Small enough that log-ratios stay within a few nats: p is then neither 0 nor 1.
    save_adapter(base, settings, output / "adapter", torch.Generator().manual_seed(11), deviation=0.01)
    del base
    encoder = TextEncoder(folder)
    rows = [row for path in files for row in short_rows(encoder, path)]
    result = evaluate(load_model(folder, output / "adapter"), rows, MAIN_VARIANTS)
    document = dict(model=str(folder), rows=rows, adapters={"adapter": as_json(result, lambda _: True)})
    (output / "expected.json").write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [Path(name) for name in sys.argv[3:]])
