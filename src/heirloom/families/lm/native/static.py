"""Sampling in steps that are all alike, for a GPU: a step's position is a number in a tensor, and no shape depends on it.

A small model's step is some hundred kernels of a few microseconds each: to launch them takes longer than to run them, unless the whole step
is captured once and replayed (`replay`). Every step reads the whole ring of keys and values, under a mask, and writes its token in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heirloom.errors import HeirloomError
from heirloom.families.lm.decoding import Decoding, Writer, draw_tokens, steered
from heirloom.families.lm.native.generation import Decoder, check_prompts, check_uniforms, decode, read_prompts, room
from heirloom.families.lm.native.model import Llama, rotary
from heirloom.families.lm.native.replay import Work, captured
from heirloom.families.lm.native.rotary import Rotary
from heirloom.specs.decoding import Precision


@dataclass(frozen=True)
class Desk:
    """What the steps of a continuation read and write, at places in memory that stay.

    Parameters
    ----------
    tokens
        Prompts and new tokens, (B, T). A place not yet written holds the row's first token, which changes no penalty.
    uniforms
        Numbers in [0, 1), (B, N), one for each new token.
    position
        Place of the token that is written next, (1,).
    finite
        Whether all logits so far were numbers, ().
    turns
        Cosines and sines of all positions, (T, D) each.
    ring
        Keys and values, (layer, 2, B, KV, S, D).
    """

    tokens: Tensor
    uniforms: Tensor
    position: Tensor
    finite: Tensor
    turns: Rotary
    ring: Tensor

    @classmethod
    def of(cls, model: Decoder, num_rows: int, num_prompt: int, num_new: int) -> Desk:
        """Return an empty desk; its position is that of the first new token."""
        device, length = model.embedding.device, num_prompt + num_new
        return cls(
            tokens=torch.zeros((num_rows, length), dtype=torch.int64, device=device),
            uniforms=torch.zeros((num_rows, num_new), dtype=torch.float64, device=device),
            position=torch.full((1,), num_prompt, device=device),
            finite=torch.ones((), dtype=torch.bool, device=device),
            turns=rotary(model.shape, 0, length, device),
            ring=room(model, num_rows, min(model.shape.context_tokens, length)).zero_(),  # all of it is read, under a mask
        )


def writer(model: Llama, decoding: Decoding, precision: Precision = "float32", repeat: Callable[[Work], Work] = captured) -> Writer:
    """Return what continues prompts as `generation.continue_prompts` does, made ready once for many chunks of one shape.

    Parameters
    ----------
    repeat
        Makes a step into one that can be taken many times.

    Raises
    ------
    HeirloomError
        As `generation.continue_prompts` does, when the writer is called.
    """
    decoder = Decoder.of(model, precision)

    @lru_cache(maxsize=1)
    def prepare(num_rows: int, num_prompt: int, num_new: int) -> tuple[Desk, Work]:
        desk = Desk.of(decoder, num_rows, num_prompt, num_new)
        return desk, repeat(partial(step, decoder, desk, decoding))

    @torch.inference_mode()
    def write(prompts: NDArray[np.integer], num_new: int, uniforms: NDArray[np.float64]) -> NDArray[np.int32]:
        check_prompts(model, prompts, num_new)
        check_uniforms(uniforms, prompts, num_new)
        num_prompt = prompts.shape[1]
        desk, next_step = prepare(len(prompts), num_prompt, num_new)
        _lay_out(desk, prompts, uniforms)
        write_token(desk, read_prompts(decoder, desk.tokens[:, :num_prompt], desk.ring), decoding)
        for position in range(num_prompt + 1, num_prompt + num_new):
            desk.position.fill_(position)
            next_step()
        if not bool(desk.finite):
            raise HeirloomError("the logits of a new token are not finite: the model's weights are not usable")
        return desk.tokens[:, num_prompt:].cpu().numpy().astype(np.int32)

    return write


def step(model: Decoder, desk: Desk, decoding: Decoding) -> None:
    """Read the token before the desk's position and write the one at it."""
    write_token(desk, next_logits(model, desk), decoding)


def next_logits(model: Decoder, desk: Desk) -> Tensor:
    """Read the token before the desk's position into the ring and return the logits (B, V) of the one at it."""
    previous = desk.position - 1
    slots = torch.arange(desk.ring.shape[-2], device=previous.device)
    hidden = torch.zeros(slots.shape, device=previous.device).masked_fill(slots > previous, -math.inf)
    cosine, sine = desk.turns
    turn = (cosine.index_select(0, previous), sine.index_select(0, previous))
    token = desk.tokens.index_select(1, previous)
    return decode(model, token, turn, desk.ring, previous % len(slots), hidden[None, None, None])


def write_token(desk: Desk, logits: Tensor, decoding: Decoding) -> None:
    """Draw each row's next token from its logits (B, V) and write it at the desk's position."""
    is_number = torch.isfinite(logits.amax(dim=-1, keepdim=True))  # one NaN makes the largest NaN
    desk.finite.logical_and_(is_number.all())
    usable = logits.masked_fill(~is_number, 0.0)  # a draw from NaN would point outside the vocabulary, which ends a process with a GPU
    num_prompt = desk.tokens.shape[1] - desk.uniforms.shape[1]
    uniform = desk.uniforms.index_select(1, desk.position - num_prompt)[:, 0]
    token = draw_tokens(steered(usable, desk.tokens, decoding), uniform, decoding)
    desk.tokens.index_copy_(1, desk.position, token[:, None])


def _lay_out(desk: Desk, prompts: NDArray[np.integer], uniforms: NDArray[np.float64]) -> None:
    prompt_tokens = torch.from_numpy(prompts.astype(np.int64))
    desk.tokens.copy_(prompt_tokens[:, :1].expand_as(desk.tokens))
    desk.tokens[:, : prompts.shape[1]].copy_(prompt_tokens)
    desk.uniforms.copy_(torch.from_numpy(np.ascontiguousarray(uniforms, dtype=np.float64)))
    desk.position.fill_(prompts.shape[1])
    desk.finite.fill_(True)
