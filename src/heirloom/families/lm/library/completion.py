"""Completing prompts of unequal length with any causal language model: `transformers` generates behind padding, and stops."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.data import ragged
from heirloom.data.pairs import Limit
from heirloom.families.lm.library.generation import generated
from heirloom.families.lm.library.model import CausalLM
from heirloom.specs.causal_lm import CausalSampling


def complete_prompts(
    model: CausalLM, settings: CausalSampling, prompts_BP: NDArray[Any], limit: Limit, uniforms_BC: NDArray[np.float64]
) -> NDArray[np.int32]:
    """Complete each prompt up to an end token, or to the limit: shape (B, at most C), padding behind.

    Parameters
    ----------
    prompts_BP
        Token ids, padding before each prompt, (B, P).
    uniforms_BC
        Numbers in [0, 1), one for each token to come, (B, C).
    """
    length = {"max_new_tokens": limit.tokens, "eos_token_id": list(limit.stops), "pad_token_id": limit.stops[0]}
    written = generated(model, settings, *ragged.fed(prompts_BP), uniforms_BC, length)
    is_stop = np.isin(written, limit.stops)
    is_behind = np.cumsum(is_stop, axis=1) - is_stop > 0
    return np.where(is_behind, np.int32(ragged.PADDING), written)
