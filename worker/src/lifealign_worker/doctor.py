"""`python -m lifealign_worker.doctor`: what this environment has, as one line of JSON."""

import importlib
import json
import platform
from typing import Any

PACKAGES = ("torch", "transformers", "safetensors", "numpy", "bitsandbytes")


def found(name: str) -> dict[str, str]:
    """What is there may still not load: a build for another system, a library that is missing."""
    try:
        return {"version": str(getattr(importlib.import_module(name), "__version__", "unknown"))}
    except Exception as error:
        return {"problem": str(error)[:500]}


def devices() -> dict[str, Any]:
    import torch

    return {
        "cuda_build": torch.version.cuda,
        "gpus": [torch.cuda.get_device_name(at) for at in range(torch.cuda.device_count())],
        "threads": torch.get_num_threads(),
        "distributed": torch.distributed.is_available(),
    }


if __name__ == "__main__":
    packages = {name: found(name) for name in PACKAGES}
    report: dict[str, Any] = {"python": platform.python_version(), "packages": packages}
    if "version" in packages["torch"]:
        report.update(devices())
    print(json.dumps(report))
