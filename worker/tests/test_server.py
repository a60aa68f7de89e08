"""Sessions over a tiny random model: log-probs and gradients against plain transformers, and every misuse refused."""

import json
import random
import tempfile
import unittest
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import create_block_mask
from transformers import LlamaConfig, LlamaForCausalLM

from lifealign_worker.attention import SegmentwiseAttention, block_mask, subtree_ends, tree_mask
from lifealign_worker.frames import Frame, ProtocolError, RawTensor
from lifealign_worker.fusion import fuse
from lifealign_worker.log_probs import TokenLogProbs
from lifealign_worker.messages import Segment, from_torch, to_torch
from lifealign_worker.model import LanguageModel, ModelOptions
from lifealign_worker.ranks import Ranks
from lifealign_worker.server import Server

VOCABULARY, HIDDEN = 50, 16
MODULE = "model.layers.1.self_attn.v_proj"
NAMES = [f"base_model.model.{MODULE}.lora_{side}.weight" for side in "AB"]


def save_model(folder: str) -> LlamaForCausalLM:
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=VOCABULARY, hidden_size=HIDDEN, intermediate_size=24, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
        )
    )  # fmt: skip
    for parameter in model.parameters():
        parameter.data = parameter.data + 0.3 * torch.randn_like(parameter)
    model.save_pretrained(folder)
    return model.eval()


def ints(*values: int) -> RawTensor:
    return from_torch(torch.tensor(values, dtype=torch.int32))


def floats(value: Tensor) -> RawTensor:
    return from_torch(value.float())


def batch(part: int = 0, **changes: RawTensor) -> dict[str, RawTensor]:
    """The prompt 1 2 3 with the responses 4 5 and 6."""
    table = torch.tensor([[3, -1], [2, 0], [1, 0]], dtype=torch.int32)
    tensors = {
        "tokens": ints(1, 2, 3, 4, 5, 6),
        "positions": ints(0, 1, 2, 3, 4, 3),
        "segments": from_torch(table),
        "sources": ints(2, 3, 2),
        "targets": ints(4, 5, 6),
        "lengths": ints(2, 1),
        **changes,
    }
    return {f"{part}.{name}": value for name, value in tensors.items()}


class Sessions(unittest.TestCase):
    model: LlamaForCausalLM
    folder: tempfile.TemporaryDirectory[str]

    @classmethod
    def setUpClass(cls) -> None:
        torch.set_num_threads(1)
        cls.folder = tempfile.TemporaryDirectory()
        cls.model = save_model(cls.folder.name)
        options = ModelOptions(Path(cls.folder.name), "float32", torch.device("cpu"), "segments", False, False)
        cls.language_model = LanguageModel(options)

    @classmethod
    def tearDownClass(cls) -> None:
        cls.folder.cleanup()

    def setUp(self) -> None:
        self.server = Server(self.language_model, Ranks(), False)
        torch.manual_seed(1)
        self.lora = [torch.randn(2, HIDDEN), torch.randn(8, 2)]

    def ask(self, kind: str, tensors: dict[str, RawTensor] | None = None, **fields: Any) -> Frame:
        return self.server.answer(Frame({"type": kind, "session": 1, **fields}, tensors or {}))

    def open(self, purpose: str, scaling: float = 0.5) -> None:
        self.ask("open", dict(zip(NAMES, map(floats, self.lora))), purpose=purpose, scaling=scaling)

    def expected(self, lora: list[Tensor], scaling: float) -> Tensor:
        linear = self.model.get_submodule(MODULE)
        handle = linear.register_forward_hook(lambda _, x, y: y + scaling * (x[0] @ lora[0].T) @ lora[1].T)
        try:
            sums = []
            for response in ([4, 5], [6]):
                logits = self.model(torch.tensor([[1, 2, 3, *response]])).logits[0, 2:-1]
                logp = logits.log_softmax(-1)
                sums.append(logp.gather(1, torch.tensor(response)[:, None]).sum())
            return torch.stack(sums)
        finally:
            handle.remove()

    def test_log_probs_and_gradients_are_those_of_plain_transformers(self) -> None:
        self.open("gradients")
        leaves = [one.clone().requires_grad_() for one in self.lora]
        expected = self.expected(leaves, 0.5)
        found = self.ask("forward", batch(), parts=1).tensors["log_probs"]
        torch.testing.assert_close(to_torch(found).float(), expected.detach(), rtol=1e-5, atol=1e-5)
        cotangents = torch.tensor([0.3, -1.2], dtype=torch.float64)
        for _ in range(2):
            self.ask("backward", {"cotangents": from_torch(cotangents)})
            self.ask("forward", batch(), parts=1)
        self.ask("backward", {"cotangents": from_torch(0 * cotangents)})
        reply = self.ask("collect")
        twice = torch.autograd.grad(expected, leaves, 2 * cotangents.float())
        for name, gradient in zip(NAMES, twice):
            torch.testing.assert_close(to_torch(reply.tensors[name]), gradient, rtol=1e-4, atol=1e-5)
        again = self.ask("collect")
        self.assertTrue(all(not to_torch(one).any() for one in again.tensors.values()))

    def test_two_sessions_take_turns(self) -> None:
        self.open("gradients")
        other = {"session": 2, "purpose": "score", "scaling": 1.0}
        self.server.answer(Frame({"type": "open", **other}))
        first = self.ask("forward", batch(), parts=1).tensors["log_probs"]
        base = self.server.answer(Frame({"type": "forward", "session": 2, "parts": 1}, batch())).tensors["log_probs"]
        self.assertNotEqual(bytes(first.data), bytes(base.data))
        self.ask("backward", {"cotangents": from_torch(torch.ones(2, dtype=torch.float64))})
        self.assertTrue(to_torch(self.ask("collect").tensors[NAMES[0]]).any())

    def test_decoding_gives_the_logits_of_the_whole_sequence(self) -> None:
        self.ask("open", purpose="generate", scaling=1.0)
        rows = torch.tensor([[1, 0, 3], [0, 0, 2]], dtype=torch.int32)
        prompts = {"tokens": ints(1, 2, 3, 7, 8), "rows": from_torch(rows)}
        found = [to_torch(self.ask("decode", prompts, slots=2, capacity=4, actions=[]).tensors["logits"])]
        steps = torch.tensor([[2, 3, 1], [0, 2, 1]], dtype=torch.int32)
        more = {"tokens": ints(4, 9), "rows": from_torch(steps)}
        actions = [["copy", 1, 2, 3], ["clear", 1, 0, 0]]
        found.append(to_torch(self.ask("decode", more, slots=3, capacity=8, actions=actions).tensors["logits"]))
        whole = [self.model(torch.tensor([tokens])).logits[0] for tokens in ([1, 2, 3, 4], [7, 8, 9])]
        for step, logits in enumerate(found):
            for row, expected in enumerate((whole[0][2 + step], whole[1][1 + step])):
                torch.testing.assert_close(logits[row], expected.detach(), rtol=1e-4, atol=1e-4)

    def test_misuse_is_refused(self) -> None:
        cotangents = {"cotangents": from_torch(torch.ones(2, dtype=torch.float64))}
        cases: dict[str, tuple[str, dict[str, RawTensor], dict[str, Any]]] = {
            "unknown request": ("nonsense", {}, {}),
            "no session": ("forward", batch(), {"parts": 1, "session": 9}),
            "opened twice": ("open", {}, {"purpose": "score", "scaling": 1}),
            "backward before forward": ("backward", cotangents, {}),
            "another purpose": ("decode", {}, {"slots": 1, "capacity": 1, "actions": []}),
            "more parts than ranks": ("forward", {**batch(), **batch(1)}, {"parts": 2}),
            "no parts": ("forward", {}, {"parts": 0}),
            "a part is missing": ("forward", {}, {"parts": 1}),
            "unknown token": ("forward", batch(tokens=ints(1, 2, 3, 4, 5, VOCABULARY)), {"parts": 1}),
            "negative token": ("forward", batch(tokens=ints(-1, 2, 3, 4, 5, 6)), {"parts": 1}),
            "unknown target": ("forward", batch(targets=ints(4, 5, VOCABULARY)), {"parts": 1}),
            "source beyond": ("forward", batch(sources=ints(2, 3, 6)), {"parts": 1}),
            "lengths": ("forward", batch(lengths=ints(2, 2)), {"parts": 1}),
            "empty response": ("forward", batch(lengths=ints(3, 0)), {"parts": 1}),
            "positions": ("forward", batch(positions=ints(0)), {"parts": 1}),
            "no tokens": ("forward", batch(tokens=ints(), positions=ints()), {"parts": 1}),
            "a segment below itself": (
                "forward",
                batch(segments=from_torch(torch.tensor([[3, 0], [2, 0], [1, 0]], dtype=torch.int32))),
                {"parts": 1},
            ),
            "floats as tokens": ("forward", batch(tokens=floats(torch.ones(6))), {"parts": 1}),
        }
        for name, (kind, tensors, fields) in cases.items():
            with self.subTest(name):
                self.setUp()
                self.open("gradients")
                with self.assertRaises(ProtocolError):
                    self.ask(kind, tensors, **fields)
        self.setUp()
        self.open("gradients")
        self.ask("forward", batch(), parts=1)
        for kind, tensors in (("forward", batch()), ("collect", {}), ("backward", {"cotangents": ints(1)})):
            with self.subTest(f"{kind} while cotangents are due"), self.assertRaises(ProtocolError):
                self.ask(kind, tensors, parts=1)

    def test_adapters_that_fit_nothing_are_refused(self) -> None:
        a, b = map(floats, self.lora)
        cases: dict[str, dict[str, RawTensor]] = {
            "A alone": {NAMES[0]: a},
            "no such module": {name.replace("layers.1", "layers.7"): one for name, one in zip(NAMES, (a, b))},
            "no linear module": {name.replace(".v_proj", ""): one for name, one in zip(NAMES, (a, b))},
            "shape": {NAMES[0]: b, NAMES[1]: a},
            "another name": {"x": a},
            "a vector": {NAMES[0]: ints(1), NAMES[1]: b},
        }
        for name, tensors in cases.items():
            with self.subTest(name), self.assertRaises(ProtocolError):
                self.ask("open", tensors, purpose="score", scaling=1)

    def test_any_change_of_a_request_is_answered_or_refused(self) -> None:
        random_ = random.Random(3)
        requests = [
            ("forward", batch(), {"parts": 1}),
            ("backward", {"cotangents": from_torch(torch.ones(2, dtype=torch.float64))}, {}),
            ("collect", {}, {}),
        ]
        refused = 0
        for _ in range(1000):
            self.server = Server(self.language_model, Ranks(), False)
            self.open("gradients")
            try:
                for kind, tensors, fields in random_.choices(requests, k=3):
                    self.ask(kind, scramble(random_, tensors), **json.loads(json.dumps(fields)))
            except ProtocolError:
                refused += 1
        self.assertGreater(refused, 100)
        self.assertLess(refused, 1000)


def scramble(random_: random.Random, tensors: dict[str, RawTensor]) -> dict[str, RawTensor]:
    result = dict(tensors)
    if not result or random_.random() < 0.5:
        return result
    name = random_.choice(list(result))
    value = to_torch(result[name])
    kind = random_.randrange(4)
    if kind == 0:
        del result[name]
    elif kind == 1:
        result[name] = from_torch(value[:-1])
    elif kind == 2:
        result[name] = from_torch(value + random_.choice([-1, 1, 40, 1000]))
    else:
        result[name] = from_torch(value.float())
    return result


class Pieces(unittest.TestCase):
    SEGMENTS = [Segment(0, 3, None), Segment(3, 4, 0), Segment(7, 2, 1), Segment(9, 1, 1), Segment(10, 2, 0), Segment(12, 3, 4)]

    def test_attention_by_segments_is_attention_under_the_mask_of_the_tree(self) -> None:
        torch.manual_seed(2)
        device = torch.device("cpu")
        tokens = 15
        query, key, value = torch.randn(1, 4, tokens, 8), torch.randn(1, 2, tokens, 8), torch.randn(1, 2, tokens, 8)
        found = SegmentwiseAttention(self.SEGMENTS, device).attend(0, query, key, value, 0.3)
        mask = tree_mask(self.SEGMENTS, device)
        at = torch.arange(tokens)
        none = torch.zeros(1, dtype=torch.long)
        seen = mask(none, none, at[:, None].expand(tokens, tokens), at[None, :].expand(tokens, tokens))
        # By hand: the last token of the third segment sees the root, its parent and itself.
        self.assertEqual(seen[8].nonzero().flatten().tolist(), [0, 1, 2, 3, 4, 5, 6, 7, 8])
        self.assertEqual(seen[13].nonzero().flatten().tolist(), [0, 1, 2, 10, 11, 12, 13])
        expected = torch.nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=seen, scale=0.3, enable_gqa=True
        )
        torch.testing.assert_close(found, expected)

    def test_a_mask_of_one_number_a_key_is_that_of_the_tree_in_every_block(self) -> None:
        device = torch.device("cpu")
        rng = random.Random(4)
        for _ in range(20):
            segments: list[Segment] = []
            above: list[int] = []
            for at in range(rng.randrange(1, 9)):
                above = above[: rng.randrange(len(above) + 1)]
                end = segments[-1].start + segments[-1].length if segments else 0
                segments.append(Segment(end, rng.choice([1, 60, 128, 129, 200]), above[-1] if above else None))
                above.append(at)
            tokens = segments[-1].start + segments[-1].length
            plain = create_block_mask(tree_mask(segments, device), None, None, tokens, tokens, "cpu")
            found = block_mask(segments, device)
            none = torch.zeros(1, dtype=torch.long)
            pairs = (torch.arange(tokens)[:, None].expand(tokens, tokens), torch.arange(tokens).expand(tokens, tokens))
            self.assertTrue(torch.equal(found.mask_mod(none, none, *pairs), plain.mask_mod(none, none, *pairs)))
            for name in ("kv_num_blocks", "full_kv_num_blocks"):
                self.assertTrue(torch.equal(getattr(found, name), getattr(plain, name)), name)
            self.assertTrue(torch.equal(found.to_dense(), plain.to_dense()))

    def test_a_subtree_that_is_interrupted_has_no_single_end(self) -> None:
        self.assertEqual(subtree_ends(self.SEGMENTS), [15, 10, 9, 10, 15, 15])
        self.assertIsNone(subtree_ends([Segment(0, 2, None), Segment(2, 1, None), Segment(3, 1, 0)]))

    def test_layers_compute_the_same_with_norms_and_gates_of_their_own(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            model = save_model(folder)
        x = torch.randn(1, 5, HIDDEN)
        before = model.model(inputs_embeds=x).last_hidden_state
        made: list[str] = []

        def compiled(function: Any) -> Any:
            made.append(function.__name__)
            return lambda *given, **named: function(*given, **named)

        fuse(model.model, compiled)
        # One for all norms, one for all gates, one for the rotation.
        self.assertEqual(sorted(made), ["_gate", "apply_rotary_pos_emb", "forward"])
        torch.testing.assert_close(model.model(inputs_embeds=x).last_hidden_state, before)

    def test_log_probs_have_the_slope_of_plain_autograd_in_any_pieces(self) -> None:
        torch.manual_seed(3)
        weight = torch.randn(11, 4)
        targets = torch.tensor([3, 0, 10, 7, 7])
        weights = torch.randn(5)
        results = []
        hidden = torch.randn(5, 4)
        for piece in (1, 2, 5, 16):
            leaf = hidden.clone().requires_grad_()
            logp = TokenLogProbs.apply(leaf, weight, targets, piece)
            results.append((logp.detach(), torch.autograd.grad(logp, leaf, weights)[0]))
        leaf = hidden.clone().requires_grad_()
        plain = (leaf @ weight.T).log_softmax(-1).gather(1, targets[:, None])[:, 0]
        expected = (plain.detach(), torch.autograd.grad(plain, leaf, weights)[0])
        for found in results:
            torch.testing.assert_close(found, expected)


if __name__ == "__main__":
    unittest.main()
