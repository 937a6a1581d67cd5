"""Completing prompts of unequal length with a Llama: padding before a prompt has a slot of its own, which no token reads.

All rows of a chunk share their positions. Keys are turned by position, and attention sees distances alone, so that the padding before a
row moves it and changes nothing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heirloom.data.pairs import Limit
from heirloom.data.ragged import PADDING
from heirloom.errors import HeirloomError
from heirloom.families.lm.completion import Responder, filled
from heirloom.families.lm.decoding import Decoding, draw_tokens, steered
from heirloom.families.lm.native.generation import Decoder, check_finite, decode, read_prompts, room
from heirloom.families.lm.native.model import Llama, rotary
from heirloom.specs.decoding import Decoding as Settings


def responder(model: Llama, settings: Settings) -> Responder:
    """Return what completes prompts, made ready once for many chunks.

    Raises
    ------
    HeirloomError
        If a search by beams is asked for; or, when the responder is called, if a prompt and its completion do not fit the context.
    """
    if settings.beams > 1:
        raise HeirloomError("sampling.beams: the native engine completes pairs by draws alone; set beams to 1, or engine: transformers")
    decoder, decoding = Decoder.of(model, settings.precision), Decoding.of(settings)

    @torch.inference_mode()
    def respond(prompts: NDArray[Any], limit: Limit, uniforms: NDArray[np.float64]) -> NDArray[np.int32]:
        length = prompts.shape[1] + limit.tokens
        if length > model.shape.context_tokens:
            raise HeirloomError(
                f"a prompt and its completion have {length} tokens, but the model's context is {model.shape.context_tokens}"
            )
        is_padding = torch.from_numpy(prompts == PADDING).to(model.device)
        tokens = torch.from_numpy(filled(prompts)).to(model.device)
        draws = torch.from_numpy(np.ascontiguousarray(uniforms)).to(model.device)
        return _completions(decoder, tokens, is_padding, limit, draws, decoding).cpu().numpy().astype(np.int32)

    return respond


def _completions(decoder: Decoder, tokens: Tensor, is_padding: Tensor, limit: Limit, draws: Tensor, decoding: Decoding) -> Tensor:
    """Return the completions (B, C) of prompts (B, P)."""
    num_prompt, length = tokens.shape[1], tokens.shape[1] + limit.tokens
    memory = room(decoder, len(tokens), length)
    hidden = torch.zeros((len(tokens), length), device=tokens.device)
    hidden[:, :num_prompt].masked_fill_(is_padding, -math.inf)
    stops, has_stopped = torch.tensor(limit.stops, device=tokens.device), is_padding.new_zeros(len(tokens))
    cosine, sine = rotary(decoder.shape, 0, length, tokens.device)
    logits = read_prompts(decoder, tokens, memory[..., :num_prompt, :], is_padding)
    written = []
    for position in range(num_prompt, length):
        check_finite(logits, position - num_prompt)
        token = draw_tokens(steered(logits, tokens, decoding), draws[:, position - num_prompt], decoding)
        written.append(torch.where(has_stopped, PADDING, token))
        has_stopped = has_stopped | torch.isin(token, stops)
        if position == length - 1 or bool(has_stopped.all()):
            break
        tokens = torch.cat([tokens, token[:, None]], dim=1)
        turn, filled_slots = (cosine[position, None], sine[position, None]), slice(position + 1)
        slot, mask = slice(position, position + 1), hidden[:, None, None, filled_slots]
        logits = decode(decoder, token[:, None], turn, memory[..., filled_slots, :], slot, mask)
    return torch.stack(written, dim=1)
