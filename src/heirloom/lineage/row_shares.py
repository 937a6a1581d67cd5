"""How much of a dataset carries a row: the row itself, rows that continue it, and rows whose writer had learnt from it.

One row group is held at a time, of no more columns than the count takes.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from heirloom.lineage import lookup


class RowKey(NamedTuple):
    """What names a row within a lineage: its id, the generation of its birth (0 of a real row), its replica."""

    row: int
    born: int
    replica: int = 0


class Shares(NamedTuple):
    """Rows of a dataset that carry a row.

    Attributes
    ----------
    total
        Rows of the dataset, over all replicas.
    text
        Copies of the row itself.
    prompts
        Synthetic rows that continue it.
    by_model
        Rows whose writer carries it.
    """

    total: int
    text: int
    prompts: int
    by_model: int

    @property
    def carries(self) -> bool:
        """Whether any row carries it."""
        return bool(self.text or self.prompts or self.by_model)


def count(rows: Path, key: RowKey, writers: Collection[str] | None) -> Shares:
    """Return how many rows of a dataset carry a row.

    Parameters
    ----------
    writers
        Fingerprints of the checkpoints that carry it; None if every writer does.
    """
    counts = lookup.writers(rows)
    by_model = sum(number for (_, writer), number in counts.items() if writer and (writers is None or writer in writers))
    with pq.ParquetFile(rows) as file:
        names = file.schema_arrow.names
        text = prompts = 0
        for group in range(file.num_row_groups):
            text += _copies(file, group, names, key)
            prompts += _continuations(file, group, key) if key.born == 0 and "parent" in names else 0
    return Shares(sum(counts.values()), text, prompts, by_model)


def _copies(file: pq.ParquetFile, group: int, names: Collection[str], key: RowKey) -> int:
    wanted = {name: value for name, value in key._asdict().items() if name in names}
    if not all(lookup.may_hold(file, group, name, value) for name, value in wanted.items()):
        return 0
    table = file.read_row_group(group, [*wanted])
    return _number_equal(table, wanted)


def _continuations(file: pq.ParquetFile, group: int, key: RowKey) -> int:
    if not lookup.may_hold(file, group, "parent", key.row):
        return 0
    return _number_equal(file.read_row_group(group, ["parent"]), {"parent": key.row})


def _number_equal(table: pa.Table, wanted: dict[str, int]) -> int:
    """Return in how many rows the columns have the wanted values."""
    masks = [pc.equal(table[name], value) for name, value in wanted.items()]
    is_equal = masks[0]
    for mask in masks[1:]:
        is_equal = pc.and_(is_equal, mask)
    return int(pc.sum(is_equal).as_py() or 0)
