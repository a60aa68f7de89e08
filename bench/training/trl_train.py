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
from transformers.trainer_callback import PrinterCallback
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


def load_tokenizer(model: Path) -> PreTrainedTokenizerFast:
    """For padding alone: nothing is encoded here."""
    end = json.loads((model / "tokenizer_config.json").read_text())["eos_token"]
    return PreTrainedTokenizerFast(tokenizer_file=str(model / "tokenizer.json"), eos_token=end, pad_token=end)


def trainer_settings(request: dict, output: str) -> DPOConfig:
    recipe, batch_size = request["recipe"], request["batchSize"]
    return DPOConfig(
        output_dir=output, use_cpu=True, report_to="none", save_strategy="no", logging_steps=1, disable_tqdm=True,
        dataloader_pin_memory=False, seed=recipe["seed"], num_train_epochs=1,
        per_device_train_batch_size=batch_size, gradient_accumulation_steps=recipe["effectiveBatch"] // batch_size,
        learning_rate=recipe["learningRate"], lr_scheduler_type="cosine", warmup_steps=recipe["warmupRatio"],
        beta=recipe["beta"], bf16=request["precision"] == "bfloat16",
        precompute_ref_log_probs=request["precomputeReference"],
        gradient_checkpointing=request["gradientCheckpointing"],
    )  # fmt: skip


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
    set_peft_model_state_dict(trainer.model, load_peft_weights(request["adapter"], device="cpu"))
    trainer.train()
    return [line for line in trainer.state.log_history if "loss" in line]


def main(request: dict) -> None:
    disable_progress_bars()
    torch.set_num_threads(request["threads"])
    precision = torch.bfloat16 if request["precision"] == "bfloat16 weights" else torch.float32
    model = AutoModelForCausalLM.from_pretrained(request["model"], dtype=precision)
    tokenizer = load_tokenizer(Path(request["model"]))
    with tempfile.TemporaryDirectory() as output:
        start = time.perf_counter()
        log = train(request, model, tokenizer, output)
        seconds = time.perf_counter() - start
    names = ("loss", "logps/chosen", "logps/rejected")
    steps = [{name: line[name] for name in names} for line in log]
    report(seconds, ["trl", "transformers", "peft", "torch"], steps=steps)


if __name__ == "__main__":
    main(read_request())
