"""How surprising rows are to the origin, the model that has seen real data only: where its checkpoint is at hand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from heirloom import paths, reading
from heirloom.diffs import cells
from heirloom.diffs.cells import Ints, Ragged
from heirloom.diffs.sides import Side, locate, open_side
from heirloom.measures.text import row_perplexities

MAX_ROWS = 500
"""Rows of each side that are scored: a small transformer takes about a second for them."""


@dataclass(frozen=True)
class Origin:
    """A model to score with: its family, its checkpoint, and held-out real rows as what it should find usual.

    Attributes
    ----------
    sha256
        Fingerprints of the checkpoint and of the rows: what is remembered of a model is forgotten with its bytes.
    """

    family: str
    checkpoint: Path
    real: Path
    sha256: tuple[str, str] = ("", "")


def find(a: Side, b: Side) -> Origin | None:
    """Return the origin that both sides descend from, or None: no common one, or not on disk.

    Raises
    ------
    HeirloomError
        If its checkpoint or the real rows are on disk, and not as they were recorded.
    """
    known = {found for side in (a, b) if (found := _of(side))}
    if len(known) != 1 or not (a.has("tokens") and b.has("tokens")):
        return None
    (origin,) = known
    if not (origin.checkpoint.is_dir() and origin.real.is_file()):
        return None
    return replace(origin, sha256=(reading.sha256(origin.checkpoint), reading.sha256(origin.real)))


def perplexities(origin: Origin, a: Side, b: Side, rows_a: Ints, rows_b: Ints) -> tuple[NDArray[np.float64], ...] | None:
    """Return the perplexity of some rows of A, of B, and of held-out real rows; None if the family scores none, or lengths differ."""
    real = _real(origin)
    asked = ((a, rows_a), (b, rows_b), (real, np.arange(min(MAX_ROWS, real.num_rows))))
    found = [_scored(origin, side, rows.tobytes()) for side, rows in asked]
    return tuple(one for one in found if one is not None) if all(one is not None for one in found) else None


def tokens_at(side: Side, rows: Ints) -> Ragged:
    """Return the tokens of the rows at ascending positions."""
    return cells.join([cells.ragged(batch.column(0)) for batch in take(side, rows, ["tokens"])])


def take(side: Side, rows: Ints, columns: list[str]) -> list[pa.RecordBatch]:
    """Return some columns of the rows at ascending positions."""
    found, start = [], 0
    for batch in side.batches(columns):
        low, high = np.searchsorted(rows, (start, start + batch.num_rows))
        if low < high:
            found.append(batch.take(pa.array(rows[low:high] - start)))
        start += batch.num_rows
        if high == len(rows):
            break
    return found


def _of(side: Side) -> Origin | None:
    from heirloom.lineage import folders

    known = folders.keys(side.place.recorded or "", paths.LINEAGE)
    family = side.place.slice.get("family")
    if known is None or family is None:
        return None
    experiment, seed = known["experiment"], known["seed"]
    checkpoint = Path(paths.fill(paths.CHECKPOINT, experiment, paths.ORIGIN, seed, 0))
    return Origin(str(family), checkpoint, Path(paths.fill(paths.REAL_TEST, experiment)))


@lru_cache(maxsize=1)
def _real(origin: Origin) -> Side:
    return open_side(locate(origin.real))


@lru_cache(maxsize=64)
def _scored(origin: Origin, side: Side, rows: bytes) -> NDArray[np.float64] | None:
    """Return the perplexities of some rows; remembered, since a series asks for the same rows again and again."""
    model: Any = _model(origin)
    tokens = tokens_at(side, np.frombuffer(rows, np.int64))
    width = int(tokens.lengths.max(initial=0))
    if model is None or width < 2 or (tokens.lengths != width).any():
        return None
    module, weights = model
    return row_perplexities(module.row_losses(weights, tokens.values.reshape(-1, width)), width - 1)


@lru_cache(maxsize=1)
def _model(origin: Origin) -> tuple[Any, Any] | None:
    from heirloom.families import family

    module: Any = family(origin.family)
    return (module, module.load(origin.checkpoint)) if hasattr(module, "row_losses") else None
