"""Counts alone: how many rows are kept, removed and added. Rows are hashed and matched; no word is read and nothing is tested."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from heirloom.artefacts.files import dumps
from heirloom.diffs import cells, matching, strangers, values
from heirloom.diffs.common import Common, common
from heirloom.errors import HeirloomError, listed

if TYPE_CHECKING:
    from heirloom.diffs.cells import Hashes
    from heirloom.diffs.sides import Side


BYTES_A_ROW = 8
"""Of memory: its hash."""


@dataclass(frozen=True)
class Counts:
    """Rows that both sides have, as multisets, and rows of one side alone.

    A row is all of its data here: rows of equal text and another label are removed and added.
    """

    kept: int
    removed: int
    added: int

    @property
    def same(self) -> bool:
        """Whether both sides hold the same rows, in whatever order."""
        return not (self.removed or self.added)

    @property
    def line(self) -> str:
        """The counts in one line."""
        return f"{self.kept:,} kept, {self.removed:,} removed, {self.added:,} added"

    def to_json(self) -> str:
        """Return sorted JSON."""
        return dumps({**asdict(self), "same": self.same})


def counts(a: Side, b: Side) -> Counts:
    """Return how many rows two sides share.

    Raises
    ------
    HeirloomError
        If the sides have not the same columns of data, so that no row of one equals one of the other.
    """
    shared = common(a, b)
    if shared.only_a or shared.only_b:
        columns = listed([*shared.only_a, *shared.only_b])
        raise HeirloomError(f"--counts: {columns} is on one side only, so no two rows are equal; leave it out with --ignore")
    strangers.check_rows((a, b), BYTES_A_ROW)
    num_kept = matching.num_kept(_hashes(a, shared), _hashes(b, shared))
    return Counts(num_kept, a.num_rows - num_kept, b.num_rows - num_kept)


def _hashes(side: Side, shared: Common) -> Hashes:
    """Return a hash a row over all of its data, shape (N,)."""
    names = [*shared.data, *shared.others]
    hashes = np.empty(side.num_rows, np.uint64)
    start = 0
    for batch in side.batches(names):
        stop = start + batch.num_rows
        by_bytes = bool(shared.data) and not shared.by_value
        content = cells.row_hashes(batch.select(list(shared.data))) if by_bytes else None
        others = batch.select(list(shared.others)) if by_bytes else batch
        rest = values.record_hashes(others) if others.num_columns else np.zeros(batch.num_rows, np.uint64)
        hashes[start:stop] = rest if content is None else values.mixed(content) + rest
        start = stop
    return hashes
