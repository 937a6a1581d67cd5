"""Completing prompts of unequal length with any causal language model: `transformers` generates behind padding, and stops."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from heirloom.data import ragged
from heirloom.data.pairs import Limit
from heirloom.families.lm.decoding import Decoding
from heirloom.families.lm.library.generation import Draw, Finite
from heirloom.families.lm.library.model import CausalLM
from heirloom.specs.causal_lm import CausalSampling


@torch.inference_mode()
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
    module, num_prompt = model.module, prompts_BP.shape[1]
    context, is_token = (torch.from_numpy(part).to(module.device) for part in ragged.fed(prompts_BP))
    processors: list[LogitsProcessor] = [Finite()]
    if settings.beams == 1 and settings.temperature > 0:
        processors.append(Draw(torch.from_numpy(uniforms_BC).to(module.device), num_prompt, Decoding.of(settings)))
    with torch.autocast(module.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
        sequences = module.generate(
            input_ids=context,
            attention_mask=is_token.long(),
            generation_config=GenerationConfig(
                max_new_tokens=limit.tokens,
                eos_token_id=list(limit.stops),
                pad_token_id=limit.stops[0],
                num_beams=settings.beams,
                do_sample=False,
                repetition_penalty=settings.repetition_penalty,
            ),
            logits_processor=LogitsProcessorList(processors),
        )
    written = sequences[:, num_prompt:].cpu().numpy().astype(np.int32)
    is_stop = np.isin(written, limit.stops)
    is_behind = np.cumsum(is_stop, axis=1) - is_stop > 0
    return np.where(is_behind, np.int32(ragged.PADDING), written)
