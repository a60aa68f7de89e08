"""Writes the log-probs of token sequences under a model with an adapter folder, as PEFT alone reads it.

    python peft_logps.py MODEL ADAPTER SEQUENCES.json OUTPUT.json

Fails on any key of the adapter that PEFT does not place, and on any it misses.
"""

import json
import sys
import warnings
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from oracle import score


def main(folder: Path, adapter: Path, sequences: Path, output: Path) -> None:
    rows = json.loads(sequences.read_text())
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with warnings.catch_warnings():
        # PEFT tells of missing and unexpected keys by a warning.
        warnings.filterwarnings("error", message=".*(missing|unexpected).*")
        model = PeftModel.from_pretrained(base, adapter)
    output.write_text(json.dumps(score(model.double().eval(), rows)) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
