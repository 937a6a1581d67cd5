"""The Llama architecture as a frozen shape, a dictionary of weights under Hugging Face names, and a few functions over both.

The forward pass is split where training, prefill and decoding differ: each of them walks over the same ``layers`` and only
attends in its own way. Tensor axes: B rows, T positions, E hidden, H heads, D numbers a head, V vocabulary.

References
----------
Touvron et al. (2023), LLaMA: Open and Efficient Foundation Language Models. Su et al. (2021), RoFormer, equation 34 (rotary
positions). Zhang and Sennrich (2019), Root Mean Square Layer Normalization, equation 4. Shazeer (2020), GLU Variants Improve
Transformer, equation 6 (SwiGLU).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

from heirloom.errors import HeirloomError
from heirloom.streams import Stream

Weights = dict[str, Tensor]
Rotary = tuple[Tensor, Tensor]

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

    @property
    def head_size(self) -> int:
        """Numbers a head."""
        return self.hidden_size // self.num_heads


@dataclass(frozen=True)
class Llama:
    """A shape and the weights that fill it, under Hugging Face names."""

    shape: LlamaShape
    weights: Weights

    @property
    def head(self) -> Tensor:
        """The output matrix, of shape (V, E)."""
        return self.weights[EMBEDDING if self.shape.tie_word_embeddings else HEAD]


@dataclass(frozen=True)
class Layer:
    """The weights of one layer, with those that read the same input stacked into one matrix."""

    input_norm: Tensor
    qkv: Tensor
    out: Tensor
    mlp_norm: Tensor
    gate_up: Tensor
    down: Tensor


def parameter_shapes(shape: LlamaShape) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every parameter, in the order of the forward pass."""
    hidden, inner = shape.hidden_size, shape.intermediate_size
    shapes: dict[str, tuple[int, ...]] = {EMBEDDING: (shape.vocab_size, hidden)}
    for index in range(shape.num_layers):
        prefix = f"model.layers.{index}."
        shapes[f"{prefix}input_layernorm.weight"] = (hidden,)
        shapes |= {f"{prefix}self_attn.{name}_proj.weight": (hidden, hidden) for name in "qkvo"}
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


def layers(model: Llama) -> Iterator[Layer]:
    """Yield the layers from the first to the last; gradients flow through to ``model.weights``."""
    for index in range(model.shape.num_layers):
        part = {
            name: model.weights[f"model.layers.{index}.{name}.weight"]
            for name in ("input_layernorm", "self_attn.o_proj", "post_attention_layernorm", "mlp.down_proj")
        }
        yield Layer(
            input_norm=part["input_layernorm"],
            qkv=_stack(model.weights, index, "self_attn", "qkv"),
            out=part["self_attn.o_proj"],
            mlp_norm=part["post_attention_layernorm"],
            gate_up=_stack(model.weights, index, "mlp", ("gate", "up")),
            down=part["mlp.down_proj"],
        )


def rotary(shape: LlamaShape, first: int, count: int) -> Rotary:
    """Return cosine and sine, each of shape (count, D), of the rotary angles at positions ``first … first + count - 1``.

    Numbers i and i + D/2 of a head form a pair that turns by ``position * rope_theta ** (-2 i / D)`` radians (Su et al. 2021,
    equation 34, in the half-split order of Hugging Face).
    """
    exponents = torch.arange(0, shape.head_size, 2, dtype=torch.float32) / shape.head_size
    positions = torch.arange(first, first + count, dtype=torch.float32)
    angles = torch.outer(positions, 1.0 / shape.rope_theta**exponents).repeat(1, 2)
    return angles.cos(), angles.sin()


def normalise(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Divide by the root of the mean square and scale (Zhang and Sennrich 2019, equation 4)."""
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def project(shape: LlamaShape, layer: Layer, x: Tensor, turn: Rotary) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and values of ``x`` (B, T, E), each (B, H, T, D); queries and keys are turned to their positions."""
    packed = F.linear(normalise(x, layer.input_norm, shape.rms_norm_eps), layer.qkv)
    queries, keys, values = packed.view(*x.shape[:2], 3, shape.num_heads, shape.head_size).permute(2, 0, 3, 1, 4)
    return _turn(queries, turn), _turn(keys, turn), values


def complete(shape: LlamaShape, layer: Layer, x: Tensor, attended: Tensor) -> Tensor:
    """Add what was attended to (B, H, T, D), then the SwiGLU network, to ``x`` (B, T, E)."""
    x = x + F.linear(attended.transpose(1, 2).flatten(2), layer.out)
    gate, up = F.linear(normalise(x, layer.mlp_norm, shape.rms_norm_eps), layer.gate_up).chunk(2, dim=-1)
    return x + F.linear(F.silu(gate) * up, layer.down)


def hidden_states(model: Llama, tokens: Tensor) -> Tensor:
    """Return the normalised last hidden states (B, T, E) of ``tokens`` (B, T), every position attending to all before it."""
    shape = model.shape
    turn = rotary(shape, 0, tokens.shape[1])
    x = F.embedding(tokens, model.weights[EMBEDDING])
    for layer in layers(model):
        queries, keys, values = project(shape, layer, x, turn)
        attended = F.scaled_dot_product_attention(queries, keys, values, is_causal=True)
        x = complete(shape, layer, x, attended)
    return normalise(x, model.weights[FINAL_NORM], shape.rms_norm_eps)


def logits(model: Llama, tokens: Tensor) -> Tensor:
    """Return the logits (B, T, V) of the token after each position of ``tokens`` (B, T)."""
    return F.linear(hidden_states(model, tokens), model.head)


def save_folder(model: Llama, folder: Path) -> None:
    """Write ``config.json`` and ``model.safetensors``, as ``transformers`` reads them; equal weights give equal bytes."""
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    config = json.dumps(_to_config(model.shape), indent=2, sort_keys=True)
    (folder / "config.json").write_text(f"{config}\n", encoding="utf-8")
    tensors = {name: weight.detach().contiguous() for name, weight in model.weights.items()}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def load_folder(folder: Path) -> Llama:
    """Read a folder written by ``save_folder`` or by ``LlamaForCausalLM.save_pretrained``, as float32.

    Raises
    ------
    HeirloomError
        If a file is missing, the configuration is of another architecture, or a weight is missing or of another shape.
    """
    from safetensors.torch import load_file

    for name in ("config.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise HeirloomError(f"{folder} holds no {name}: a checkpoint has config.json and model.safetensors")
    shape = _from_config(json.loads((folder / "config.json").read_text(encoding="utf-8")), folder / "config.json")
    stored = load_file(folder / "model.safetensors")
    for name, sizes in parameter_shapes(shape).items():
        if name not in stored or tuple(stored[name].shape) != sizes:
            found = tuple(stored[name].shape) if name in stored else "nothing"
            raise HeirloomError(f"{folder / 'model.safetensors'}: {name} must have shape {sizes}, found {found}")
    return Llama(shape, {name: stored[name].to(torch.float32) for name in parameter_shapes(shape)})


def _initial(name: str, sizes: tuple[int, ...], stream: Stream) -> Tensor:
    if len(sizes) == 1:
        return torch.ones(sizes)
    drawn = stream.child(name).generator().standard_normal(sizes)
    return torch.from_numpy(drawn * INITIAL_SPREAD).to(torch.float32)


def _stack(weights: Mapping[str, Tensor], index: int, part: str, names: str | tuple[str, ...]) -> Tensor:
    return torch.cat([weights[f"model.layers.{index}.{part}.{name}_proj.weight"] for name in names])


def _turn(x: Tensor, turn: Rotary) -> Tensor:
    cosine, sine = turn
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat((-second, first), dim=-1) * sine


# Heirloom's name of a size -> the name in a Hugging Face Llama configuration.
_HF_NAMES = {
    "vocab_size": "vocab_size",
    "hidden_size": "hidden_size",
    "num_layers": "num_hidden_layers",
    "num_heads": "num_attention_heads",
    "intermediate_size": "intermediate_size",
    "context_tokens": "max_position_embeddings",
    "rms_norm_eps": "rms_norm_eps",
    "tie_word_embeddings": "tie_word_embeddings",
}


def _fixed_config(shape: LlamaShape) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "attention_bias": False,
        "mlp_bias": False,
        "hidden_act": "silu",
        "head_dim": shape.head_size,
        "num_key_value_heads": shape.num_heads,
        "rope_parameters": {"rope_theta": shape.rope_theta, "rope_type": "default"},
    }


def _to_config(shape: LlamaShape) -> dict[str, Any]:
    sizes = {theirs: getattr(shape, ours) for ours, theirs in _HF_NAMES.items()}
    unused = {"bos_token_id": None, "eos_token_id": None, "dtype": "float32", "initializer_range": INITIAL_SPREAD}
    return sizes | unused | _fixed_config(shape)


def _from_config(config: Mapping[str, Any], path: Path) -> LlamaShape:
    missing = sorted(theirs for theirs in (*_HF_NAMES.values(), "rope_parameters") if theirs not in config)
    if missing:
        raise HeirloomError(f"{path} lacks {', '.join(missing)}: it must be the configuration of a Llama model")
    sizes = {ours: config[theirs] for ours, theirs in _HF_NAMES.items()}
    shape = LlamaShape(**sizes, rope_theta=config["rope_parameters"].get("rope_theta", math.nan))
    for key, allowed in _fixed_config(shape).items():
        if config.get(key, allowed) != allowed:
            raise HeirloomError(f"{path}: {key} is {config[key]!r}, and only {allowed!r} can be read")
    return shape
