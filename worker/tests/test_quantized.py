"""Quantized layers: what a product and its derivative are, that nothing else is kept, and every refusal."""

import importlib.util
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn

from lifealign_worker.model import LanguageModel, ModelOptions
from lifealign_worker.quantized import KINDS, QuantizedLinear, held_bytes, quantize_layers
from lifealign_worker.refusal import Refused

from .test_server import save_model

HAS_LIBRARY = importlib.util.find_spec("bitsandbytes") is not None
CPU = torch.device("cpu")
# Rows that are no multiple of a block, none of them as long as one, and such as real models have.
SHAPES = [(40, 32), (5, 7), (130, 96), (64, 192)]


def layers_of(shape: tuple[int, int], dtype: torch.dtype, device: torch.device = CPU) -> nn.Module:
    generator = torch.Generator().manual_seed(7)
    layers = nn.Module()
    layers.a = nn.Linear(shape[1], shape[0], bias=True, dtype=dtype)
    layers.norm = nn.LayerNorm(shape[1], dtype=dtype)
    layers.a.weight.data = torch.randn(shape, generator=generator).to(dtype)
    layers.requires_grad_(False)
    return layers.to(device)


def without_library() -> Any:
    return mock.patch.dict(sys.modules, {"bitsandbytes": None})


@unittest.skipUnless(HAS_LIBRARY, "needs bitsandbytes")
class Products(unittest.TestCase):
    device = CPU

    def cases(self) -> list[tuple[str, tuple[int, int], torch.dtype]]:
        dtypes = (torch.float32, torch.bfloat16)
        return [(name, shape, dtype) for name in KINDS for shape in SHAPES for dtype in dtypes]

    def test_are_those_of_the_unpacked_weights_and_so_are_their_derivatives(self) -> None:
        for name, shape, dtype in self.cases():
            with self.subTest(name=name, shape=shape, dtype=dtype):
                layers = layers_of(shape, dtype, self.device)
                given = layers.a.weight.clone()
                quantize_layers(layers, name, self.device)
                weight = layers.a.weight.unpacked(dtype)
                self.assertGreater((weight - given).abs().max().item(), 0.001)
                self.assertLess((weight - given).abs().mean().item(), 0.2 if name == "nf4" else 0.02)
                x = torch.randn(3, shape[1], dtype=dtype, device=self.device, requires_grad=True)
                y = layers.a(x)
                torch.testing.assert_close(y, nn.functional.linear(x, weight, layers.a.bias))
                cotangent = torch.randn_like(y)
                (found,) = torch.autograd.grad(y, x, cotangent)
                torch.testing.assert_close(found, cotangent @ weight)

    def test_hold_nothing_but_packed_weights(self) -> None:
        for name, most in (("nf4", 0.15), ("int8", 0.27)):
            layers = layers_of((256, 256), torch.float32, self.device)
            before = held_bytes(layers)
            quantize_layers(layers, name, self.device)
            self.assertLess(held_bytes(layers), most * before)
            self.assertEqual([one.dim() for one in layers.parameters()], [1, 1, 1])
            kept: list[Tensor] = []
            x = torch.randn(2, 256, device=self.device, requires_grad=True)
            with torch.autograd.graph.saved_tensors_hooks(lambda one: kept.append(one) or one, lambda one: one):
                layers.a(x)
            self.assertEqual(kept, [])

    def test_refuse_what_comes_back_wrong(self) -> None:
        for name, kind in KINDS.items():
            whole = kind.unpacked
            with mock.patch.object(kind, "unpacked", lambda self, dtype, whole=whole: whole(self, dtype).roll(1, 0)):
                with self.assertRaisesRegex(Refused, "does not give back what it was given on .*: layers.a is off"):
                    quantize_layers(layers_of((64, 64), torch.float32, self.device), name, self.device)

    def test_allow_what_outliers_do_to_their_neighbours(self) -> None:
        for name in KINDS:
            layers = layers_of((128, 192), torch.bfloat16, self.device)
            # A single outlier, a faint half, and nothing at all.
            layers.a.weight.data[3, 5] = 60.0
            layers.a.weight.data[64:] *= 1e-4
            layers.a.weight.data[100] = 0
            quantize_layers(layers, name, self.device)

    def test_refuse_what_is_not_finite(self) -> None:
        layers = layers_of((8, 8), torch.float32, self.device)
        layers.a.weight.data[0, 0] = float("inf")
        with self.assertRaisesRegex(Refused, "not finite"):
            quantize_layers(layers, "nf4", self.device)


@unittest.skipUnless(torch.cuda.is_available(), "needs a GPU")
class ProductsOnGpu(Products):
    device = torch.device("cuda")

    def test_unpacks_what_the_processor_does(self) -> None:
        for name, shape, dtype in self.cases():
            both = [layers_of(shape, dtype), layers_of(shape, dtype)]
            quantize_layers(both[0], name, CPU)
            quantize_layers(both[1], name, self.device)
            on_gpu = both[1].a.weight.unpacked(dtype)
            self.assertEqual(on_gpu.device.type, "cuda")
            torch.testing.assert_close(on_gpu.cpu(), both[0].a.weight.unpacked(dtype), rtol=0.01, atol=0.01)

    def test_takes_the_memory_that_it_says(self) -> None:
        before = torch.cuda.memory_allocated()
        layers = layers_of((2048, 2048), torch.bfloat16)
        quantize_layers(layers, "nf4", self.device)
        layers.to(self.device)
        self.assertLess(torch.cuda.memory_allocated() - before, 1.05 * held_bytes(layers))
        self.assertLess(held_bytes(layers), 0.6 * 2048 * 2048)


@unittest.skipUnless(HAS_LIBRARY, "needs bitsandbytes")
class Models(unittest.TestCase):
    def test_quantize_the_layers_and_nothing_else(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            save_model(folder)
            options = ModelOptions(Path(folder), "float32", CPU, "segments", False, False, "nf4")
            model = LanguageModel(options)
        linears = [one for one in model.decoder.modules() if isinstance(one, QuantizedLinear)]
        self.assertEqual(len(linears), 2 * 7)
        self.assertFalse(any(isinstance(one, nn.Linear) for one in model.decoder.modules()))
        self.assertIs(type(model._head), nn.Linear)


class Refusals(unittest.TestCase):
    def test_name_what_to_install(self) -> None:
        with without_library(), self.assertRaisesRegex(Refused, "quantization nf4: bitsandbytes cannot be loaded.*install"):
            quantize_layers(layers_of((8, 8), torch.float32), "nf4", CPU)


if __name__ == "__main__":
    unittest.main()
