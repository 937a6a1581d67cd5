"""Sample from a transformer: continue each prompt, chunk by full chunk, by random numbers keyed by row id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.families.transformer import beams, generation, static
from heirloom.families.transformer.decoding import Decoding, Writer
from heirloom.families.transformer.model import Llama
from heirloom.runtime import memory
from heirloom.runtime.streams import Stream
from heirloom.specs.decoding import Decoding as Settings


def sample(
    model: Llama,
    prompts: Iterable[NDArray[Any]] | None,
    num_rows: int,
    settings: Settings,
    stream: Stream,
) -> Iterator[NDArray[np.int32]]:
    """Yield a continuation of each prompt, as long as the prompt: drawn, or the best that a beam search finds."""
    write = writer(model, settings)
    for number, prompts_BT in enumerate(prompts or ()):
        num_prompts, width = prompts_BT.shape
        context_BT = prompts_BT[:, :1] if settings.prompts == "none" else prompts_BT
        with memory.guard("sampling", "chunk_rows or sampling.beams"):
            yield write(context_BT, width, stream.child("tokens").uniforms(number * num_prompts, num_prompts, width))


def writer(model: Llama, settings: Settings, banned: tuple[int, ...] = ()) -> Writer:
    """Return what continues prompts (B, P) by N tokens, given uniforms (B, N), which beams leave unused. No ``banned`` token is written."""
    precision = settings.precision
    decoding = Decoding(settings.temperature, settings.top_k or 0, settings.top_p or 1.0, settings.repetition_penalty, banned)
    if settings.beams > 1:
        return lambda prompts, num_new, _: beams.search(model, prompts, num_new, settings.beams, decoding, precision)
    if model.device.type == "cuda":
        return static.writer(model, decoding, precision)
    return partial(generation.continue_prompts, model, decoding=decoding, precision=precision)
