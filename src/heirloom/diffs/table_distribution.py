"""Is the law of a table another one, column by column, and is it more than chance: a permutation test for each, corrected for their number.

Legend of shapes: N rows, P permutations, K indicators of a column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from heirloom.diffs.distribution import adjusted
from heirloom.diffs.result import Distribution, Measure
from heirloom.measures import tables
from heirloom.measures.tables import Column, Numbers
from heirloom.runtime.streams import Stream
from heirloom.stats.direction import direction, is_decidable
from heirloom.stats.exchange import Exchange, exchange, row_keys
from heirloom.stats.permutation import NUM_PERMUTATIONS, TestResult, dealt_means, one_sided

_LEVELS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_MAX_CATEGORIES = 50


def of_tables(a: Mapping[str, Column], b: Mapping[str, Column], stream: Stream) -> Distribution:
    """Return how the columns of two tables are distributed, each by itself.

    The statistic of a column is the largest |p_A - p_B| / sqrt(p (1 - p)): of numbers over the shares below nine quantiles of both sides
    together (Kolmogorov-Smirnov's distance with the weight of Anderson and Darling 1952, as for vectors), of categories over the shares
    of the 50 most frequent ones. Rows trade places one by one, all columns of a row together.

    Parameters
    ----------
    a, b
        Name → column of either side: numbers, or the texts of categories; the same names on both, and rows that are independent.
    """
    (num_a, num_b) = (len(next(iter(side.values()))) for side in (a, b))
    moves = exchange(*row_keys(None, None, num_a, num_b), stream.child("tables"), NUM_PERMUTATIONS)
    results = [_column_test(name, a[name], b[name], moves) for name in a]
    distances = {name: tables.distance(a[name], b[name]) for name in a}
    distance = float(np.mean(list(distances.values())))
    measures = [measure for name in a for measure in _measures(name, a[name], b[name], distances[name])]
    return Distribution(
        distance_name="mean distance of columns",
        distance=distance,
        uncorrected=distance,
        direction=direction(results),
        tests=adjusted(results),
        measures=tuple(measures),
        sampled=(num_a, num_b),
        notes=("each column is tested by itself: how columns hang together is not",),
        is_decidable=is_decidable(results),
        tested="single columns",
        untested="how columns hang together is not tested",
    )


def _column_test(name: str, a: Column, b: Column, moves: Exchange) -> TestResult:
    a_NK, b_NK = _indicators(a, b)
    mean_a_PK, mean_b_PK = dealt_means(a_NK, b_NK, moves)
    share_K = np.concatenate([a_NK, b_NK]).mean(axis=0)
    deviation_K = np.sqrt(share_K * (1 - share_K))
    varies_K = deviation_K > 0
    gaps_PK = np.abs(mean_b_PK - mean_a_PK)[:, varies_K] / deviation_K[varies_K]
    what = "shares below quantiles" if isinstance(a, np.ndarray) else "shares of categories"
    return one_sided(f"column {name}", gaps_PK.max(axis=1, initial=0.0), moves, f"largest weighted difference of {what}")


def _indicators(a: Column, b: Column) -> tuple[Numbers, Numbers]:
    """Return for each row of both sides in which parts of the column's range it lies, shapes (N, K)."""
    if isinstance(a, np.ndarray):
        assert isinstance(b, np.ndarray)
        bounds_K = np.unique(np.quantile(np.concatenate([a, b]), _LEVELS))
        return (a[:, None] <= bounds_K).astype(np.float64), (b[:, None] <= bounds_K).astype(np.float64)
    assert not isinstance(b, np.ndarray)
    counts = pa.chunked_array([*a.chunks, *b.chunks]).value_counts()
    places = np.argsort(-counts.field("counts").to_numpy(), kind="stable")[:_MAX_CATEGORIES]
    categories = counts.field("values").take(pa.array(places)).to_pylist()
    one, other = (np.stack([pc.equal(side, category).to_numpy() for category in categories], axis=1) for side in (a, b))
    return one.astype(np.float64), other.astype(np.float64)


def _measures(name: str, a: Column, b: Column, distance: float) -> Iterator[Measure]:
    if isinstance(a, np.ndarray):
        assert isinstance(b, np.ndarray)
        yield Measure(f"mean of {name}", float(a.mean()), float(b.mean()))
        yield Measure(f"standard deviation of {name}", float(a.std()), float(b.std()))
        yield Measure(f"Kolmogorov-Smirnov distance of {name}", 0.0, distance)
        return
    assert not isinstance(b, np.ndarray)
    yield Measure(f"categories of {name}", float(len(a.unique())), float(len(b.unique())))
    yield Measure(f"total variation distance of {name}", 0.0, distance)
