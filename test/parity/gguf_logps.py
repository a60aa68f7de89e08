"""Writes the log-probs of token sequences under a GGUF file as transformers alone reads it.

    python gguf_logps.py MODEL.gguf SEQUENCES.json OUTPUT.json

Dequantisation, tensor names and the order of query and key rows are all transformers' own, so nothing is shared
with the conversion that is tested. Token ids come ready: no tokenizer is loaded.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM

from oracle import score


def main(gguf: Path, sequences: Path, output: Path) -> None:
    rows = json.loads(sequences.read_text())
    model = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    output.write_text(json.dumps(score(model.double().eval(), rows)) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
