"""Sample from a language model: continue each prompt, chunk by full chunk, by random numbers keyed by row id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom.families.lm.decoding import Writer
from heirloom.families.lm.network import Network, check_length, check_tokens
from heirloom.runtime import memory
from heirloom.runtime.streams import Stream
from heirloom.specs.decoding import Decoding


def sample(
    network: Network, write: Writer, prompts: Iterable[NDArray[Any]] | None, settings: Decoding, stream: Stream
) -> Iterator[NDArray[np.int32]]:
    """Yield a continuation of each prompt, by default as long as the prompt: drawn, or the best that a beam search finds.

    Parameters
    ----------
    write
        What continues prompts with the network.

    Raises
    ------
    HeirloomError
        If prompt and continuation do not fit the model's context, a token is outside the vocabulary, logits are not finite, or memory
        runs out.
    """
    for number, prompts_BT in enumerate(prompts or ()):
        num_prompts, width = prompts_BT.shape
        context_BT = np.full((num_prompts, 1), network.start_id) if settings.prompts == "none" else prompts_BT
        num_new = settings.new_tokens or width
        with memory.guard("sampling", "chunk_rows or sampling.beams"):
            uniforms_BN = stream.child("tokens").uniforms(number * num_prompts, num_prompts, num_new)
            check_tokens(network, context_BT, "prompts")
            check_length(network, context_BT.shape[1] + num_new, "a prompt and its continuation")
            yield write(context_BT, num_new, uniforms_BN)
