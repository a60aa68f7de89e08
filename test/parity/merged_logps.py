"""Writes the log-probs of token sequences under a merged model folder as transformers alone reads it.

    python merged_logps.py FOLDER SEQUENCES.json OUTPUT.json

Weights stay what the files hold, in whatever format, and are computed with in float64. Fails unless every parameter
came from the files, and unless the folder's tokenizer, template and generation settings load; the tokens that they
give for one conversation are written along.
"""

import json
import sys
from pathlib import Path

from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from oracle import score


def main(folder: Path, sequences: Path, output: Path) -> None:
    rows = json.loads(sequences.read_text())
    model, info = AutoModelForCausalLM.from_pretrained(folder, dtype="auto", output_loading_info=True)
    assert not any(info[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), info
    tokenizer = AutoTokenizer.from_pretrained(folder)
    conversation = [{"role": "user", "content": "Name two colours, please."}]
    ids = tokenizer.apply_chat_template(conversation, add_generation_prompt=True, return_dict=True)["input_ids"]
    dtypes = sorted({str(parameter.dtype).removeprefix("torch.") for parameter in model.parameters()})
    result = dict(
        **score(model.double().eval(), rows),
        dtypes=dtypes,
        prompt=list(ids),
        eos_token_id=GenerationConfig.from_pretrained(folder).eos_token_id,
    )
    output.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
