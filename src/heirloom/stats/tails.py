"""Does one sample alone hold the most extreme rows? The test that sees tails that were cut off.

A cut at 99 % takes five rows of 500: too few for any statistic of all rows. But then the outermost rows of both samples
together are all of one sample, and a run of them is unlikely: each halves the chance. Such tests are known as exceedance or
precedence tests (Rosenbaum 1954, "Tables for a nonparametric test of location"). Here p-values are exact, over all
exchanges and not a draw of them.

Shapes: N rows of both samples that take part, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heirloom.stats.exchange import LEFT_OUT, Exchange
from heirloom.stats.permutation import TestResult
from heirloom.stats.samples import Floats, Ints

_JOINT_SHARE = 0.8
"""Share of the level for the order by distance from the centre; the rest is for the ends of all dimensions alike.

The chance halves with each row, so shares matter in steps: with 0.8 a run of eight (2 / 2^8) passes Holm's 5 % over five.
"""

_MAX_DIMENSIONS = 32
_MAX_RUN = 64


@dataclass(frozen=True)
class _Run:
    """Outermost rows of one sample: how many, whose, and the chance of as many, of either sample, over all exchanges."""

    length: int
    in_a: bool
    p_value: float


def tails_test(a_ND: Floats, b_ND: Floats, moves: Exchange) -> TestResult:
    """Return the test of runs of outermost rows: by distance from the centre, and at both ends of each dimension.

    The distance is Mahalanobis' under the covariance of both samples together; with more than 32 dimensions it is the one
    of standardised numbers, and the ends of single dimensions are left out. The p-value is the smallest one of all orders,
    each divided by its share of the level. The result is called ``tails`` where the distance says most, and ``one tail``
    where one end does; its statistic is the run's length, negative where the rows are A's, so that B lacks them.
    """
    blocks_N = np.concatenate([moves.blocks_a, moves.blocks_b])
    x_ND = np.concatenate([a_ND, b_ND])[blocks_N != LEFT_OUT]
    blocks_N = blocks_N[blocks_N != LEFT_OUT]
    num_ends = 2 * x_ND.shape[1] if x_ND.shape[1] <= _MAX_DIMENSIONS else 0
    joint_share = _JOINT_SHARE if num_ends else 1.0
    joint = _run(_distances(x_ND), blocks_N, moves)
    ends = [_run(order_N, blocks_N, moves) for order_N in _ends(x_ND)] if num_ends else []
    nearest = min(ends, key=lambda run: run.p_value, default=joint)
    of_one = nearest.p_value * num_ends / (1 - joint_share) if num_ends else 1.0
    run, name = (joint, "tails") if joint.p_value / joint_share <= of_one else (nearest, "one tail")
    note = f"run of outermost rows of one sample, of B if above 0; {moves.note}"
    p_value = min(1.0, joint.p_value / joint_share, of_one)
    statistic = float(-run.length if run.in_a else run.length)
    return TestResult(name, statistic, p_value, len(moves.in_a) - 1, moves.num_units, note, moves.smallest_p)


def _distances(x_ND: Floats) -> Floats:
    """Return the squared distance of each row from the centre of all, shape (N,)."""
    scale_D = x_ND.std(axis=0)
    standard_ND = (x_ND - x_ND.mean(axis=0)) / np.where(scale_D > 0, scale_D, 1)
    if x_ND.shape[1] > _MAX_DIMENSIONS:
        return np.asarray((standard_ND**2).sum(axis=1))
    inverse_DD = np.linalg.pinv(standard_ND.T @ standard_ND / len(x_ND), hermitian=True)
    return np.asarray(((standard_ND @ inverse_DD) * standard_ND).sum(axis=1))


def _ends(x_ND: Floats) -> Iterator[Floats]:
    for x_N in x_ND.T:
        yield x_N
        yield -x_N


def _run(order_N: Floats, blocks_N: Ints, moves: Exchange) -> _Run:
    """Return the longest run at the upper end of an order; rows that tie count together or not at all."""
    outermost = min(_MAX_RUN, order_N.size)
    top = np.argpartition(order_N, -outermost)[-outermost:]
    bound = order_N[top].min()
    top = np.flatnonzero(order_N >= bound) if outermost < order_N.size else top
    top = top[np.argsort(-order_N[top], kind="stable")]
    in_a = moves.in_a[0, blocks_N[top]] > 0
    others = np.flatnonzero(in_a != in_a[0])
    length = int((order_N[top] > order_N[top[others[0]]]).sum()) if others.size else len(top)
    return _Run(length, bool(in_a[0]), _chance(np.unique(blocks_N[top[:length]]), moves))


def _chance(blocks: NDArray[np.int64], moves: Exchange) -> float:
    """Return the chance that an exchange puts some blocks of one side all on one side, whichever."""
    num_swaps, (dealt_a, dealt_b) = 2 * moves.num_pairs, moves.num_deals
    free = int(((blocks >= num_swaps) & (blocks < num_swaps + dealt_a + dealt_b)).sum())
    halves = 0.5 ** int((blocks < num_swaps).sum())
    drawn = np.arange(free)
    fixed = num_swaps + dealt_a + dealt_b
    total = 0.0
    for dealt, other_stays in ((dealt_a, fixed + 1), (dealt_b, fixed)):
        if free <= dealt and other_stays not in blocks:
            total += halves * float(np.prod((dealt - drawn) / (dealt_a + dealt_b - drawn)))
    return min(1.0, total)
