"""Edit rows with a transformer: draw anew only the tokens that the judge finds too easy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from heirloom.families import text
from heirloom.families.transformer import decoding, scoring
from heirloom.families.transformer.model import Llama, hidden_states
from heirloom.runtime.streams import Stream
from heirloom.specs.decoding import Decoding


def edit(
    model: Llama, judge: Llama, rows: Iterable[NDArray[Any]], above: float, settings: Decoding, stream: Stream
) -> Iterator[NDArray[np.int32]]:
    """Yield chunks of rows in which the tokens that the judge finds too easy are drawn anew (`base.Editor`)."""
    drawing = decoding.Decoding(settings.temperature, settings.top_k or 0, settings.top_p or 1.0)
    for number, tokens_BT in enumerate(rows):
        num_rows, width = tokens_BT.shape
        uniforms_BT = stream.child("edits").uniforms(number * num_rows, num_rows, width)[:, 1:]
        probability_BT = np.exp(-scoring.position_losses(judge, tokens_BT))
        new_BT = _new_tokens(model, tokens_BT, uniforms_BT, drawing)
        yield text.edited(tokens_BT, probability_BT, new_BT, above)


@torch.inference_mode()
def _new_tokens(model: Llama, tokens_BT: NDArray[Any], uniforms_BT: NDArray[np.float64], drawing: decoding.Decoding) -> NDArray[np.int64]:
    """Return one token for each position but the first, drawn given the row's own tokens before it; shape (B, T - 1)."""
    new_BT = np.empty_like(uniforms_BT, np.int64)
    for start in range(0, len(tokens_BT), scoring.CHUNK_ROWS):
        rows = slice(start, start + scoring.CHUNK_ROWS)
        context = torch.from_numpy(tokens_BT[rows, :-1].astype(np.int64)).to(model.device)
        uniforms = torch.from_numpy(np.ascontiguousarray(uniforms_BT[rows])).to(model.device).flatten()
        hidden = hidden_states(model, context).flatten(0, 1)
        tokens = decoding.draw_tokens(hidden @ model.head.T, uniforms, drawing)
        new_BT[rows] = tokens.cpu().numpy().reshape(new_BT[rows].shape)
    return new_BT
