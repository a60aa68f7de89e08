"""Writes the log-probs of token sequences under a GGUF model with a GGUF LoRA file, as llama.cpp computes them.

    python llama_logps.py MODEL.gguf LORA.gguf SEQUENCES.json OUTPUT.json

Keys and values are kept in float32: with float32 weights nothing is rounded below it.
"""

import json
import sys
from pathlib import Path

import llama_cpp
import numpy

FLOAT32 = 0


def main(model: str, lora: str, sequences: Path, output: Path) -> None:
    rows = json.loads(sequences.read_text())
    longest = max(len(row["prompt"]) + len(row[key]) for row in rows for key in ("chosen", "rejected"))
    llama = llama_cpp.Llama(
        model_path=model, lora_path=lora, logits_all=True, n_ctx=longest, n_batch=longest, n_threads=2,
        type_k=FLOAT32, type_v=FLOAT32, flash_attn=False, verbose=False,
    )

    def logp(prompt: list[int], response: list[int]) -> float:
        llama.reset()
        llama.eval(prompt + response)
        logits = llama.scores[len(prompt) - 1 : len(prompt) + len(response) - 1].astype(numpy.float64)
        logits -= logits.max(axis=1, keepdims=True)
        chosen = logits[numpy.arange(len(response)), response]
        return float((chosen - numpy.log(numpy.exp(logits).sum(axis=1))).sum())

    result = {key: [logp(row["prompt"], row[key]) for row in rows] for key in ("chosen", "rejected")}
    output.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
