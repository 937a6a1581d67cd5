"""Sampling continuations: one pass over the prompts, then one token a step out of a ring of keys and values.

A token attends to the last ``context_tokens`` positions, itself included, however long prompt and continuation are together.
Keys are stored already turned to their absolute positions, so that what attention sees are distances, and none is longer than
those of training. Every row draws from its own uniforms by inverting its cumulative distribution: what a row becomes does not
depend on which rows share its batch, as long as the batch has the same number of rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from heirloom.errors import HeirloomError
from heirloom.families.transformer.model import (
    EMBEDDING,
    FINAL_NORM,
    Layer,
    Llama,
    complete,
    layers,
    normalise,
    project,
    rotary,
)

PREFILL_ROWS = 16  # prompts that are read at one time, so that what lies between two layers stays in cache


@dataclass(frozen=True)
class Decoding:
    """How the next token is drawn from the model's distribution.

    Parameters
    ----------
    temperature
        Divides the logits; 0 takes the most likely token.
    top_k
        Keeps the ``top_k`` most likely tokens; 0 keeps all.
    top_p
        Then keeps the smallest set of most likely tokens whose probability reaches ``top_p`` (Holtzman et al. 2020); 1 keeps all.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise HeirloomError(f"temperature is {self.temperature}: it must be a finite number of at least 0")
        if self.top_k < 0:
            raise HeirloomError(f"top_k is {self.top_k}: it must be at least 0, where 0 keeps all tokens")
        if not 0 < self.top_p <= 1:
            raise HeirloomError(f"top_p is {self.top_p}: it must be above 0 and at most 1")


@torch.inference_mode()
def continue_prompts(
    model: Llama, prompts: NDArray[np.integer], num_new: int, uniforms: NDArray[np.float64], decoding: Decoding
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
        Temperature and truncation.

    Returns
    -------
    array of shape (B, N), new tokens only

    Raises
    ------
    HeirloomError
        If the shapes do not agree, a prompt is empty or holds a token outside the vocabulary, or the logits are not numbers.
    """
    _check(model, prompts, num_new, uniforms)
    draws = torch.from_numpy(np.ascontiguousarray(uniforms, dtype=np.float64))
    new = torch.empty((len(prompts), num_new), dtype=torch.int64)
    for step, logits in enumerate(_logits_of_each_step(model, torch.from_numpy(prompts.astype(np.int64)), new)):
        if not bool(torch.isfinite(logits.amax(dim=-1)).all()):  # one NaN makes the largest NaN
            raise HeirloomError(f"the logits of new token {step} are not finite: the model's weights are not usable")
        new[:, step] = draw_tokens(logits, draws[:, step], decoding)
    return new.numpy().astype(np.int32)


def draw_tokens(logits: Tensor, uniforms: Tensor, decoding: Decoding) -> Tensor:
    """Return one token (B,) for each row of ``logits`` (B, V): the first whose cumulative probability exceeds the row's uniform.

    Sums are taken in float64: rare tokens are what this program measures. A token of probability zero is never drawn, not even
    by a uniform of 0 or next to 1.
    """
    if decoding.temperature == 0:
        return logits.argmax(dim=-1)
    scaled = logits.double() if _truncates(decoding) else logits
    scaled = (scaled - scaled.amax(dim=-1, keepdim=True)) / decoding.temperature
    if not _truncates(decoding):
        return _invert(scaled.exp().cumsum(dim=-1, dtype=torch.float64), uniforms)
    kept, tokens = scaled.topk(min(decoding.top_k or scaled.shape[-1], scaled.shape[-1]), dim=-1)
    p = kept.softmax(dim=-1)
    p = p.where(p.cumsum(dim=-1) - p < decoding.top_p, 0.0)
    return tokens.gather(1, _invert(p.cumsum(dim=-1), uniforms)[:, None])[:, 0]


def _truncates(decoding: Decoding) -> bool:
    return decoding.top_k > 0 or decoding.top_p < 1


def _invert(cumulative: Tensor, uniforms: Tensor) -> Tensor:
    # A uniform of at most 1 - 2**-53 times the total rounds to less than the total, so that a token always exceeds it.
    target = uniforms * cumulative[:, -1]
    return torch.searchsorted(cumulative, target[:, None], right=True)[:, 0]


def _logits_of_each_step(model: Llama, prompts: Tensor, new: Tensor) -> Iterator[Tensor]:
    """Yield the logits (B, V) of each new token; the caller writes the token into ``new`` before it asks for the next."""
    stack = list(layers(model))
    num_prompt, num_new = prompts.shape[1], new.shape[1]
    cosine, sine = rotary(model.shape, 0, num_prompt + num_new)
    ring = _ring(model, len(prompts), num_prompt + num_new)
    turn = (cosine[:num_prompt], sine[:num_prompt])
    blocks = zip(torch.split(prompts, PREFILL_ROWS), torch.split(ring, PREFILL_ROWS, dim=2), strict=True)
    yield _output(model, torch.cat([_prefill(model, stack, rows, turn, part) for rows, part in blocks]))
    for step in range(num_new - 1):
        position = num_prompt + step
        turn = (cosine[position, None], sine[position, None])
        yield _output(model, _decode(model, stack, new[:, step, None], turn, ring, position))


def _ring(model: Llama, num_rows: int, num_positions: int) -> Tensor:
    """Return room for keys and values, (layer, 2, B, H, slots, D); position t lives in slot t modulo the number of slots."""
    shape = model.shape
    slots = min(shape.context_tokens, num_positions)
    return torch.zeros((shape.num_layers, 2, num_rows, shape.num_heads, slots, shape.head_size))


def _prefill(model: Llama, stack: list[Layer], prompts: Tensor, turn: tuple[Tensor, Tensor], ring: Tensor) -> Tensor:
    """Fill the ring from the prompts and return the last position's hidden state (B, 1, E)."""
    num_prompt, slots = prompts.shape[1], ring.shape[-2]
    distance = torch.arange(num_prompt)[:, None] - torch.arange(num_prompt)
    visible = (distance >= 0) & (distance < slots)
    kept = torch.arange(max(0, num_prompt - slots), num_prompt)
    x = F.embedding(prompts, model.weights[EMBEDDING])
    for layer, memory in zip(stack, ring, strict=True):
        queries, keys, values = project(model.shape, layer, x, turn)
        memory[0][:, :, kept % slots] = keys[:, :, kept]
        memory[1][:, :, kept % slots] = values[:, :, kept]
        if layer is stack[-1]:  # nothing reads the earlier positions any more
            queries, visible, x = queries[:, :, -1:], visible[-1:], x[:, -1:]
        attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible)
        x = complete(model.shape, layer, x, attended)
    return x


def _decode(model: Llama, stack: list[Layer], token: Tensor, turn: tuple[Tensor, Tensor], ring: Tensor, position: int) -> Tensor:
    """Store ``token`` (B, 1) at ``position`` in the ring and return its hidden state (B, 1, E)."""
    slots = ring.shape[-2]
    filled = min(position + 1, slots)
    scale = model.shape.head_size**-0.5
    x = F.embedding(token, model.weights[EMBEDDING])
    for layer, memory in zip(stack, ring, strict=True):
        queries, keys, values = project(model.shape, layer, x, turn)
        memory[0][:, :, position % slots] = keys[:, :, 0]
        memory[1][:, :, position % slots] = values[:, :, 0]
        # Two plain products: with a single query they take half the time of the fused kernel on a CPU.
        shares = (scale * queries @ memory[0][:, :, :filled].transpose(-1, -2)).softmax(dim=-1)
        x = complete(model.shape, layer, x, shares @ memory[1][:, :, :filled])
    return x


def _output(model: Llama, x: Tensor) -> Tensor:
    return F.linear(normalise(x[:, -1], model.weights[FINAL_NORM], model.shape.rms_norm_eps), model.head)


def _check(model: Llama, prompts: NDArray[np.integer], num_new: int, uniforms: NDArray[np.float64]) -> None:
    if prompts.ndim != 2 or prompts.size == 0:
        raise HeirloomError(f"prompts have shape {prompts.shape}: they must be rows of at least one token")
    if num_new < 1 or uniforms.shape != (len(prompts), num_new):
        raise HeirloomError(
            f"uniforms have shape {uniforms.shape}: {len(prompts)} prompts of {num_new} new tokens need ({len(prompts)}, {num_new})"
        )
    if prompts.min() < 0 or prompts.max() >= model.shape.vocab_size:
        raise HeirloomError(f"prompts hold tokens {prompts.min()} to {prompts.max()}: allowed are 0 to {model.shape.vocab_size - 1}")
