"""Sample from any causal language model: `transformers` generates, and each new token is drawn by numbers keyed by row.

One path for all decodings: the library's own loop takes the likeliest token; for random draws, a last processor of the logits leaves
only the token that the row's own uniform number points at. A Llama may be written with by the project's own engine instead (`native`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from heirloom.errors import HeirloomError
from heirloom.families import minibatches
from heirloom.families.causal_lm import native
from heirloom.families.causal_lm.model import CausalLM, check_context, check_tokens
from heirloom.families.transformer.decoding import Decoding, Writer, draw_tokens
from heirloom.families.transformer.sample import writer
from heirloom.runtime import memory
from heirloom.runtime.streams import Stream
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


def sample(
    model: CausalLM,
    prompts: Iterable[NDArray[Any]] | None,
    num_rows: int,
    settings: CausalSampling,
    stream: Stream,
) -> Iterator[NDArray[np.int32]]:
    """Yield a continuation of each prompt, exactly as long as the prompt.

    Raises
    ------
    HeirloomError
        If prompt and continuation do not fit the model's context, a token is outside the vocabulary, logits are not finite, or memory
        runs out.
    """
    minibatches.use_deterministic_kernels()
    write = _writer(model, settings)
    for number, prompts_BT in enumerate(prompts or ()):
        num_prompts, width = prompts_BT.shape
        context_BT = np.full((num_prompts, 1), model.start_id) if settings.prompts == "none" else prompts_BT
        check_tokens(model, context_BT, "prompts")
        check_context(model, context_BT.shape[1] + width, "a prompt and its continuation")
        uniforms_BT = stream.child("tokens").uniforms(number * num_prompts, num_prompts, width)
        with memory.guard("sampling", "chunk_rows or sampling.beams"):
            yield write(context_BT, width, uniforms_BT)


def _writer(model: CausalLM, settings: CausalSampling) -> Writer:
    if settings.engine == "native":
        return writer(native.llama(model), settings, tuple(model.end_ids) if settings.ban_end else ())
    return partial(_continue, model, settings)


@torch.inference_mode()
def _continue(
    model: CausalLM, settings: CausalSampling, context_BT: NDArray[Any], num_new: int, uniforms_BN: NDArray[np.float64]
) -> NDArray[np.int32]:
    module = model.module
    context = torch.from_numpy(context_BT.astype(np.int64)).to(module.device)
    processors: list[LogitsProcessor] = [Finite()]
    if settings.beams == 1:
        decoding = Decoding(settings.temperature, settings.top_k or 0, settings.top_p or 1.0)
        processors.append(Draw(torch.from_numpy(uniforms_BN).to(module.device), context.shape[1], decoding))
    with torch.autocast(module.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"):
        written = module.generate(
            input_ids=context,
            attention_mask=torch.ones_like(context),
            generation_config=_generation(model, num_new, settings),
            logits_processor=LogitsProcessorList(processors),
        )
    new_tokens: NDArray[np.int32] = written[:, context.shape[1] :].cpu().numpy().astype(np.int32)
    return new_tokens


def _generation(model: CausalLM, num_new: int, settings: CausalSampling) -> GenerationConfig:
    """Return how `transformers` is to generate exactly ``num_new`` tokens: an end token is banned, or is a token like any other."""
    no_token = model.vocab_size  # an id left out would be filled in from the model
    return GenerationConfig(
        max_new_tokens=num_new,
        min_new_tokens=num_new if settings.ban_end else None,
        eos_token_id=(settings.ban_end and model.end_ids) or [no_token],
        pad_token_id=model.module.generation_config.pad_token_id,
        num_beams=settings.beams,
        do_sample=False,
        repetition_penalty=settings.repetition_penalty,
    )
