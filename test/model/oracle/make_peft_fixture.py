"""A small adapter written by PEFT itself, in half precision, with a pattern for its target modules.

    pip install torch==2.13.0 transformers==5.23.0 peft==0.21.2
    python test/model/oracle/make_peft_fixture.py test/model/fixtures/peft-adapter
"""

import json
import pathlib
import sys

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
folder = pathlib.Path(sys.argv[1])
config = LlamaConfig(
    vocab_size=16,
    hidden_size=8,
    intermediate_size=12,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
)
config._name_or_path = "tiny-llama"
lora = LoraConfig(r=3, lora_alpha=4, target_modules=r".*self_attn\.(q|v)_proj", task_type="CAUSAL_LM")
model = get_peft_model(LlamaForCausalLM(config), lora)
for name, parameter in model.named_parameters():
    if "lora_" in name:
        torch.nn.init.normal_(parameter, std=0.1)
model.to(torch.bfloat16).save_pretrained(folder)
(folder / "README.md").unlink(missing_ok=True)

tensors = load_file(folder / "adapter_model.safetensors")
expected = {
    "base_model": model.peft_config["default"].base_model_name_or_path,
    "tensors": {name: tensor.float().flatten().tolist() for name, tensor in tensors.items()},
}
(folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")
