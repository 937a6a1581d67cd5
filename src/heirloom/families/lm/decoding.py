"""From logits to tokens: temperature, truncation, penalty, and one uniform number a row that inverts the cumulative distribution."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from heirloom.errors import HeirloomError
from heirloom.specs.decoding import Decoding as Settings

Writer = Callable[[NDArray[np.integer], int, NDArray[np.float64]], NDArray[np.int32]]
"""What continues prompts (B, P) by N tokens, given uniforms (B, N)."""

BLOCK = 64  # tokens whose probabilities are summed before one block of them is looked into
GRAINS = 2.0**35  # in a probability of 1: those of 2**18 tokens are fewer than the 2**53 that float64 counts exactly


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
    repetition_penalty
        Above 1, makes tokens that the row already holds less likely (`penalised`).
    banned
        Tokens that are never drawn.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    repetition_penalty: float = 1.0
    banned: tuple[int, ...] = ()

    @classmethod
    def of(cls, settings: Settings, banned: Sequence[int] = ()) -> Decoding:
        """Return the decoding that a config's settings ask for."""
        penalty = settings.repetition_penalty
        return cls(settings.temperature, settings.top_k or 0, settings.top_p or 1.0, penalty, tuple(banned))

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature >= 0):
            raise HeirloomError(f"temperature is {self.temperature}: it must be a finite number of at least 0")
        if self.top_k < 0:
            raise HeirloomError(f"top_k is {self.top_k}: it must be at least 0, where 0 keeps all tokens")
        if not self.repetition_penalty > 0:
            raise HeirloomError(f"repetition_penalty is {self.repetition_penalty}: it must be above 0, where 1 is none")
        if not 0 < self.top_p <= 1:
            raise HeirloomError(f"top_p is {self.top_p}: it must be above 0 and at most 1")


def draw_tokens(logits: Tensor, uniforms: Tensor, decoding: Decoding) -> Tensor:
    """Return one token (B,) for each row of ``logits`` (B, V): the first whose cumulative probability exceeds the row's uniform.

    Sums are taken in float64: rare tokens are what this program measures. A token of probability zero is never drawn, not even
    by a uniform of 0 or next to 1.
    """
    if decoding.temperature == 0:
        return logits.argmax(dim=-1)
    scaled = logits.double() if _truncates(decoding) else logits
    scaled = scaled - scaled.amax(dim=-1, keepdim=True)
    if decoding.temperature != 1:
        scaled.div_(decoding.temperature)
    if not _truncates(decoding):
        return _invert_in_two_levels(_addable(scaled.exp_()), uniforms)
    vocab_size = scaled.shape[-1]
    highest, tokens = scaled.topk(min(decoding.top_k or vocab_size, vocab_size), dim=-1)
    p = _addable(highest.softmax(dim=-1))
    p = p.masked_fill(_running_sums(p) - p >= decoding.top_p, 0.0)
    places = _invert(_running_sums(p), uniforms)
    return tokens.gather(1, places[:, None])[:, 0]


def _truncates(decoding: Decoding) -> bool:
    return decoding.top_k > 0 or decoding.top_p < 1


def _invert_in_two_levels(p: Tensor, uniforms: Tensor) -> Tensor:
    """Find the block of tokens that the uniform falls into, then the token: most of the vocabulary is summed, and never scanned."""
    padding = -p.shape[-1] % BLOCK
    padded = F.pad(p, (0, padding)) if padding else p  # padding by nothing would copy
    blocks = padded.view(len(p), -1, BLOCK)
    ends = _running_sums(_block_sums(blocks))
    target = (uniforms * ends[:, -1])[:, None]
    block = torch.searchsorted(ends, target, right=True)
    begin = F.pad(ends, (1, 0)).gather(1, block)
    rows = torch.arange(len(blocks), device=p.device)
    sums = _running_sums(blocks[rows, block[:, 0]]) + begin
    # The block's sum, taken in another order, may round to less than the target: then the last token that can be drawn is meant.
    last_place = torch.searchsorted(sums, sums[:, -1:].contiguous())
    place = torch.minimum(torch.searchsorted(sums, target, right=True), last_place)
    return (block * BLOCK + place)[:, 0]


def _block_sums(blocks: Tensor) -> Tensor:
    """Return the sums of the last axis of ``blocks`` (B, N, K) in float64. On a CPU numpy adds them in two thirds of torch's time."""
    if blocks.device.type != "cpu":
        return blocks.sum(dim=-1, dtype=torch.float64)
    return torch.from_numpy(np.einsum("bnk->bn", blocks.numpy(), dtype=np.float64))


def _addable(p: Tensor) -> Tensor:
    return p if p.device.type == "cpu" else in_grains(p)


def _running_sums(p: Tensor) -> Tensor:
    """Return the sums of the first 1, 2, … numbers of each row, in float64; on a GPU, the numbers are `in_grains`."""
    return p.cumsum(dim=-1, dtype=torch.float64) if p.device.type == "cpu" else running_sums_of_grains(p)


def in_grains(p: Tensor) -> Tensor:
    """Return numbers of at most 1 (..., V) rounded to whole grains, as float64: they add up without rounding, in whatever order.

    A GPU adds in an order that is not always the same, and its sums would now and then differ in the last bit from one run to the next, or
    rise where a probability is zero. A token's probability changes by half a grain at most, 1.5e-11 of the likeliest token's.
    """
    return (p.double() * GRAINS).round_().div_(GRAINS)


def running_sums_of_grains(p: Tensor) -> Tensor:
    """Return the sums of the first 1, 2, … numbers of each row, all of whole grains: exact, and the same on every machine.

    Integers, because torch has no sums of floating-point numbers on a GPU that it promises to repeat (`use_deterministic_algorithms`).
    """
    return (p.double() * GRAINS).long().cumsum(dim=-1).double().div_(GRAINS)


def _invert(cumulative: Tensor, uniforms: Tensor) -> Tensor:
    # A uniform of at most 1 - 2**-53 times the total rounds to less than the total, so that a token always exceeds it.
    target = uniforms * cumulative[:, -1]
    return torch.searchsorted(cumulative, target[:, None], right=True)[:, 0]


def steered(scores: Tensor, tokens: Tensor, decoding: Decoding) -> Tensor:
    """Return ``scores`` (..., V) of the next token after ``tokens`` (..., T): `penalised`, and minus infinity for banned tokens."""
    return without(penalised(scores, tokens, decoding.repetition_penalty), decoding.banned)


def without(scores: Tensor, banned: Sequence[int]) -> Tensor:
    """Return ``scores`` (..., V) with minus infinity for banned tokens."""
    if not banned:
        return scores
    allowed_scores = scores.clone()
    for token in banned:
        allowed_scores.select(-1, token).fill_(-math.inf)
    return allowed_scores


def penalised(scores: Tensor, tokens: Tensor, penalty: float) -> Tensor:
    """Return ``scores`` (..., V) with those of ``tokens`` (..., T) divided by ``penalty`` where positive and multiplied where negative.

    Keskar et al. (2019), CTRL, section 4.1, in the form that `transformers` gave it: it also holds for scores below zero.
    """
    if penalty == 1.0:
        return scores
    token_scores = scores.gather(-1, tokens)
    return scores.scatter(-1, tokens, torch.where(token_scores < 0, token_scores * penalty, token_scores / penalty))
