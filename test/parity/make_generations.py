"""Writes what transformers generates: greedy answers, and the distributions its sampling settings leave.

    python make_generations.py MODELS_FOLDER OUTPUT_FILE
    python make_generations.py --real MODEL_FOLDER PROMPTS_FILE OUTPUT_FOLDER NEW_TOKENS

With --real the prompts are a JSON list of lists of token ids, and the adapter, a random one, is written too.
"""

import json
import random
import sys
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from make_tiny_models import ADAPTERS, MODELS, save_adapter
from oracle import load_model

TINY_NEW_TOKENS = 32
PROMPT_LENGTHS = (1, 3, 9, 20, 41)


@torch.no_grad()
def greedy(model, prompt: list[int], new_tokens: int) -> dict:
    """The tokens, and for each how far its logit is above every other: near-ties are not to be compared."""
    result = model.generate(
        input_ids=torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
        do_sample=False, max_new_tokens=new_tokens, eos_token_id=None, pad_token_id=0,
        return_dict_in_generate=True, output_logits=True,
    )  # fmt: skip
    best = [logits[0].topk(2).values for logits in result.logits]
    margins = [round((first - second).item(), 6) for first, second in best]
    return dict(prompt=prompt, tokens=result.sequences[0, len(prompt):].tolist(), margins=margins)


def answers(model: PeftModel, prompts: list[list[int]], new_tokens: int) -> tuple[list[dict], list[dict]]:
    """Of the base, and with the adapter."""
    model.generation_config.eos_token_id = None
    with model.disable_adapter():
        base = [greedy(model, prompt, new_tokens) for prompt in prompts]
    return base, [greedy(model, prompt, new_tokens) for prompt in prompts]


def tiny_answers(models: Path) -> list[dict]:
    found = []
    for number, name in enumerate(MODELS):
        draw = random.Random(number)
        prompts = [[draw.randrange(3, MODELS[name]["vocab_size"]) for _ in range(n)] for n in PROMPT_LENGTHS]
        for at, adapter in enumerate(ADAPTERS[name]):
            model = load_model(models / name, models / name / "adapters" / adapter)
            base, adapted = answers(model, prompts, TINY_NEW_TOKENS)
            if at == 0:
                found.append(dict(model=name, adapter=None, answers=base))
            found.append(dict(model=name, adapter=adapter, answers=adapted))
    return found


def distributions() -> list[dict]:
    generator = torch.Generator().manual_seed(5)
    found = []
    for temperature, top_k, top_p, min_p, penalty in (
        (1.0, 0, 1.0, 0.0, 1.0), (0.7, 0, 1.0, 0.0, 1.0), (1.5, 5, 1.0, 0.0, 1.0), (1.0, 0, 0.8, 0.0, 1.0),
        (1.0, 0, 1.0, 0.1, 1.0), (0.8, 12, 0.9, 0.05, 1.3), (2.0, 9, 0.95, 0.2, 0.7),
    ):  # fmt: skip
        logits = torch.randn(1, 24, generator=generator) * 2
        seen = [3, 7, 7, 11]
        steps = LogitsProcessorList([RepetitionPenaltyLogitsProcessor(penalty), TemperatureLogitsWarper(temperature)])
        if top_k > 0:
            steps.append(TopKLogitsWarper(top_k))
        if top_p < 1:
            steps.append(TopPLogitsWarper(top_p))
        if min_p > 0:
            steps.append(MinPLogitsWarper(min_p))
        left = torch.softmax(steps(torch.tensor([seen]), logits.clone()).double(), dim=-1)[0]
        settings = dict(temperature=temperature, topK=top_k, topP=top_p, minP=min_p, repetitionPenalty=penalty)
        found.append(dict(settings=settings, seen=seen, logits=logits[0].tolist(), probabilities=left.tolist()))
    return found


def real_answers(folder: Path, prompts: list[list[int]], output: Path, new_tokens: int) -> list[dict]:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    settings = dict(r=8, lora_alpha=16, target_modules=["q_proj", "v_proj"])
    save_adapter(model, settings, output / "adapter", torch.Generator().manual_seed(11), deviation=0.02)
    model = PeftModel.from_pretrained(model, output / "adapter").eval()
    base, adapted = answers(model, prompts, new_tokens)
    return [dict(adapter=None, answers=base), dict(adapter="adapter", answers=adapted)]


if __name__ == "__main__":
    if sys.argv[1] == "--real":
        folder, prompts, output = map(Path, sys.argv[2:5])
        output.mkdir(parents=True, exist_ok=True)
        document = real_answers(folder, json.loads(prompts.read_text()), output, int(sys.argv[5]))
        (output / "generations.json").write_text(json.dumps(document) + "\n")
    else:
        document = dict(greedy=tiny_answers(Path(sys.argv[1])), sampling=distributions())
        Path(sys.argv[2]).write_text(json.dumps(document) + "\n")
