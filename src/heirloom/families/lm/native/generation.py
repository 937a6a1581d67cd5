"""Sampling continuations: one pass over the prompts, then one token a step out of a ring of keys and values.

A token attends to the last ``context_tokens`` positions, itself included, however long prompt and continuation are together.
Keys are stored already turned to their absolute positions, so that what attention sees are distances, and none is longer than
those of training. Every row draws from its own uniforms by inverting its cumulative distribution: what a row becomes does not
depend on which rows share its batch, as long as the batch has the same number of rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from heirloom.errors import HeirloomError
from heirloom.families.lm.decoding import Decoding, draw_tokens, steered
from heirloom.families.lm.native.model import (
    EMBEDDING,
    FINAL_NORM,
    Layer,
    Llama,
    LlamaShape,
    complete,
    layers,
    linear,
    normalise,
    project,
    rotary,
)
from heirloom.families.lm.native.rotary import Rotary
from heirloom.specs.decoding import Precision

__all__ = ["Decoding", "continue_prompts", "draw_tokens"]

PREFILL_ROWS = 16  # prompts that are read at one time, so that what lies between two layers stays in cache


@torch.inference_mode()
def continue_prompts(
    model: Llama,
    prompts: NDArray[np.integer],
    num_new: int,
    uniforms: NDArray[np.float64],
    decoding: Decoding,
    precision: Precision = "float32",
) -> NDArray[np.int32]:
    """Continue each prompt by ``num_new`` tokens.

    Parameters
    ----------
    model
        The model to sample from.
    prompts
        Token ids of shape (B, P).
    num_new
        Tokens to add, N.
    uniforms
        Numbers in [0, 1) of shape (B, N), one for each new token.
    decoding
        Temperature, truncation, penalty and ban.
    precision
        Of products with weights; keys, values and sums stay float32.

    Returns
    -------
    array of shape (B, N), new tokens only

    Raises
    ------
    HeirloomError
        If the shapes do not agree, a prompt is empty or holds a token outside the vocabulary, or the logits are not numbers.
    """
    check_prompts(model, prompts, num_new)
    check_uniforms(uniforms, prompts, num_new)
    draws = torch.from_numpy(np.ascontiguousarray(uniforms, dtype=np.float64)).to(model.device)
    prompt_tokens = torch.from_numpy(prompts.astype(np.int64)).to(model.device)
    num_prompt = prompt_tokens.shape[1]
    tokens = torch.cat([prompt_tokens, prompt_tokens.new_zeros((len(prompts), num_new))], dim=1)
    decoder = Decoder.of(model, precision)
    for number, logits in enumerate(_logits_of_each_step(decoder, tokens, num_new)):
        position = num_prompt + number
        check_finite(logits, number)
        scores = steered(logits, tokens[:, :position], decoding)
        tokens[:, position] = draw_tokens(scores, draws[:, number], decoding)
    return tokens[:, num_prompt:].cpu().numpy().astype(np.int32)


@dataclass(frozen=True)
class Decoder:
    """A model laid out for many steps: layers stacked once, matrices in the precision of the products."""

    shape: LlamaShape
    stack: tuple[Layer, ...]
    embedding: Tensor
    final_norm: Tensor
    head: Tensor

    @classmethod
    def of(cls, model: Llama, precision: Precision) -> Decoder:
        """Return a model laid out for many steps."""
        stack, head = tuple(layers(model, precision)), model.head.to(getattr(torch, precision))
        return cls(model.shape, stack, model.weights[EMBEDDING], model.weights[FINAL_NORM], head)

    def output(self, x: Tensor) -> Tensor:
        """Return the logits (..., V), float32, of hidden states (..., E)."""
        return linear(normalise(x, self.final_norm, self.shape.rms_norm_eps), self.head).float()


def _logits_of_each_step(model: Decoder, tokens: Tensor, num_new: int) -> Iterator[Tensor]:
    """Yield the logits (B, V) of each new token; the caller writes the token into ``tokens`` before it asks for the next."""
    num_prompt = tokens.shape[1] - num_new
    slots = min(model.shape.context_tokens, tokens.shape[1])
    ring = room(model, len(tokens), slots)
    yield read_prompts(model, tokens[:, :num_prompt], ring)
    cosine, sine = rotary(model.shape, 0, tokens.shape[1], tokens.device)
    for position in range(num_prompt, tokens.shape[1] - 1):
        turn = (cosine[position, None], sine[position, None])
        slot, num_filled = position % slots, min(position + 1, slots)
        token, filled_ring = tokens[:, position, None], ring[..., :num_filled, :]
        yield decode(model, token, turn, filled_ring, slice(slot, slot + 1))


def room(model: Decoder, num_rows: int, slots: int) -> Tensor:
    """Return room for keys and values of ``slots`` positions, (layer, 2, B, KV, slots, D).

    On a CPU it is numpy's, which asks Linux for huge pages where torch does not: reading it takes a fifth less time.
    """
    shape, device = model.shape, model.embedding.device
    sizes = (shape.num_layers, 2, num_rows, shape.kv_heads, slots, shape.head_size)
    return torch.from_numpy(np.empty(sizes, np.float32)) if device.type == "cpu" else torch.empty(sizes, device=device)


def read_prompts(model: Decoder, prompts: Tensor, ring: Tensor) -> Tensor:
    """Fill the ring from the prompts (B, P) and return the logits (B, V) after their last tokens.

    The key of position t lives in slot t modulo the number of slots.
    """
    places = torch.arange(prompts.shape[1], device=prompts.device)
    distance = places[:, None] - places
    visible = (distance >= 0) & (distance < model.shape.context_tokens)
    blocks = zip(torch.split(prompts, PREFILL_ROWS), torch.split(ring, PREFILL_ROWS, dim=2), strict=True)
    states = torch.cat([prefill(model, rows, visible, ring_rows) for rows, ring_rows in blocks])
    return model.output(states)[:, -1]


def prefill(model: Decoder, prompts: Tensor, visible: Tensor, ring: Tensor) -> Tensor:
    """Fill the ring from the prompts and return the last position's hidden state (B, 1, E).

    Parameters
    ----------
    visible
        Which positions each one reads, (P, P) or (B, 1, P, P).
    """
    num_prompt, slots = prompts.shape[1], ring.shape[-2]
    turn = rotary(model.shape, 0, num_prompt, prompts.device)
    shares_keys = model.shape.kv_heads < model.shape.num_heads
    x = F.embedding(prompts, model.embedding)
    for layer, memory in zip(model.stack, ring, strict=True):
        queries, keys, values = project(model.shape, layer, x, turn)
        memory[0][:, :, :num_prompt] = _newest(keys, slots)
        memory[1][:, :, :num_prompt] = _newest(values, slots)
        if layer is model.stack[-1]:  # nothing reads the earlier positions any more
            queries, visible, x = queries[:, :, -1:], visible[..., -1:, :], x[:, -1:]
        attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible, enable_gqa=shares_keys)
        x = complete(model.shape, layer, x, attended)
    return x


def _newest(x: Tensor, slots: int) -> Tensor:
    """Return the last ``slots`` positions of ``x`` (B, KV, T, D), position t in the place t modulo ``slots``."""
    num_prompt = x.shape[2]
    return x if num_prompt <= slots else x[:, :, -slots:].roll(num_prompt % slots, dims=2)


def decode(model: Decoder, token: Tensor, turn: Rotary, ring: Tensor, slot: slice | Tensor, hidden: Tensor | None = None) -> Tensor:
    """Store ``token`` (B, 1) in a slot of the ring and return the logits (B, V) after it.

    Parameters
    ----------
    turn
        Cosine and sine, (1, D), of the token's position.
    ring
        Keys and values, (layer, 2, B, KV, S, D), of slots that are filled or hidden.
    slot
        One number, as a slice or as a tensor of shape (1,).
    hidden
        0 for each slot that is read and minus infinity for the others, (1, 1, 1, S); None to read all.
    """
    x = F.embedding(token, model.embedding)
    for layer, memory in zip(model.stack, ring, strict=True):
        queries, keys, values = project(model.shape, layer, x, turn)
        memory[0][:, :, slot] = keys
        memory[1][:, :, slot] = values
        x = complete(model.shape, layer, x, attend(model.shape, queries, memory, hidden))
    return model.output(x)[:, 0]


def attend(shape: LlamaShape, queries: Tensor, memory: Tensor, hidden: Tensor | None = None) -> Tensor:
    """Return what queries (B, H, T, D) read out of keys and values (2, B, KV, S, D); ``hidden`` (B, 1, T, S) is minus infinity or 0.

    Two plain products: with few queries they take less than half the time of the fused kernel on a CPU.
    """
    grouped = (shape.head_size**-0.5 * queries).reshape(_group_shape(shape, queries))
    scores = _times(grouped, memory[0].transpose(-1, -2))
    if hidden is not None:
        scores = torch.unflatten(scores, 2, (-1, queries.shape[2])).add_(hidden[:, :, None]).flatten(2, 3)
    return _times(scores.softmax(dim=-1), memory[1]).view(queries.shape)


def _times(a: Tensor, b: Tensor) -> Tensor:
    """Return ``a @ b``. On a CPU numpy multiplies many single rows with a matrix each in three quarters of torch's time."""
    if a.shape[-2] > 1 or a.device.type != "cpu":
        return a @ b
    return torch.from_numpy(np.matmul(a.numpy(), b.numpy()))


def _group_shape(shape: LlamaShape, queries: Tensor) -> tuple[int, int, int, int]:
    num_rows, num_heads, width, size = queries.shape
    heads_per_group = num_heads // shape.kv_heads
    return num_rows, shape.kv_heads, heads_per_group * width, size


def check_prompts(model: Llama, prompts: NDArray[np.integer], num_new: int) -> None:
    """Raise unless prompts are rows of tokens of the vocabulary, and something is to be added to them."""
    if prompts.ndim != 2 or prompts.size == 0:
        raise HeirloomError(f"prompts have shape {prompts.shape}: they must be rows of at least one token")
    if num_new < 1:
        raise HeirloomError(f"num_new is {num_new}: it must be at least 1")
    if prompts.min() < 0 or prompts.max() >= model.shape.vocab_size:
        raise HeirloomError(f"prompts hold tokens {prompts.min()} to {prompts.max()}: allowed are 0 to {model.shape.vocab_size - 1}")


def check_finite(logits: Tensor, number: int) -> None:
    """Raise unless the largest logit of every row is a number; one NaN makes the largest NaN."""
    if not bool(torch.isfinite(logits.amax(dim=-1)).all()):
        raise HeirloomError(f"the logits of new token {number} are not finite: the model's weights are not usable")


def check_uniforms(uniforms: NDArray[np.float64], prompts: NDArray[np.integer], num_new: int) -> None:
    """Raise unless there is one uniform number for each new token."""
    if uniforms.shape != (len(prompts), num_new):
        raise HeirloomError(
            f"uniforms have shape {uniforms.shape}: {len(prompts)} prompts of {num_new} new tokens need ({len(prompts)}, {num_new})"
        )
