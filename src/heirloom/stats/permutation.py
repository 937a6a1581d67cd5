"""Is the difference more than chance? Permutation tests of two samples, exact whatever the law of the rows.

p = (1 + permutations at least as extreme) / (1 + permutations): Phipson and Smyth 2010, "Permutation p-values should never
be zero", eq. 2. What may trade places is said in `heirloom.stats.exchange`.

Tests without keys take rows as independent, and are conservative where the samples share rows. To compare two revisions that
share most rows, compare what was removed with what was added, or with what was kept if nothing was added.

Shapes: N rows, P permutations (the first is the data), M blocks, D dimensions, L levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from heirloom.errors import HeirloomError
from heirloom.stats.exchange import LEFT_OUT, Exchange, exchange, row_keys
from heirloom.stats.samples import Floats, Ints, TextSample
from heirloom.stats.token_blocks import token_statistics
from heirloom.streams import Stream

NUM_PERMUTATIONS = 499
"""The smallest p is then 1 / 500, so that Holm's correction can still say 5 % over 25 tests."""

_TIES = 1e-9


@dataclass(frozen=True)
class TestResult:
    """One test.

    Parameters
    ----------
    name
        ``divergence``, ``entropy``, ``types``, ``repeated rows`` or a feature's name for text; ``mean``, ``spread``,
        ``marginals``, ``energy`` for vectors.
    statistic
        In the unit that the note names. A signed one is B - A beyond what chance gives, so that unequal sizes do no harm.
    p_value
        Two-sided, in (0, 1], before Holm's correction.
    num_permutations, num_units
        Permutations drawn; pairs, prompts, articles or rows that they moved.
    note
        What the statistic is and what was exchanged, in words.
    """

    __test__: ClassVar[bool] = False  # keeps pytest from collecting it

    name: str
    statistic: float
    p_value: float
    num_permutations: int
    num_units: int
    note: str


@dataclass(frozen=True)
class TextTests:
    """Every test of two text samples, and the divergence that chance alone would show.

    Parameters
    ----------
    results
        ``divergence`` (bits), ``entropy`` (nats), ``types`` (number), ``repeated rows`` (share), then one a feature.
    divergence_bits, chance_bits
        Plug-in Jensen-Shannon divergence of the rows that take part, and its mean over permutations; their difference is the
        corrected divergence (see `heirloom.stats.divergence.corrected_distance`).
    """

    results: tuple[TestResult, ...]
    divergence_bits: float
    chance_bits: float


def one_sided(name: str, values_P: Floats, moves: Exchange, note: str) -> TestResult:
    """Return the test that is extreme where the statistic is large; the first value is the data's."""
    values_P = np.asarray(values_P, dtype=np.float64)
    slack = _TIES * float(np.abs(values_P).max())
    extreme = int((values_P[1:] >= values_P[0] - slack).sum())
    return TestResult(
        name, float(values_P[0]), (1 + extreme) / values_P.size, values_P.size - 1, moves.num_units, f"{note}; {moves.note}"
    )


def two_sided(name: str, values_P: Floats, moves: Exchange, note: str) -> TestResult:
    """Return the test that is extreme where the statistic is far from its mean over all permutations, on either side."""
    values_P = np.asarray(values_P, dtype=np.float64)
    excess_P = values_P - values_P.mean()
    excess_P[np.abs(excess_P) <= _TIES * np.abs(values_P).max()] = 0
    found = one_sided(name, np.abs(excess_P), moves, note)
    return TestResult(name, float(excess_P[0]), found.p_value, found.num_permutations, found.num_units, found.note)


def text_tests(a: TextSample, b: TextSample, stream: Stream, num_permutations: int = NUM_PERMUTATIONS) -> TextTests:
    """Test two text samples for a difference of law.

    Correct for many tests with `heirloom.stats.holm.holm` over all results.

    Parameters
    ----------
    a, b
        The samples: the same features, and keys in both or in neither.
    stream, num_permutations
        Where the permutations come from, and how many.

    Raises
    ------
    HeirloomError
        If a sample is empty, or the samples do not fit each other.
    """
    num_a, num_b = a.offsets.size - 1, b.offsets.size - 1
    moves = exchange(*row_keys(a.keys, b.keys, num_a, num_b), stream, num_permutations)
    tokens = token_statistics(a, b, moves)
    results = [
        one_sided("divergence", tokens.divergence_bits, moves, "Jensen-Shannon divergence in bits, as counted"),
        two_sided("entropy", tokens.entropy_difference, moves, "entropy of tokens in nats, B - A beyond chance"),
        two_sided("types", tokens.type_difference, moves, "number of types, B - A beyond chance"),
    ]
    if a.content is not None and b.content is not None:
        repeats_P = _repeats(a.content, b.content, moves)
        results.append(two_sided("repeated rows", repeats_P, moves, "share of rows that repeat another of their sample, B - A"))
    results += _feature_tests(a.features, b.features, moves)
    return TextTests(tuple(results), float(tokens.divergence_bits[0]), float(tokens.divergence_bits[1:].mean()))


def dealt_means(values_a: Floats, values_b: Floats, moves: Exchange) -> tuple[Floats, Floats]:
    """Return the means over rows of A and of B under every exchange.

    Parameters
    ----------
    values_a, values_b
        One or more numbers a row, shapes (N, F).

    Returns
    -------
    two arrays of shape (P, F)
    """
    values, blocks = np.concatenate([values_a, values_b]), np.concatenate([moves.blocks_a, moves.blocks_b])
    kept = blocks != LEFT_OUT
    num_blocks = moves.in_a.shape[1]
    gather = csr_array((np.ones(int(kept.sum())), (blocks[kept], np.flatnonzero(kept))), shape=(num_blocks, blocks.size))
    sums_MF, rows_M = gather @ values, np.bincount(blocks[kept], minlength=num_blocks).astype(np.float64)
    in_a = moves.in_a.astype(np.float64)
    in_b = 1 - in_a
    return (in_a @ sums_MF) / (in_a @ rows_M)[:, None], (in_b @ sums_MF) / (in_b @ rows_M)[:, None]


def _feature_tests(a: Mapping[str, Floats], b: Mapping[str, Floats], moves: Exchange) -> list[TestResult]:
    if set(a) != set(b):
        raise HeirloomError(f"features must be the same in both samples, got {sorted(a)} and {sorted(b)}")
    results = []
    for name in a:
        values = [np.asarray(part[name], dtype=np.float64)[:, None] for part in (a, b)]
        if any(part.shape[0] != rows.size or not np.isfinite(part).all() for part, rows in zip(values, (moves.blocks_a, moves.blocks_b), strict=True)):
            raise HeirloomError(f"feature {name} needs one finite number for each row")
        mean_a, mean_b = dealt_means(*values, moves)
        results.append(two_sided(name, (mean_b - mean_a)[:, 0], moves, f"mean of {name}, B - A beyond chance"))
    return results


def _repeats(content_a: Ints, content_b: Ints, moves: Exchange) -> NDArray[np.float64]:
    """Return the share of rows that repeat an earlier row of their own sample, B - A, under every exchange."""
    blocks = np.concatenate([moves.blocks_a, moves.blocks_b])
    kept = blocks != LEFT_OUT
    blocks = blocks[kept]
    codes, counts = np.unique(np.concatenate([content_a, content_b])[kept], return_inverse=True, return_counts=True)[1:]
    again = counts[codes] > 1  # a row that occurs once repeats nothing, wherever it is dealt
    rank = np.cumsum(counts > 1) - 1
    num_blocks = moves.in_a.shape[1]
    where = (rank[codes[again]], blocks[again])
    table = csr_array((np.ones(where[0].size, np.float32), where), shape=(int((counts > 1).sum()), num_blocks))
    rows_M = np.bincount(blocks, minlength=num_blocks)
    rows_a = moves.in_a @ rows_M
    repeats_a, repeats_b = (np.zeros(rows_a.size) for _ in range(2))
    step = max(1, 2**21 // max(1, table.shape[0]))
    for start in range(0, rows_a.size, step):
        here = slice(start, start + step)
        a_RC = table @ np.ascontiguousarray(moves.in_a[here].T)
        b_RC = table.sum(axis=1)[:, None] - a_RC
        repeats_a[here], repeats_b[here] = (np.maximum(part - 1, 0).sum(axis=0) for part in (a_RC, b_RC))
    return repeats_b / (rows_M.sum() - rows_a) - repeats_a / rows_a
