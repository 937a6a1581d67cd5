"""Continuations: the rows of a text that a model wrote after a prompt, and the rows that were their prompts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError


def prompts_of(synthetic: Dataset, original: Dataset) -> Dataset:
    """Return the original rows that synthetic rows continue, in the original set's order.

    Raises
    ------
    HeirloomError
        If a synthetic row continues none of them.
    """
    parents, rows = _ids(synthetic, "parent"), _ids(original, "row")
    places = np.flatnonzero(np.isin(rows, parents))
    if len(places) < len(parents):
        raise HeirloomError(
            "`original.continuation: excluded` needs synthetic rows that continue original rows, one a prompt, but "
            f"{len(parents)} rows continue {len(places)}"
        )
    return original if len(places) == len(rows) else original.take(places)


def without_continuations(synthetic: Dataset, prompts: Sequence[Dataset]) -> Dataset:
    """Return the synthetic rows that continue none of the rows of ``prompts``."""
    prompt_rows = np.concatenate([np.empty(0, np.int64), *(_ids(part, "row") for part in prompts)])
    is_continuation = np.isin(_ids(synthetic, "parent"), prompt_rows)
    others = np.flatnonzero(~is_continuation)
    return synthetic.take(others)


def _ids(rows: Dataset, column: str) -> NDArray[np.int64]:
    """Return a column of row ids, -1 for none."""
    ids = [batch.column(0).fill_null(-1).to_numpy() for batch in rows.batches([column])]
    return np.concatenate(ids)
