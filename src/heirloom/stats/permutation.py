"""From a statistic under every exchange to a test that is exact whatever the law of the rows.

p = (1 + permutations at least as extreme) / (1 + permutations): Phipson and Smyth 2010, "Permutation p-values should never
be zero", eq. 2. What may trade places is said in `heirloom.stats.exchange`; the statistics are in `text_tests` and
`vector_tests`.

Shapes: N rows, F numbers per row, P permutations (the first is the data), M blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from heirloom.stats.exchange import LEFT_OUT, Exchange
from heirloom.stats.samples import Floats

NUM_PERMUTATIONS = 499
"""The smallest p is then 1 / 500, so that 5 % can still be said over 25 tests."""

_ROUNDING = 1e-11


@dataclass(frozen=True)
class TestResult:
    """One test.

    Parameters
    ----------
    name
        ``divergence``, ``entropy``, ``types``, ``repeated rows`` or a feature's name for text; ``mean``, ``spread``,
        ``spread within replicas``, ``spread across replicas``, ``marginals``, ``tails``, ``one tail`` or ``energy`` for vectors.
    statistic
        In the unit that the note names. A signed one is B - A beyond what chance gives, so that unequal sizes do no harm.
    p_value
        Two-sided, in (0, 1], before the correction for many tests (`heirloom.stats.step_down`).
    num_permutations, num_units
        Permutations drawn; pairs, prompts, articles or rows that they moved.
    note
        What the statistic is and what was exchanged, in words.
    smallest_p
        The smallest p-value that the exchanges allow.
    exchanged_p
        The p-value under every exchange, shape (P,), the data's first; None where a test has exchanges of its own, which
        say nothing about the other tests.
    """

    __test__: ClassVar[bool] = False  # keeps pytest from collecting it

    name: str
    statistic: float
    p_value: float
    num_permutations: int
    num_units: int
    note: str
    smallest_p: float = 0.0
    exchanged_p: Floats | None = field(default=None, compare=False, repr=False)


def one_sided(name: str, values_P: Floats, moves: Exchange, note: str, scale: float = 1) -> TestResult:
    """Return the test that is extreme where the statistic is large.

    Parameters
    ----------
    name, note
        As in `TestResult`; what was exchanged is added to the note.
    values_P
        The statistic of the data, then of each permutation.
    moves
        The exchanges.
    scale
        Size of the numbers that the statistic was computed from: differences below 1e-11 of it are rounding, hence ties.
    """
    values_P = np.asarray(values_P, dtype=np.float64)
    below_P = np.searchsorted(np.sort(values_P), values_P - _ROUNDING * scale)
    p_values_P = (values_P.size - below_P) / values_P.size
    return TestResult(
        name,
        statistic=float(values_P[0]),
        p_value=float(p_values_P[0]),
        num_permutations=values_P.size - 1,
        num_units=moves.num_units,
        note=f"{note}; {moves.note}",
        smallest_p=moves.smallest_p,
        exchanged_p=p_values_P,
    )


def two_sided(name: str, values_P: Floats, moves: Exchange, note: str, scale: float = 1) -> TestResult:
    """Return the test that is extreme where the statistic is far from its mean over all permutations, on either side.

    Parameters are those of `one_sided`; the statistic of the result is the signed distance from that mean.
    """
    excess_P = np.asarray(values_P, dtype=np.float64) - np.mean(values_P)
    return replace(one_sided(name, np.abs(excess_P), moves, note, scale), statistic=float(excess_P[0]))


def dealt_means(values_a: Floats, values_b: Floats, moves: Exchange) -> tuple[Floats, Floats]:
    """Return the means over rows of A and of B under every exchange.

    Parameters
    ----------
    values_a, values_b
        One or more numbers per row, shapes (N, F).

    Returns
    -------
    two arrays of shape (P, F)
    """
    values_NF = np.concatenate([values_a, values_b])
    blocks_N = np.concatenate([moves.blocks_a, moves.blocks_b])
    rows = np.flatnonzero(blocks_N != LEFT_OUT)
    blocks = blocks_N[rows]
    num_blocks = moves.in_a.shape[1]
    sums = [np.bincount(blocks, weights=column, minlength=num_blocks) for column in values_NF[rows].T]
    sums_MF = np.stack(sums, axis=1)
    rows_M = np.bincount(blocks, minlength=num_blocks).astype(np.float64)
    in_a_PM = moves.in_a.astype(np.float64)
    in_b_PM = 1 - in_a_PM
    means_a = (in_a_PM @ sums_MF) / (in_a_PM @ rows_M)[:, None]
    means_b = (in_b_PM @ sums_MF) / (in_b_PM @ rows_M)[:, None]
    return means_a, means_b
