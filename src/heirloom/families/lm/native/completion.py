"""Completing prompts of unequal length with a Llama: padding before them is never seen, and a row that has stopped makes no more work.

Prompts end in the same place, so that all rows write into the same slot of keys and values; what attention sees are distances, which
padding before a prompt does not change. Once a quarter of the rows has stopped, the others go on in matrices of their own.

Legend of shapes: B rows, P tokens of the longest prompt, S slots: P and the tokens to come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heirloom.data import ragged
from heirloom.data.pairs import Limit
from heirloom.errors import HeirloomError
from heirloom.families.lm.decoding import Decoding, draw_tokens, steered
from heirloom.families.lm.native.generation import PREFILL_ROWS, Decoder, check_finite, decode, prefill, room
from heirloom.families.lm.native.model import Llama, rotary
from heirloom.families.lm.native.rotary import Rotary
from heirloom.specs.decoding import Precision

SHRINKS_AT = 0.75  # share of the rows that are still writing


@dataclass(frozen=True)
class Sheet:
    """The rows that are being written, and what their next steps read; rows that have stopped are left out now and then.

    Parameters
    ----------
    rows
        Their numbers among all rows, (B,).
    tokens
        Prompts and completions, (B, S); before a prompt and where nothing is written yet stands a token that the row holds anyway, because
        the tokens of a row are penalised.
    hidden
        Minus infinity where padding is, and 0 elsewhere, (B, 1, 1, S).
    ring
        Keys and values, (layer, 2, B, KV, S, D).
    is_writing
        Which of the rows have not stopped, (B,).
    """

    rows: Tensor
    tokens: Tensor
    hidden: Tensor
    ring: Tensor
    is_writing: Tensor

    @classmethod
    def of(cls, model: Decoder, prompts: Tensor, is_token: Tensor, num_new: int) -> Sheet:
        """Return the sheet before the first token is written."""
        num_rows, num_prompt = prompts.shape
        hidden = torch.zeros(num_rows, 1, 1, num_prompt + num_new, device=prompts.device)
        hidden[:, 0, 0, :num_prompt].masked_fill_(~is_token, -torch.inf)
        return cls(
            rows=torch.arange(num_rows, device=prompts.device),
            tokens=torch.cat([prompts, prompts[:, -1:].expand(-1, num_new)], dim=1),
            hidden=hidden,
            ring=room(model, num_rows, num_prompt + num_new),
            is_writing=torch.ones(num_rows, dtype=torch.bool, device=prompts.device),
        )

    def without_stopped_rows(self) -> Sheet:
        """Return the sheet with the rows that are still writing, if the others are many."""
        if float(self.is_writing.float().mean()) > SHRINKS_AT:
            return self
        rows, tokens, hidden = (values[self.is_writing] for values in (self.rows, self.tokens, self.hidden))
        return Sheet(rows, tokens, hidden, self.ring[:, :, self.is_writing], self.is_writing[self.is_writing])


@torch.inference_mode()
def complete_prompts(
    model: Llama,
    prompts_BP: NDArray[Any],
    limit: Limit,
    uniforms_BC: NDArray[np.float64],
    decoding: Decoding,
    precision: Precision = "float32",
) -> NDArray[np.int32]:
    """Complete each prompt up to an end token, or to the limit.

    Parameters
    ----------
    prompts_BP
        Token ids, padding before each prompt, (B, P).
    uniforms_BC
        Numbers in [0, 1), one for each token to come, (B, C).
    decoding, precision
        As of `generation.continue_prompts`.

    Returns
    -------
    array of shape (B, at most C), padding behind each completion

    Raises
    ------
    HeirloomError
        If a prompt and its completion are longer than the context, or the logits are not numbers.
    """
    num_rows, num_prompt = prompts_BP.shape
    check_context(model, num_prompt, limit.tokens)
    decoder, device = Decoder.of(model, precision), model.device
    prompts, is_token = (torch.from_numpy(part).to(device) for part in ragged.fed(prompts_BP))
    draws, stops = torch.from_numpy(np.ascontiguousarray(uniforms_BC)).to(device), torch.tensor(limit.stops, device=device)
    sheet = Sheet.of(decoder, prompts, is_token, limit.tokens)
    written = torch.full((num_rows, limit.tokens), ragged.PADDING, dtype=torch.int64, device=device)
    turns = rotary(model.shape, 0, num_prompt + limit.tokens, device)
    logits = read_padded(decoder, prompts, is_token, sheet.ring)
    for number in range(limit.tokens):
        position = num_prompt + number
        check_finite(logits, number)
        scores = steered(logits, sheet.tokens[:, :position], decoding)
        new_tokens = draw_tokens(scores, draws[sheet.rows, number], decoding)
        sheet.tokens[:, position] = new_tokens
        written[sheet.rows[sheet.is_writing], number] = new_tokens[sheet.is_writing]
        sheet = replace(sheet, is_writing=sheet.is_writing & ~torch.isin(new_tokens, stops))
        if number + 1 == limit.tokens or not bool(sheet.is_writing.any()):
            break
        sheet = sheet.without_stopped_rows()
        logits = _next_logits(decoder, sheet, turns, position)
    return written[:, : number + 1].cpu().numpy().astype(np.int32)


def check_context(model: Llama, num_prompt: int, num_new: int) -> None:
    """Raise unless a prompt and its completion fit the context."""
    if num_prompt + num_new > model.shape.context_tokens:
        raise HeirloomError(f"a prompt of {num_prompt} tokens and {num_new} more do not fit the context, {model.shape.context_tokens}")


def _next_logits(model: Decoder, sheet: Sheet, turns: Rotary, position: int) -> Tensor:
    """Read the tokens at a position into the ring, and return the logits (B, V) of the next ones."""
    cosine, sine = turns
    turn, num_slots = (cosine[position, None], sine[position, None]), position + 1
    ring, hidden = sheet.ring[..., :num_slots, :], sheet.hidden[..., :num_slots]
    return decode(model, sheet.tokens[:, position, None], turn, ring, slice(position, num_slots), hidden)


def read_padded(model: Decoder, prompts: Tensor, is_token: Tensor, ring: Tensor) -> Tensor:
    """Fill the ring from the prompts (B, P), and return the logits (B, V) after their last tokens; a place of padding sees itself alone."""
    places = torch.arange(prompts.shape[1], device=prompts.device)
    itself = torch.eye(len(places), dtype=torch.bool, device=prompts.device)
    states = []
    blocks = zip(*(torch.split(part, PREFILL_ROWS) for part in (prompts, is_token)), torch.split(ring, PREFILL_ROWS, dim=2), strict=True)
    for rows, are_tokens, ring_rows in blocks:
        visible = (places[:, None] >= places) & are_tokens[:, None, None, :] | itself
        states.append(prefill(model, rows, visible, ring_rows))
    return model.output(torch.cat(states))[:, -1]
