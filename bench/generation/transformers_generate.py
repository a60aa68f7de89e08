"""One measurement of greedy generation by transformers on torch: a process. request.ts says what is asked.

    python transformers_generate.py < REQUEST.json
"""

import time

import torch
from transformers import AutoModelForCausalLM

from measured import read_request, report

PAD = 0


@torch.inference_mode()
def generate(model, prompts: list[list[int]], batch_size: int, new_tokens: int) -> list[list[int]]:
    answers = []
    for start in range(0, len(prompts), batch_size):
        batch = prompts[start : start + batch_size]
        longest = max(map(len, batch))
        padding = [longest - len(prompt) for prompt in batch]
        ids = torch.tensor([[PAD] * count + prompt for count, prompt in zip(padding, batch)])
        mask = torch.tensor([[0] * count + [1] * len(prompt) for count, prompt in zip(padding, batch)])
        sequences = model.generate(
            input_ids=ids, attention_mask=mask, do_sample=False, max_new_tokens=new_tokens, use_cache=True,
            pad_token_id=PAD,
        )  # fmt: skip
        answers += sequences[:, longest:].tolist()
    return answers


def main(request: dict) -> None:
    torch.set_num_threads(request["threads"])
    model = AutoModelForCausalLM.from_pretrained(
        request["model"], dtype=getattr(torch, request["precision"]), attn_implementation=request["attention"]
    ).eval()
    # Given to `generate`, None would mean the model's own.
    model.generation_config.eos_token_id = None
    prompts, batch_size = request["prompts"], request["batchSize"]
    generate(model, prompts[:batch_size], batch_size, 2)
    start = time.perf_counter()
    answers = generate(model, prompts, batch_size, request["newTokens"])
    report(time.perf_counter() - start, ["transformers", "torch"], answers=answers)


if __name__ == "__main__":
    main(read_request())
