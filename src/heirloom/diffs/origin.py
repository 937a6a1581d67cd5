"""How surprising rows are to the origin, the model that has seen real data only: where its checkpoint is at hand."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from heirloom import reading
from heirloom.artefacts import kinds
from heirloom.data import arrow, arrow_columns
from heirloom.data.dataset import Dataset
from heirloom.diffs import cells
from heirloom.diffs.cells import Ints, Ragged
from heirloom.diffs.sides import Side, locate
from heirloom.errors import HeirloomError
from heirloom.measures.text import row_perplexities

if TYPE_CHECKING:
    from heirloom.families.abilities import Judge

MAX_ROWS = 500
"""Rows of each side that are scored: a small transformer takes about a second for them."""


@dataclass(frozen=True)
class Origin:
    """A model to score with: its family, its checkpoint, and held-out real rows as what it should find usual.

    Attributes
    ----------
    sha256
        Fingerprints of the checkpoint and of the rows: what is remembered of a model is forgotten with its bytes.
    num_threads
        Of the config that has made the sides.
    """

    family: str
    checkpoint: Path
    real: Path
    sha256: tuple[str, str] = ("", "")
    num_threads: int = field(default=1, compare=False)


def find(a: Side, b: Side) -> Origin | None:
    """Return the origin that both sides descend from, or None: no common one, or not on disk.

    Raises
    ------
    HeirloomError
        If its checkpoint or the real rows are on disk, and not as they were recorded.
    """
    origins = {_origin(a), _origin(b)} - {None}
    if len(origins) != 1 or not (a.has("tokens") and b.has("tokens")):
        return None
    (origin,) = origins
    assert origin is not None
    if not (origin.checkpoint.is_dir() and origin.real.is_file()):
        return None
    return replace(origin, sha256=(reading.sha256(origin.checkpoint), reading.sha256(origin.real)))


def perplexities(origin: Origin, a: Side, b: Side, rows_a: Ints, rows_b: Ints) -> tuple[tuple[NDArray[np.float64], ...] | None, str]:
    """Return the perplexity of some rows of A, of B, and of held-out real rows.

    Returns
    -------
    None if the family scores no rows, lengths differ, or the model cannot be opened or score them; and why, where the reason is the model
    """
    real = _real(origin)
    real_rows = np.arange(min(MAX_ROWS, real.num_rows))
    try:
        scored = [_scored(origin, side, rows.tobytes()) for side, rows in ((a, rows_a), (b, rows_b), (real, real_rows))]
    except HeirloomError as error:
        return None, f"perplexity under the origin is left out: {error}"
    perplexities = tuple(values for values in scored if values is not None)
    return (perplexities if len(perplexities) == len(scored) else None), ""


def tokens_at(side: Side, rows: Ints) -> Ragged:
    """Return the tokens of the rows at ascending positions."""
    return cells.join([cells.ragged(batch.column(0)) for batch in take(side, rows, ["tokens"])])


def take(side: Side, rows: Ints, columns: list[str]) -> list[pa.RecordBatch]:
    """Return some columns of the rows at ascending positions."""
    parts, start = [], 0
    for batch in side.batches(columns):
        low, high = np.searchsorted(rows, (start, start + batch.num_rows))
        if low < high:
            parts.append(arrow_columns.movable(batch).take(pa.array(rows[low:high] - start)))
        start += batch.num_rows
        if high == len(rows):
            break
    return parts


def _origin(side: Side) -> Origin | None:
    lineage = kinds.LINEAGE.wildcards(side.path_here)
    family = side.slice.get("family")
    if lineage is None or family is None:
        return None
    experiment, seed = lineage["experiment"], lineage["seed"]
    checkpoint = Path(kinds.CHECKPOINT.path(experiment, kinds.ORIGIN, seed, 0))
    num_threads = side.slice.get("num_threads", 1)
    return Origin(str(family), checkpoint, Path(kinds.REAL_TEST.path(experiment)), num_threads=num_threads)


@lru_cache(maxsize=1)
def _real(origin: Origin) -> Side:
    return locate(origin.real)


@lru_cache(maxsize=64)
def _scored(origin: Origin, side: Side, rows: bytes) -> NDArray[np.float64] | None:
    """Return the perplexities of some rows; remembered, since a series asks for the same rows again and again."""
    from heirloom.diffs import scores  # which files that Heirloom did not write can do without

    tokens = tokens_at(side, np.frombuffer(rows, np.int64))
    width = int(tokens.lengths.max(initial=0))
    if not _can_judge(origin.family) or width < 2 or (tokens.lengths != width).any():
        return None
    asked = scores.question(origin.family, origin.sha256[0], tokens, origin.num_threads)
    likelihoods_N = scores.recalled(asked)
    if likelihoods_N is None:
        likelihoods_N = _log_likelihoods(origin, tokens, width)
        scores.remember(asked, likelihoods_N)
    return row_perplexities(-likelihoods_N, width - 1)


def _log_likelihoods(origin: Origin, tokens: Ragged, width: int) -> NDArray[np.float64]:
    """Return how likely the origin finds rows of one width, in nats, shape (N,)."""
    module, model = _judge(origin)
    lists = pa.FixedSizeListArray.from_arrays(arrow.column(tokens.values), width)
    dataset = Dataset.of(pa.table({"tokens": lists}))
    with threadpool_limits(origin.num_threads):  # torch takes a thread a core, which wait for one another where cores are shared
        likelihoods_RN = module.log_likelihoods(model, dataset, len(tokens.lengths))
    return likelihoods_RN[0]


def _can_judge(family: str) -> bool:
    """Return whether a family tells how likely rows are (`families.abilities.Judge`)."""
    from heirloom.specs.family import SPECS

    return family in SPECS and "select" in SPECS[family].abilities


@lru_cache(maxsize=1)
def _judge(origin: Origin) -> tuple[Judge, Any]:
    """Return the origin's family and model."""
    from heirloom.families import family

    module = family(origin.family)
    return cast("Judge", module), module.load(origin.checkpoint)
