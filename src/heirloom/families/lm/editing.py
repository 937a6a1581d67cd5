"""Edit rows with a language model: draw anew only the tokens that the judge finds too easy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heirloom.families import text
from heirloom.families.lm import scoring
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
        new_BT = _new_tokens(network, tokens_BT, uniforms_BT, decoding)
        yield text.edited(tokens_BT, probability_BT, new_BT, above)


@torch.inference_mode()
def _new_tokens(network: Network, tokens_BT: NDArray[Any], uniforms_BT: NDArray[np.float64], decoding: Decoding) -> NDArray[np.int64]:
    """Return one token for each position but the first, drawn given the row's own tokens before it; shape (B, T - 1)."""
    new_BT = np.empty_like(uniforms_BT, np.int64)
    with memory.guard("editing", "chunk_rows"):
        for start in range(0, len(tokens_BT), network.rows_at_once):
            rows = slice(start, start + network.rows_at_once)
            context = torch.from_numpy(tokens_BT[rows, :-1].astype(np.int64)).to(network.device)
            uniforms = torch.from_numpy(np.ascontiguousarray(uniforms_BT[rows])).to(network.device).flatten()
            scores = without(network.logits(context).flatten(0, 1), decoding.banned)
            new_BT[rows] = draw_tokens(scores, uniforms, decoding).cpu().numpy().reshape(new_BT[rows].shape)
    return new_BT
