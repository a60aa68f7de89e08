"""A transformers causal language model over packed tokens: log-probs with their graph, logits with a cache."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AutoConfig, AutoModelForCausalLM

from .adapters import ActiveAdapter, Adapter
from .attention import IMPLEMENTATION, FlexPackedAttention, Packed, SegmentwiseAttention, packed_attention
from .decoding import DecodingAttention, KeyValueCache
from .fusion import fuse
from .log_probs import sequence_log_probs
from .messages import Batch, Decode, Segment

AttentionInterface.register(IMPLEMENTATION, packed_attention)

ATTENTIONS: dict[str, Callable[[list[Segment], torch.device], Packed]] = {
    "segments": SegmentwiseAttention,
    "flex": FlexPackedAttention,
}
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class ModelOptions:
    folder: Path
    dtype: str
    device: torch.device
    attention: str
    """`segments`: one product each; `flex`: FlexAttention, for GPUs."""
    checkpointing: bool
    trust_remote_code: bool


class LanguageModel:
    def __init__(self, options: ModelOptions):
        self.device = options.device
        self.dtype = DTYPES[options.dtype]
        self._packed = ATTENTIONS[options.attention]
        causal: Any = load(options)
        self.decoder: nn.Module = causal.get_decoder()
        if self.device.type == "cuda":
            fuse(self.decoder)
        self._embedding: nn.Module = causal.get_input_embeddings()
        head: nn.Module = causal.get_output_embeddings()
        if not isinstance(head, nn.Linear) or head.bias is not None:
            raise ValueError(f"{options.folder}: a model whose head is not a linear layer without bias is not supported")
        self._head: nn.Linear = head
        self.vocabulary: int = head.weight.shape[0]
        self.config: Any = causal.config
        self.active: ActiveAdapter = ActiveAdapter(causal)
        layers: Any = self.decoder.layers
        self.layer_bytes: int = sum(one.numel() * one.element_size() for one in layers.parameters())

    def adapter(self, scaling: float, tensors: dict[str, Tensor]) -> Adapter:
        return self.active.make(scaling, tensors, self.device)

    def log_probs(self, batch: Batch, adapter: Adapter) -> Tensor:
        """Of every response, [sequences] in float64; where gradients are enabled its graph hangs on the adapter."""
        packed = self._packed(batch.segments, self.device)
        hidden = self._hidden(batch.tokens, batch.positions, packed, adapter)
        predicting = hidden[batch.sources.to(self.device)]
        return sequence_log_probs(predicting, self._head.weight, batch.targets.to(self.device), batch.lengths)

    def new_cache(self) -> KeyValueCache:
        config = self.config
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        return KeyValueCache(config.num_hidden_layers, config.num_key_value_heads, size, self.dtype, self.device)

    def decode(self, request: Decode, cache: KeyValueCache, adapter: Adapter) -> Tensor:
        """The logits after each row's last token, [rows, vocabulary] in float32; the cache gains the new tokens."""
        cache.prepare(request)
        packed = DecodingAttention(cache, request.rows, self.device)
        hidden = self._hidden(request.tokens, packed.positions, packed, adapter)
        last = torch.tensor([row.count for row in request.rows]).cumsum(0) - 1
        logits: Tensor = self._head(hidden[last.to(self.device)])
        return logits.float()

    def _hidden(self, tokens: Tensor, positions: Tensor, packed: Packed, adapter: Adapter) -> Tensor:
        """Behind the last norm, [tokens, width]."""
        with self.active.use(adapter):
            found = self.decoder(
                inputs_embeds=self._embed(tokens.to(self.device), adapter)[None],
                position_ids=positions.to(self.device)[None],
                use_cache=False,
                packed=packed,
            )
        hidden: Tensor = found.last_hidden_state[0]
        return hidden

    def _embed(self, tokens: Tensor, adapter: Adapter) -> Tensor:
        """Ids beyond the vocabulary are rows of the soft prompts."""
        soft = adapter.soft_prompts
        if soft is None:
            embedded: Tensor = self._embedding(tokens)
            return embedded
        is_soft = tokens >= self.vocabulary
        hard = self._embedding(tokens.masked_fill(is_soft, 0))
        rows = soft.to(hard.dtype)[(tokens - self.vocabulary).clamp(min=0)]
        return torch.where(is_soft[:, None], rows, hard)


def load(options: ModelOptions) -> nn.Module:
    """Safetensors only; code in the folder is run where it is asked for by name, and else refused."""
    common = {"local_files_only": True, "trust_remote_code": options.trust_remote_code}
    config = AutoConfig.from_pretrained(options.folder, **common)
    model: nn.Module = AutoModelForCausalLM.from_pretrained(
        options.folder,
        config=config,
        dtype=DTYPES[options.dtype],
        attn_implementation=IMPLEMENTATION,
        use_safetensors=True,
        **common,
    )
    model.requires_grad_(False)
    model.to(options.device)
    model.eval()
    if options.checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})  # type: ignore[operator]
        # Layers look at it to decide whether they are computed again; nothing here drops out.
        model.train()
    return model
