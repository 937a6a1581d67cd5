"""Sample from any causal language model: `transformers` generates, and each new token is drawn by numbers keyed by row.

One path for all decodings: the library's own loop takes the likeliest token; for random draws, a last processor of the logits leaves
only the token that the row's own uniform number points at. A Llama may be written with by the project's own engine instead (`native`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from heirloom.errors import HeirloomError
from heirloom.families.lm.decoding import Decoding, Writer, draw_tokens
from heirloom.families.lm.library.llama import llama
from heirloom.families.lm.library.model import CausalLM
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


def banned(model: CausalLM, settings: CausalSampling) -> tuple[int, ...]:
    """Return the tokens that are never written."""
    return tuple(model.end_ids) if settings.ban_end else ()


def _continue(
    model: CausalLM, settings: CausalSampling, context_BT: NDArray[Any], num_new: int, uniforms_BN: NDArray[np.float64]
) -> NDArray[np.int32]:
    """Write exactly ``num_new`` tokens: an end token is banned, or is a token like any other."""
    no_token = model.vocab_size  # an id left out would be filled in from the model
    ends = (settings.ban_end and model.end_ids) or [no_token]
    fewest = {"min_new_tokens": num_new} if settings.ban_end else {}
    padding = model.module.generation_config.pad_token_id
    length = {"max_new_tokens": num_new, "eos_token_id": ends, "pad_token_id": padding, **fewest}
    return generated(model, settings, context_BT, np.ones(context_BT.shape, bool), uniforms_BN, length)


@torch.inference_mode()
def generated(
    model: CausalLM,
    settings: CausalSampling,
    context_BT: NDArray[Any],
    is_token_BT: NDArray[np.bool_],
    uniforms_BN: NDArray[np.float64],
    length: Mapping[str, Any],
) -> NDArray[np.int32]:
    """Return what `transformers` writes after each context, (B, at most N).

    Parameters
    ----------
    is_token_BT
        Which of the context's places are tokens, and no padding.
    uniforms_BN
        Numbers in [0, 1), one for each new token, which beams leave unused.
    length
        What `GenerationConfig` is told of lengths and of the tokens that end and fill a row.
    """
    module, num_prompt = model.module, context_BT.shape[1]
    context, is_token = (torch.from_numpy(part.astype(np.int64)).to(module.device) for part in (context_BT, is_token_BT))
    processors: list[LogitsProcessor] = [Finite()]
    if settings.beams == 1:
        processors.append(Draw(torch.from_numpy(uniforms_BN).to(module.device), num_prompt, Decoding.of(settings)))
    choice = {"num_beams": settings.beams, "do_sample": False, "repetition_penalty": settings.repetition_penalty}
    with torch.autocast(module.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
        written = module.generate(
            input_ids=context,
            attention_mask=is_token,
            generation_config=GenerationConfig(**choice, **length),
            logits_processor=LogitsProcessorList(processors),
        )
    new_tokens: NDArray[np.int32] = written[:, num_prompt:].cpu().numpy().astype(np.int32)
    return new_tokens
