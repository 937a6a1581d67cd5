"""Completing prompts of unequal length with a Llama: padding before them is never seen, and a row that has stopped makes no more work.

Prompts end in the same place, so that all rows write into the same slot of keys and values; what attention sees are distances, which
padding before a prompt does not change. Once a quarter of the rows has stopped, the others go on in matrices of their own.

Legend of shapes: B rows, P tokens of the longest prompt, S slots: P and the tokens to come.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from heirloom.data.pairs import Limit
from heirloom.data.ragged import PADDING
from heirloom.errors import HeirloomError
from heirloom.families.lm.decoding import Decoding, draw_tokens, steered
from heirloom.families.lm.native.generation import PREFILL_ROWS, Decoder, check_finite, decode, room
from heirloom.families.lm.native.model import Llama, complete, project, rotary
from heirloom.specs.decoding import Precision

SHRINKS_AT = 0.75  # share of the rows that are still writing


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
    if num_prompt + limit.tokens > model.shape.context_tokens:
        raise HeirloomError(f"a prompt of {num_prompt} tokens and {limit.tokens} more do not fit the context, {model.shape.context_tokens}")
    decoder, device = Decoder.of(model, precision), model.device
    is_token = torch.from_numpy(prompts_BP != PADDING).to(device)
    tokens = torch.from_numpy(np.where(prompts_BP == PADDING, prompts_BP[:, -1:], prompts_BP).astype(np.int64)).to(device)
    tokens = torch.cat([tokens, tokens[:, -1:].expand(-1, limit.tokens)], dim=1)  # what is in a row already is penalised alone
    hidden = torch.zeros(num_rows, 1, 1, num_prompt + limit.tokens, device=device)
    hidden[:, 0, 0, :num_prompt].masked_fill_(~is_token, -torch.inf)
    draws, stops = torch.from_numpy(np.ascontiguousarray(uniforms_BC)).to(device), torch.tensor(limit.stops, device=device)
    written = torch.full((num_rows, limit.tokens), PADDING, dtype=torch.int64, device=device)
    ring, rows = room(decoder, num_rows, num_prompt + limit.tokens), torch.arange(num_rows, device=device)
    cosine, sine = rotary(model.shape, 0, num_prompt + limit.tokens, device)
    is_writing = torch.ones(num_rows, dtype=torch.bool, device=device)
    logits = _read_prompts(decoder, tokens[:, :num_prompt], is_token, ring)
    for number in range(limit.tokens):
        position = num_prompt + number
        check_finite(logits, number)
        new_tokens = draw_tokens(steered(logits, tokens[:, :position], decoding), draws[rows, number], decoding)
        tokens[:, position] = new_tokens
        written[rows[is_writing], number] = new_tokens[is_writing]
        is_writing = is_writing & ~torch.isin(new_tokens, stops)
        if number + 1 == limit.tokens or not bool(is_writing.any()):
            break
        if float(is_writing.float().mean()) <= SHRINKS_AT:
            rows, tokens, hidden, new_tokens = (values[is_writing] for values in (rows, tokens, hidden, new_tokens))
            ring, is_writing = ring[:, :, is_writing], is_writing[is_writing]
        turn = (cosine[position, None], sine[position, None])
        filled_ring, filled_hidden = ring[..., : position + 1, :], hidden[..., : position + 1]
        logits = decode(decoder, new_tokens[:, None], turn, filled_ring, slice(position, position + 1), filled_hidden)
    return written[:, : number + 1].cpu().numpy().astype(np.int32)


def _read_prompts(model: Decoder, prompts: Tensor, is_token: Tensor, ring: Tensor) -> Tensor:
    """Fill the ring from the prompts (B, P), and return the logits (B, V) after their last tokens."""
    blocks = zip(*(torch.split(part, PREFILL_ROWS) for part in (prompts, is_token)), torch.split(ring, PREFILL_ROWS, dim=2), strict=True)
    states = torch.cat([_prefill(model, *block) for block in blocks])
    return model.output(states)[:, -1]


def _prefill(model: Decoder, prompts: Tensor, is_token: Tensor, ring: Tensor) -> Tensor:
    """Fill the ring from the prompts and return the last position's hidden state (B, 1, E); a place of padding sees itself alone."""
    num_prompt = prompts.shape[1]
    turn = rotary(model.shape, 0, num_prompt, prompts.device)
    places = torch.arange(num_prompt, device=prompts.device)
    visible = (places[:, None] >= places) & is_token[:, None, None, :] | torch.eye(num_prompt, dtype=torch.bool, device=prompts.device)
    shares_keys = model.shape.kv_heads < model.shape.num_heads
    x = F.embedding(prompts, model.embedding)
    for layer, memory in zip(model.stack, ring, strict=True):
        queries, keys, values = project(model.shape, layer, x, turn)
        memory[0][:, :, :num_prompt] = keys
        memory[1][:, :, :num_prompt] = values
        if layer is model.stack[-1]:  # nothing reads the earlier positions any more
            queries, visible, x = queries[:, :, -1:], visible[:, :, -1:], x[:, -1:]
        attended = F.scaled_dot_product_attention(queries, keys, values, attn_mask=visible, enable_gqa=shares_keys)
        x = complete(model.shape, layer, x, attended)
    return x
