"""The documents of a source on disk while real data are made: parsing a source is slow, and texts are read once a split and once to fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from heirloom import sources
from heirloom.runtime.streams import Stream
from heirloom.sources.splits import assign, hold_out
from heirloom.sources.text import Counts
from heirloom.specs.source import AnyTextSource

_HELD = 64  # documents held at a time


class Documents(NamedTuple):
    """What is known of each document beside its text: title, split (None where it is held out in another one) and group, if any."""

    titles: list[str]
    splits: list[str | None]
    groups: list[str | None]

    def places(self, split: str) -> list[int]:
        """Return the places of a split's documents among all."""
        return [place for place, name in enumerate(self.splits) if name == split]


def write(spec: AnyTextSource, path: Path, counts: Counts, stream: Stream) -> Documents:
    """Write the texts of a source's documents down, and return what else is known of them."""
    titles, splits, groups, digests = [], [], [], []
    schema = pa.schema([("text", pa.string())])
    with pq.ParquetWriter(path, schema) as writer:
        documents = sources.documents(spec, counts)
        while batch := list(islice(documents, _HELD)):
            titles += [document.title for document in batch]
            splits += [document.split for document in batch]
            groups += [document.group for document in batch]
            texts = [document.text for document in batch]
            digests += [blake2b(text.strip().encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
            writer.write_table(pa.table({"text": texts}, schema))
    names = assign(splits, spec.text.split, stream)
    return Documents(titles, hold_out(names, digests, spec.text.packing is not None, counts), groups)


def texts(path: Path, names: Sequence[str | None], split: str) -> Iterator[str]:
    """Yield the texts of a split, in order."""
    place = 0
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(64, columns=["text"]):
            for text in batch.column(0).to_pylist():
                if names[place] == split:
                    yield text
                place += 1
