"""The Llama architecture as a frozen shape, a dictionary of weights under Hugging Face names, and a few functions over both.

The forward pass is split where training, prefill and decoding differ: each of them walks over the same ``layers`` and only
attends in its own way. Tensor axes: B rows, T positions, E hidden, H heads, KV heads of keys and values, D numbers a
head, V vocabulary.

References
----------
Touvron et al. (2023), LLaMA: Open and Efficient Foundation Language Models. Su et al. (2021), RoFormer, equation 34 (rotary
positions). Zhang and Sennrich (2019), Root Mean Square Layer Normalization, equation 4. Shazeer (2020), GLU Variants Improve
Transformer, equation 6 (SwiGLU).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from heirloom.data.tokenization import END_OF_DOCUMENT_ID
from heirloom.errors import HeirloomError
from heirloom.families.lm.epochs import Epochs
from heirloom.families.lm.native.rotary import Rotary, Stretch, angles
from heirloom.runtime.streams import Stream
from heirloom.specs.decoding import Precision

Weights = dict[str, Tensor]
Kind = Literal["llama", "mistral", "qwen2"]

EMBEDDING = "model.embed_tokens.weight"
FINAL_NORM = "model.norm.weight"
HEAD = "lm_head.weight"
INITIAL_SPREAD = 0.02  # standard deviation of a fresh matrix, as in the Llama configuration


@dataclass(frozen=True)
class LlamaShape:
    """Sizes of a model, named as in Heirloom's configuration.

    Parameters
    ----------
    vocab_size, hidden_size, num_layers, num_heads, intermediate_size
        Sizes. ``hidden_size`` is a multiple of ``2 * num_heads``: the rotary positions turn pairs of numbers.
    context_tokens
        Positions that a token attends to, itself included: the length of a training row.
    rope_theta
        Base of the rotary wavelengths.
    rms_norm_eps
        Added to the mean square before its root is taken.
    tie_word_embeddings
        Whether the output head is the embedding matrix.
    num_kv_heads
        Heads of keys and values, each shared by a group of query heads (Ainslie et al. 2023); None for one each.
    stretch
        How rotary positions are stretched; None for not at all.
    kind
        What `transformers` calls the architecture: a Mistral without a window is a Llama, a Qwen2 has biases beside.
    """

    vocab_size: int
    hidden_size: int
    num_layers: int
    num_heads: int
    intermediate_size: int
    context_tokens: int
    rope_theta: float = 10_000.0
    rms_norm_eps: float = 1e-5
    tie_word_embeddings: bool = True
    num_kv_heads: int | None = None
    stretch: Stretch | None = None
    kind: Kind = "llama"

    def __post_init__(self) -> None:
        sizes = ("vocab_size", "hidden_size", "num_layers", "num_heads", "intermediate_size", "context_tokens")
        for name in sizes:
            if getattr(self, name) < 1:
                raise HeirloomError(f"{name} is {getattr(self, name)}: it must be at least 1")
        if self.hidden_size % (2 * self.num_heads):
            raise HeirloomError(
                f"hidden_size is {self.hidden_size} with num_heads {self.num_heads}: "
                f"it must be a multiple of 2 * num_heads = {2 * self.num_heads}"
            )

        if self.num_kv_heads is not None and (self.num_kv_heads < 1 or self.num_heads % self.num_kv_heads):
            raise HeirloomError(f"num_kv_heads is {self.num_kv_heads}: it must divide num_heads {self.num_heads}")

    @property
    def kv_heads(self) -> int:
        """Heads of keys and values."""
        return self.num_kv_heads or self.num_heads

    @property
    def has_biases(self) -> bool:
        """Whether something is added to queries, keys and values."""
        return self.kind == "qwen2"

    @property
    def head_size(self) -> int:
        """Numbers a head."""
        return self.hidden_size // self.num_heads


@dataclass(frozen=True)
class Llama:
    """A shape and the weights that fill it, under Hugging Face names; a `network.Network`.

    It reads rows of any length: what it writes sees the last ``shape.context_tokens`` positions.
    """

    shape: LlamaShape
    weights: Weights
    epochs: Epochs | None = None

    rows_at_once: ClassVar[int] = 32
    longest_row: ClassVar[None] = None
    end_ids: ClassVar[tuple[int, ...]] = (END_OF_DOCUMENT_ID,)
    start_id: ClassVar[int] = END_OF_DOCUMENT_ID

    @property
    def vocab_size(self) -> int:
        """Token ids that the model has numbers for, V."""
        return self.shape.vocab_size

    @property
    def head(self) -> Tensor:
        """The output matrix, of shape (V, E)."""
        return self.weights[EMBEDDING if self.shape.tie_word_embeddings else HEAD]

    @property
    def device(self) -> torch.device:
        """Where the weights live."""
        return self.weights[EMBEDDING].device

    def on(self, device: torch.device) -> Llama:
        """Return the same model on a device."""
        return replace(self, weights={name: weight.to(device) for name, weight in self.weights.items()})

    def logits(self, tokens: Tensor) -> Tensor:
        """Return the logits (B, T, V) of the token after each position of ``tokens`` (B, T)."""
        return hidden_states(self, tokens) @ self.head.T

    def nats(self, tokens: Tensor) -> Tensor:
        """Return -log p(token | tokens before it in its row), in nats, of all but the first of ``tokens`` (B, T), shape (B, T - 1)."""
        scores = self.logits(tokens[:, :-1])
        target_scores = scores.gather(2, tokens[:, 1:, None])[..., 0]
        return scores.logsumexp(dim=-1) - target_scores

    def features(self, tokens: Tensor) -> Tensor:
        """Return the normalised last hidden state after each row of ``tokens`` (B, T), shape (B, E)."""
        return hidden_states(self, tokens)[:, -1]


@dataclass(frozen=True)
class Layer:
    """The weights of one layer, with those that read the same input stacked into one matrix."""

    input_norm: Tensor
    qkv: Tensor
    bias: Tensor | None
    out: Tensor
    mlp_norm: Tensor
    gate_up: Tensor
    down: Tensor


def parameter_shapes(shape: LlamaShape) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every parameter, in the order of the forward pass."""
    hidden, inner, shared = shape.hidden_size, shape.intermediate_size, shape.kv_heads * shape.head_size
    shapes: dict[str, tuple[int, ...]] = {EMBEDDING: (shape.vocab_size, hidden)}
    for index in range(shape.num_layers):
        prefix = f"model.layers.{index}."
        shapes[f"{prefix}input_layernorm.weight"] = (hidden,)
        heights = {"q": hidden, "k": shared, "v": shared, "o": hidden}
        shapes |= {f"{prefix}self_attn.{name}_proj.weight": (height, hidden) for name, height in heights.items()}
        if shape.has_biases:
            shapes |= {f"{prefix}self_attn.{name}_proj.bias": (heights[name],) for name in "qkv"}
        shapes[f"{prefix}post_attention_layernorm.weight"] = (hidden,)
        shapes |= {f"{prefix}mlp.{name}_proj.weight": (inner, hidden) for name in ("gate", "up")}
        shapes[f"{prefix}mlp.down_proj.weight"] = (hidden, inner)
    shapes[FINAL_NORM] = (hidden,)
    if not shape.tie_word_embeddings:
        shapes[HEAD] = (shape.vocab_size, hidden)
    return shapes


def initialise(shape: LlamaShape, stream: Stream) -> Weights:
    """Return fresh weights: matrices drawn from N(0, 0.02²), norms one.

    Each matrix is drawn from its own child of ``stream``, so that another layer more leaves the others as they were.
    """
    return {name: _initial(name, sizes, stream) for name, sizes in parameter_shapes(shape).items()}


def layers(model: Llama, precision: Precision = "float32") -> Iterator[Layer]:
    """Yield the layers from the first to the last, matrices in ``precision``; gradients flow through to ``model.weights``."""
    dtype = getattr(torch, precision)
    for index in range(model.shape.num_layers):
        unstacked = {
            name: model.weights[f"model.layers.{index}.{name}.weight"]
            for name in ("input_layernorm", "self_attn.o_proj", "post_attention_layernorm", "mlp.down_proj")
        }
        yield Layer(
            input_norm=unstacked["input_layernorm"],
            qkv=_stack(model.weights, index, "self_attn", "qkv").to(dtype),
            bias=_stack(model.weights, index, "self_attn", "qkv", "bias") if model.shape.has_biases else None,
            out=unstacked["self_attn.o_proj"].to(dtype),
            mlp_norm=unstacked["post_attention_layernorm"],
            gate_up=_stack(model.weights, index, "mlp", ("gate", "up")).to(dtype),
            down=unstacked["mlp.down_proj"].to(dtype),
        )


def rotary(shape: LlamaShape, start: int, count: int, device: torch.device | None = None) -> Rotary:
    """Return cosine and signed sine, each of shape (count, D), of the rotary angles at positions ``first … first + count - 1``.

    Numbers i and i + D/2 of a head form a pair (`native.rotary`, in the half-split order of Hugging Face). The sines of the first halves
    are negated.
    """
    positions = torch.arange(start, start + count, dtype=torch.float32, device=device)
    turned = angles(shape.head_size, shape.rope_theta, shape.stretch, positions)
    sines = turned.sin()
    return turned.cos().repeat(1, 2), torch.cat([-sines, sines], dim=-1)


def normalise(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Divide by the root of the mean square and scale (Zhang and Sennrich 2019, equation 4)."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def linear(x: Tensor, weight: Tensor) -> Tensor:
    """Return ``x @ weight.T`` in the precision of ``weight``."""
    return F.linear(x.to(weight.dtype), weight)


def project(shape: LlamaShape, layer: Layer, x: Tensor, turn: Rotary) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries (B, H, T, D), keys and values (B, KV, T, D) of ``x`` (B, T, E); queries and keys are turned to their positions."""
    packed = linear(normalise(x, layer.input_norm, shape.rms_norm_eps), layer.qkv).to(x.dtype)
    if layer.bias is not None:
        packed = packed + layer.bias
    heads = packed.view(*x.shape[:2], -1, shape.head_size).transpose(1, 2)
    queries, keys, values = torch.split(heads, [shape.num_heads, shape.kv_heads, shape.kv_heads], dim=1)
    return _turn(queries, turn), _turn(keys, turn), values


def complete(shape: LlamaShape, layer: Layer, x: Tensor, attended: Tensor) -> Tensor:
    """Add what was attended to (B, H, T, D), then the SwiGLU network, to ``x`` (B, T, E)."""
    x = x + linear(attended.transpose(1, 2).flatten(2), layer.out)
    gate, up = linear(normalise(x, layer.mlp_norm, shape.rms_norm_eps), layer.gate_up).chunk(2, dim=-1)
    return x + linear(F.silu(gate) * up, layer.down)


def hidden_states(model: Llama, tokens: Tensor, precision: Precision = "float32") -> Tensor:
    """Return the normalised last hidden states (B, T, E) of ``tokens`` (B, T), every position attending to all before it.

    ``precision`` is that of products with weights; all else is float32.
    """
    shape = model.shape
    turn = rotary(shape, 0, tokens.shape[1], model.device)
    x = F.embedding(tokens, model.weights[EMBEDDING])
    for layer in layers(model, precision):
        queries, keys, values = project(shape, layer, x, turn)
        attended = F.scaled_dot_product_attention(queries, keys, values, is_causal=True, enable_gqa=shape.kv_heads < shape.num_heads)
        x = complete(shape, layer, x, attended)
    return normalise(x, model.weights[FINAL_NORM], shape.rms_norm_eps)


def _initial(name: str, sizes: tuple[int, ...], stream: Stream) -> Tensor:
    if len(sizes) == 1:
        return torch.zeros(sizes) if name.endswith("bias") else torch.ones(sizes)
    normals = stream.child(name).generator().standard_normal(sizes)
    return torch.from_numpy(normals * INITIAL_SPREAD).to(torch.float32)


def _stack(weights: Mapping[str, Tensor], index: int, part: str, names: str | tuple[str, ...], what: str = "weight") -> Tensor:
    return torch.cat([weights[f"model.layers.{index}.{part}.{name}_proj.{what}"] for name in names])


def _turn(x: Tensor, turn: Rotary) -> Tensor:
    cosine, sine = turn
    return x * cosine + x.roll(x.shape[-1] // 2, dims=-1) * sine
