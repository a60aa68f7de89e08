"""One measurement of TRL's DPOTrainer with PEFT on torch: a process. request.ts says what is asked.

    python trl_train.py < REQUEST.json

The trainer gets token ids, and the order of rows, so that both programs train on the same tokens step by step.
All else is the trainer's own way of working.
"""

import json
import tempfile
import time
from pathlib import Path

import torch
from datasets import Dataset, disable_progress_bars
from peft import LoraConfig, load_peft_weights, set_peft_model_state_dict
from torch.utils.data import Sampler
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast
from transformers.trainer_callback import PrinterCallback, TrainerCallback
from trl import DPOConfig, DPOTrainer

from measured import read_request, report


class GivenOrder(Sampler):
    def __init__(self, order: list[int]):
        self.order = order

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self):
        return iter(self.order)


class EncodedPairTrainer(DPOTrainer):
    """Rows come as token ids, all epochs' rows in the order given."""

    order: list[int]

    def _prepare_dataset(self, dataset, *_):
        return dataset

    def _get_train_sampler(self, *_):
        return GivenOrder(self.order)


class StepClock(TrainerCallback):
    """When each step ended, its work on a GPU included."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_train_begin(self, *_, **__) -> None:
        self._tick()

    def on_step_end(self, *_, **__) -> None:
        self._tick()

    def _tick(self) -> None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.ends.append(time.perf_counter())


def load_tokenizer(model: Path) -> PreTrainedTokenizerFast:
    """For padding alone: nothing is encoded here."""
    end = json.loads((model / "tokenizer_config.json").read_text())["eos_token"]
    return PreTrainedTokenizerFast(tokenizer_file=str(model / "tokenizer.json"), eos_token=end, pad_token=end)


def trainer_settings(request: dict, output: str) -> DPOConfig:
    recipe, batch_size = request["recipe"], request["batchSize"]
    on_gpu = request["device"] == "cuda"
    flag = request["precision"] in ("bfloat16", "bfloat16 weights and products")
    return DPOConfig(
        output_dir=output, use_cpu=not on_gpu, report_to="none", save_strategy="no", logging_steps=1, disable_tqdm=True,
        dataloader_pin_memory=on_gpu, use_liger_kernel=request.get("liger", False), seed=recipe["seed"], num_train_epochs=1,
        per_device_train_batch_size=batch_size, gradient_accumulation_steps=recipe["effectiveBatch"] // batch_size,
        learning_rate=recipe["learningRate"], lr_scheduler_type="cosine", warmup_steps=recipe["warmupRatio"],
        beta=recipe["beta"], bf16=flag,
        precompute_ref_log_probs=request["precomputeReference"],
        gradient_checkpointing=request["gradientCheckpointing"],
    )  # fmt: skip


def step_tokens(data: dict, effective_batch: int) -> list[int]:
    """Of prompt and response of both sides of every pair of a step."""
    lengths = [
        2 * len(row["prompt_ids"]) + len(row["chosen_ids"]) + len(row["rejected_ids"]) for row in data["rows"]
    ]
    order = data["order"]
    return [sum(lengths[at] for at in order[n : n + effective_batch]) for n in range(0, len(order), effective_batch)]


def train(request: dict, model, tokenizer: PreTrainedTokenizerFast, output: str) -> list[dict]:
    data = json.loads(Path(request["data"]).read_text())
    adapter = json.loads((Path(request["adapter"]) / "adapter_config.json").read_text())
    lora = LoraConfig(
        task_type="CAUSAL_LM", lora_dropout=0.0, r=adapter["r"], lora_alpha=adapter["lora_alpha"],
        target_modules=adapter["target_modules"],
    )  # fmt: skip
    trainer = EncodedPairTrainer(
        model=model, args=trainer_settings(request, output), train_dataset=Dataset.from_list(data["rows"]),
        processing_class=tokenizer, peft_config=lora,
    )  # fmt: skip
    trainer.order = data["order"]
    trainer.remove_callback(PrinterCallback)
    clock = StepClock()
    trainer.add_callback(clock)
    set_peft_model_state_dict(trainer.model, load_peft_weights(request["adapter"], device="cpu"))
    trainer.train()
    log = [line for line in trainer.state.log_history if "loss" in line]
    seconds = [end - start for start, end in zip(clock.ends, clock.ends[1:])]
    tokens = step_tokens(data, request["recipe"]["effectiveBatch"])
    return [{**line, "tokensPerSecond": n / s} for line, n, s in zip(log, tokens, seconds, strict=True)]


def main(request: dict) -> None:
    disable_progress_bars()
    torch.set_num_threads(request["threads"])
    precision = torch.bfloat16 if request["precision"].startswith("bfloat16 weights") else torch.float32
    model = AutoModelForCausalLM.from_pretrained(request["model"], dtype=precision)
    tokenizer = load_tokenizer(Path(request["model"]))
    with tempfile.TemporaryDirectory() as output:
        start = time.perf_counter()
        log = train(request, model, tokenizer, output)
        seconds = time.perf_counter() - start
    names = ("loss", "tokensPerSecond", "logps/chosen", "logps/rejected")
    steps = [{name: line[name] for name in names} for line in log]
    peak = torch.cuda.max_memory_allocated() if request["device"] == "cuda" else None
    report(seconds, ["trl", "transformers", "peft", "torch"], steps=steps, peakDeviceBytes=peak)


if __name__ == "__main__":
    main(read_request())
