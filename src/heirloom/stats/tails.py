"""Does one sample alone hold the most extreme rows? The tests that see tails that were cut off.

A cut at 99 % takes five rows of 500: too few for any statistic of all rows. But then the outermost rows of both samples
together are all of one sample, and a run of them is unlikely: each halves the chance. Such tests are known as exceedance or
precedence tests (Rosenbaum 1954, "Tables for a nonparametric test of location"). Here p-values are exact, over all
exchanges and not a draw of them.

Shapes: N rows of both samples that take part, D dimensions, P permutations (the first is the data), K outermost rows, the
outermost first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heirloom.stats.exchange import LEFT_OUT, Exchange
from heirloom.stats.permutation import TestResult
from heirloom.stats.samples import Floats, Ints

_MAX_DIMENSIONS = 32
_MAX_RUN = 64


@dataclass(frozen=True)
class _Runs:
    """The data's run: how many rows, and whose; and the chance of the run, of either side, under every exchange, shape (P,)."""

    length: int
    in_a: bool
    exchanged_p: Floats


def tail_tests(a_ND: Floats, b_ND: Floats, moves: Exchange) -> tuple[TestResult, ...]:
    """Return two tests of the run of outermost rows that one sample holds alone.

    - ``tails``: outermost by distance from the centre. The distance is Mahalanobis' under the covariance of both samples
      together; with more than 32 dimensions it is the one of standardised numbers.
    - ``one tail``: outermost at either end of any dimension, the least likely of these 2 D runs, its p-value times 2 D
      (Bonferroni). It is left out with more than 32 dimensions.

    The statistic is the run's length, negative where the rows are A's, so that B lacks them.
    """
    blocks_N = np.concatenate([moves.blocks_a, moves.blocks_b])
    x_ND = np.concatenate([a_ND, b_ND])[blocks_N != LEFT_OUT]
    blocks_N = blocks_N[blocks_N != LEFT_OUT]
    runs_by_distance = _runs(_distances(x_ND), blocks_N, moves)
    joint = _result("tails", [runs_by_distance], moves)
    if x_ND.shape[1] > _MAX_DIMENSIONS:
        return (joint,)
    runs_by_end = [_runs(order_N, blocks_N, moves) for order_N in _ends(x_ND)]
    return joint, _result("one tail", runs_by_end, moves)


def _result(name: str, candidates: list[_Runs], moves: Exchange) -> TestResult:
    """Return the test of the least likely of several runs."""
    least_likely = min(candidates, key=lambda runs: float(runs.exchanged_p[0]))
    smallest_P = np.min([runs.exchanged_p for runs in candidates], axis=0)
    p_values_P = np.minimum(1, len(candidates) * smallest_P)
    statistic = float(-least_likely.length if least_likely.in_a else least_likely.length)
    note = f"run of outermost rows of one sample, of B if above 0; {moves.note}"
    return TestResult(
        name,
        statistic,
        p_value=float(p_values_P[0]),
        num_permutations=len(p_values_P) - 1,
        num_units=moves.num_units,
        note=note,
        smallest_p=moves.smallest_p,
        exchanged_p=p_values_P,
    )


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


def _runs(order_N: Floats, blocks_N: Ints, moves: Exchange) -> _Runs:
    """Return the runs at the upper end of an order under every exchange; rows that tie count together or not at all."""
    top_K = _outermost(order_N)
    if not top_K.size:
        return _Runs(0, False, np.ones(len(moves.in_a)))
    values_K = order_N[top_K]
    in_a_PK = moves.in_a[:, blocks_N[top_K]] > 0
    same_PK = in_a_PK == in_a_PK[:, :1]
    first_other_P = np.where(same_PK.all(axis=1), top_K.size, same_PK.argmin(axis=1))
    above = np.append(np.searchsorted(-values_K, -values_K, "left"), top_K.size)
    lengths_P = above[first_other_P]
    return _Runs(int(lengths_P[0]), bool(in_a_PK[0, 0]), _chances(blocks_N[top_K], moves)[lengths_P])


def _outermost(order_N: Floats) -> Ints:
    """Return the rows at the upper end, the outermost first: at most 64, and all or none of those that tie."""
    most = min(_MAX_RUN, order_N.size)
    bound = np.partition(order_N, -most)[-most]
    top = np.flatnonzero(order_N >= bound)
    top = top if top.size <= _MAX_RUN else np.flatnonzero(order_N > bound)
    return top[np.argsort(-order_N[top], kind="stable")]


def _chances(blocks_K: Ints, moves: Exchange) -> Floats:
    """Return the chance that an exchange puts the blocks of the first 0, 1 … K rows all on one side, whichever, shape (K + 1,)."""
    num_swaps, (dealt_a, dealt_b) = 2 * moves.num_pairs, moves.num_deals
    fixed_rows = num_swaps + dealt_a + dealt_b
    is_new_K = np.zeros(blocks_K.size, bool)
    is_new_K[np.unique(blocks_K, return_index=True)[1]] = True
    is_swap_K = blocks_K < num_swaps
    is_deal_K = (blocks_K >= num_swaps) & (blocks_K < fixed_rows)
    swap_chance = 0.5 ** _counts(is_new_K & is_swap_K)
    num_dealt = _counts(is_new_K & is_deal_K)
    draws = np.arange(blocks_K.size)
    total = np.zeros(blocks_K.size + 1)
    for side_size, other_fixed in ((dealt_a, fixed_rows + 1), (dealt_b, fixed_rows)):
        shares = np.maximum(side_size - draws, 0) / np.maximum(dealt_a + dealt_b - draws, 1)
        deal_chance = np.append(1.0, np.cumprod(shares))
        is_possible = _counts(blocks_K == other_fixed) == 0
        total += swap_chance * deal_chance[num_dealt] * is_possible
    return np.minimum(1, total)


def _counts(flags_K: NDArray[np.bool_]) -> Ints:
    """Return how many of the first 0, 1 … K are set, shape (K + 1,)."""
    return np.append(0, np.cumsum(flags_K))
