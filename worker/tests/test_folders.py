"""Model folders that come from somewhere: nothing is unpickled, and no code of theirs runs unasked."""

import json
import os
import pickle
import tempfile
import unittest
from pathlib import Path
from typing import Any

import torch

from lifealign_worker.model import ModelOptions, load

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 20,
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "num_key_value_heads": 1,
}


class MakesFolder:
    """What a pickle of it does when it is read."""

    def __init__(self, path: str):
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (self.path,))


class Folders(unittest.TestCase):
    def setUp(self) -> None:
        self._temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self._temporary.cleanup)
        self.folder = Path(self._temporary.name)
        self.trace = self.folder / "ran"

    def load(self, config: dict[str, Any]) -> None:
        (self.folder / "config.json").write_text(json.dumps(config))
        load(ModelOptions(self.folder, "float32", torch.device("cpu"), "segments", False, False))

    def test_pickled_weights_are_left_alone(self) -> None:
        pickled = pickle.dumps(MakesFolder(str(self.trace)))
        (self.folder / "pytorch_model.bin").write_bytes(pickled)
        with self.assertRaises(OSError):
            self.load(LLAMA)
        self.assertFalse(self.trace.exists())
        # It would have done it.
        pickle.loads(pickled)
        self.assertTrue(self.trace.exists())

    def test_code_is_refused_by_name(self) -> None:
        code = f"import os\nos.mkdir({str(self.trace)!r})\n"
        (self.folder / "mine.py").write_text(code)
        auto = {"AutoConfig": "mine.Config", "AutoModelForCausalLM": "mine.Model"}
        with self.assertRaisesRegex(ValueError, "trust_remote_code"):
            self.load({**LLAMA, "model_type": "mine", "auto_map": auto})
        self.assertFalse(self.trace.exists())
        exec(code)
        self.assertTrue(self.trace.exists())


if __name__ == "__main__":
    unittest.main()
