"""Edit rows with a language model: draw anew only the tokens that the judge finds too easy.

Legend of shapes: B rows of a chunk, C tokens of the longest completion, T tokens of the longest row, K tokens that are drawn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heirloom.data.pairs import Answered, Limit
from heirloom.data.ragged import PADDING
from heirloom.families import answers, text
from heirloom.families.lm import pairs, scoring
from heirloom.families.lm.decoding import Decoding, draw_tokens, without
from heirloom.families.lm.network import Network
from heirloom.runtime import memory
from heirloom.runtime.streams import Stream


def edit(
    network: Network, judge: Network, rows: Iterable[NDArray[Any]], above: float, decoding: Decoding, stream: Stream
) -> Iterator[NDArray[np.int32]]:
    """Yield chunks of rows in which the tokens that the judge finds too easy are drawn anew (`abilities.Editor`)."""
    for number, tokens_BT in enumerate(rows):
        num_rows, width = tokens_BT.shape
        uniforms_BT = stream.child("edits").uniforms(number * num_rows, num_rows, width)[:, 1:]
        probability_BT = np.exp(-scoring.position_losses(judge, tokens_BT))
        everywhere_BT = np.ones(uniforms_BT.shape, bool)
        drawn_K = _drawn(network, tokens_BT, everywhere_BT, uniforms_BT.flatten(), decoding)
        yield text.edited(tokens_BT, probability_BT, drawn_K.reshape(uniforms_BT.shape), above)


def edit_completions(
    network: Network, judge: Network, chunks: Iterable[Answered], limit: Limit, above: float, decoding: Decoding, stream: Stream
) -> Iterator[NDArray[np.int32]]:
    """Yield the completions of each chunk, tokens that the judge finds too easy drawn anew (`abilities.PairEditor`)."""
    for chunk in chunks:
        completions_BC = chunk.completions
        probability_BC = np.exp(-pairs.completion_losses(judge, chunk.tokens, completions_BC))
        rows_BT, is_completion_BT = pairs.packed(chunk.tokens, completions_BC)
        is_token_BC, drawn_BC = completions_BC != PADDING, completions_BC.copy()
        uniforms_BC = stream.child("edits").uniforms_of(chunk.rows, limit.tokens)[:, : completions_BC.shape[1]]
        drawn_BC[is_token_BC] = _drawn(network, rows_BT, is_completion_BT[:, 1:], uniforms_BC[is_token_BC], decoding)
        yield answers.edited(completions_BC, probability_BC, drawn_BC, above, limit.stops)


@torch.inference_mode()
def _drawn(
    network: Network, rows_BT: NDArray[Any], is_drawn_BT: NDArray[np.bool_], uniforms_K: NDArray[np.float64], decoding: Decoding
) -> NDArray[np.int64]:
    """Return one token for each place that is asked for, drawn given the row's own tokens before it; shape (K,), row by row.

    Parameters
    ----------
    is_drawn_BT
        Which of the places but a row's first are asked for, (B, T - 1).
    uniforms_K
        A number in [0, 1) for each of them.
    """
    drawn, uniforms = list[NDArray[np.int64]](), torch.from_numpy(uniforms_K).to(network.device)
    with memory.guard("editing", "chunk_rows"):
        for start in range(0, len(rows_BT), network.rows_at_once):
            part = slice(start, start + network.rows_at_once)
            context = torch.from_numpy(rows_BT[part, :-1].astype(np.int64)).to(network.device)
            is_drawn = torch.from_numpy(is_drawn_BT[part]).to(network.device)
            scores = without(network.logits(context)[is_drawn], decoding.banned)
            part_uniforms, uniforms = uniforms[: len(scores)], uniforms[len(scores) :]
            drawn.append(draw_tokens(scores, part_uniforms, decoding).cpu().numpy())
    return np.concatenate(drawn)
