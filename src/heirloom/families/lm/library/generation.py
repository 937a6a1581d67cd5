"""Sample from any causal language model: `transformers` generates, and each new token is drawn by numbers keyed by row.

One path for all decodings: the library's own loop takes the likeliest token; for random draws, a last processor of the logits leaves
only the token that the row's own uniform number points at. A Llama may be written with by the project's own engine instead (`native`).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from heirloom.data.pairs import Limit
from heirloom.data.ragged import PADDING
from heirloom.errors import HeirloomError
from heirloom.families.lm.completion import Responder, filled
from heirloom.families.lm.decoding import Decoding, Writer, draw_tokens
from heirloom.families.lm.library.llama import llama
from heirloom.families.lm.library.model import CausalLM
from heirloom.families.lm.native import completion as native_completion
from heirloom.families.lm.native import writer as native
from heirloom.specs.causal_lm import CausalSampling


class Draw(LogitsProcessor):  # type: ignore[misc]
    """Leave one token a row: the one that the row's uniform number of this step points at.

    Parameters
    ----------
    uniforms_BN
        Numbers in [0, 1), one for each new token.
    prompt_tokens
        Tokens before the first new one.
    """

    def __init__(self, uniforms_BN: Tensor, prompt_tokens: int, decoding: Decoding) -> None:
        self.uniforms_BN, self.prompt_tokens, self.decoding = uniforms_BN, prompt_tokens, decoding

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return scores (B, V) that are 0 for the drawn token and minus infinity for all others."""
        step = input_ids.shape[1] - self.prompt_tokens
        drawn_B = draw_tokens(scores, self.uniforms_BN[:, step], self.decoding)
        return torch.full_like(scores, -torch.inf).scatter_(1, drawn_B[:, None], 0.0)


class Finite(LogitsProcessor):  # type: ignore[misc]
    """Refuse logits that are no numbers."""

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores as they are."""
        if not bool(torch.isfinite(scores.amax(dim=-1)).all()):  # one NaN makes the largest NaN
            raise HeirloomError("the logits of a new token are not finite: the model's weights are not usable")
        return scores


def writer(model: CausalLM, settings: CausalSampling) -> Writer:
    """Return what continues prompts (B, P) by N tokens, given uniforms (B, N), which beams leave unused."""
    if settings.engine == "native":
        return native.writer(llama(model), settings, banned(model, settings))
    return partial(_continue, model, settings)


def responder(model: CausalLM, settings: CausalSampling) -> Responder:
    """Return what completes prompts until an end token; ``ban_end`` is for rows of a fixed length."""
    if settings.engine == "native":
        return native_completion.responder(llama(model), settings)
    return partial(_complete, model, settings)


def banned(model: CausalLM, settings: CausalSampling) -> tuple[int, ...]:
    """Return the tokens that are never written."""
    return tuple(model.end_ids) if settings.ban_end else ()


@torch.inference_mode()
def _continue(
    model: CausalLM, settings: CausalSampling, context_BT: NDArray[Any], num_new: int, uniforms_BN: NDArray[np.float64]
) -> NDArray[np.int32]:
    context_BT = context_BT.astype(np.int64)
    no_token = model.vocab_size  # an id left out would be filled in from the model
    ends = {"min_new_tokens": num_new if settings.ban_end else None, "eos_token_id": (settings.ban_end and model.end_ids) or [no_token]}
    return _generated(model, settings, context_BT, np.ones_like(context_BT), uniforms_BN, max_new_tokens=num_new, **ends)


@torch.inference_mode()
def _complete(
    model: CausalLM, settings: CausalSampling, prompts_BP: NDArray[Any], limit: Limit, uniforms_BN: NDArray[np.float64]
) -> NDArray[np.int32]:
    mask_BP, ends = (prompts_BP != PADDING).astype(np.int64), {"eos_token_id": list(limit.stops)}
    written_BC = _generated(model, settings, filled(prompts_BP), mask_BP, uniforms_BN, max_new_tokens=limit.tokens, **ends)
    is_stop_BC = np.isin(written_BC, limit.stops)
    return np.where(is_stop_BC.cumsum(axis=1) > is_stop_BC, PADDING, written_BC).astype(np.int32)


def _generated(
    model: CausalLM,
    settings: CausalSampling,
    context_BT: NDArray[np.int64],
    mask_BT: NDArray[np.int64],
    uniforms_BN: NDArray[np.float64],
    **limits: Any,
) -> NDArray[np.int32]:
    """Return the new tokens that the library writes after contexts, of which the mask (0 or 1) shows a part."""
    module, width = model.module, context_BT.shape[1]
    processors: list[LogitsProcessor] = [Finite()]
    if settings.beams == 1:
        processors.append(Draw(torch.from_numpy(uniforms_BN).to(module.device), width, Decoding.of(settings)))
    generation = GenerationConfig(
        pad_token_id=module.generation_config.pad_token_id,
        num_beams=settings.beams,
        do_sample=False,
        repetition_penalty=settings.repetition_penalty,
        **limits,
    )
    with torch.autocast(module.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
        written = module.generate(
            input_ids=torch.from_numpy(context_BT).to(module.device),
            attention_mask=torch.from_numpy(mask_BT).to(module.device),
            generation_config=generation,
            logits_processor=LogitsProcessorList(processors),
        )
    new_tokens: NDArray[np.int32] = written[:, width:].cpu().numpy().astype(np.int32)
    return new_tokens
