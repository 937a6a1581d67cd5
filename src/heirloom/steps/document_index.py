"""The index of documents: which rows each document of real text has, and the group of each where a column of the source tells it.

A row that several documents have tokens in belongs to the one that most of them come from (`packing.Span`). So the rows of a split belong
to its documents in their order, as many to each as its ``own_rows``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from heirloom.artefacts.files import replacing

if TYPE_CHECKING:  # whoever reads an index has no need of what makes one
    from heirloom.sources.packing import Span
    from heirloom.steps.spooled import Documents


class DocumentIndex:
    """The index while rows are cut."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._first_rows, self._num_rows, self._own_rows = np.zeros((3, len(documents.titles)), np.int64)

    def note(self, places: Sequence[int], spans: Sequence[Span], first_row: int) -> None:
        """Take the rows of some documents.

        Parameters
        ----------
        places
            Places of the split's documents among all.
        first_row
            Id of the row that the spans count from.
        """
        for span in spans:
            place = places[span.document]
            self._first_rows[place] = first_row + span.first_row if span.num_rows else 0
            self._num_rows[place] = span.num_rows
            self._own_rows[place] = span.num_rows if span.own_rows is None else span.own_rows

    def write(self, path: str) -> None:
        """Write a line per document that is not held out in another split; the columns of groups only where documents have groups."""
        titles, splits, groups = self._documents
        index = {
            "document": range(len(titles)),
            "title": titles,
            "split": splits,
            "first_row": self._first_rows,
            "num_rows": self._num_rows,
        }
        if None not in groups:
            index |= {"group": groups, "own_rows": self._own_rows}
        table = pa.table({name: pa.array(values) for name, values in index.items()})
        with replacing(path) as temporary:
            pq.write_table(
                table.filter(table["split"].is_valid()) if None in splits else table, temporary, compression="zstd", store_schema=False
            )


def groups_of_rows(path: str | Path) -> dict[str, NDArray[np.object_]]:
    """Return the group of each row, by split: arrays of names, shape (N,), in the order of the rows' ids."""
    index = pq.read_table(path, columns=["split", "group", "own_rows"])
    groups = {}
    for split in pc.unique(index["split"]).to_pylist():
        documents = index.filter(pc.equal(index["split"], split))
        groups[split] = np.repeat(np.asarray(documents["group"].to_pylist(), object), documents["own_rows"].to_numpy())
    return groups
