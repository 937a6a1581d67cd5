"""Did the law of the vectors change? Tests of place, spread, shape of each dimension, and of anything else.

Shapes: N rows, P permutations (the first is the data), M blocks, D dimensions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist

from heirloom.errors import HeirloomError
from heirloom.stats.exchange import LEFT_OUT, Exchange, exchange, row_keys
from heirloom.stats.permutation import NUM_PERMUTATIONS, TestResult, dealt_means, one_sided, two_sided
from heirloom.stats.samples import Floats, Ints, VectorSample
from heirloom.stats.tails import tail_tests
from heirloom.streams import Stream

MAX_ENERGY_ROWS = 1000
"""Rows of each sample, drawn at random, that the energy test looks at: its cost grows with their square."""

_LEVELS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
_MAX_DETERMINANT = 32


def vector_tests(a: VectorSample, b: VectorSample, stream: Stream, num_permutations: int = NUM_PERMUTATIONS) -> tuple[TestResult, ...]:
    """Test two vector samples for a difference of law.

    - ``mean``: largest difference of means, in standard deviations of the pooled sample, over dimensions.
    - ``spread``: ln det C_B - ln det C_A beyond chance (Wilks 1932, generalised variance); with more than 32 dimensions or a
      degenerate covariance, ln trace C_B - ln trace C_A.
    - ``spread within replicas``, where both samples have replicas: ln trace of the covariance within a replica, mean over rows,
      B - A. Chains that narrow while they wander apart may leave the spread of all together as it was: that one is then called
      ``spread across replicas``, and is no sign of breadth.
    - ``marginals``: largest |F_A - F_B| / sqrt(F (1 - F)) over dimensions and nine quantiles of the pooled sample, from 1 % to
      99 %: Kolmogorov-Smirnov's distance, with the weight of Anderson and Darling 1952 so that tails count.
    - ``tails`` and ``one tail``: how many of the outermost rows of both samples together one sample holds alone
      (`heirloom.stats.tails`).
    - ``energy``: 2 E|X - Y| - E|X - X'| - E|Y - Y'| (Székely and Rizzo 2004, eq. 5), on at most 1,000 rows of each sample,
      which have exchanges of their own where there are more.

    Parameters
    ----------
    a, b
        The samples: equal dimensions, and keys in both or in neither.
    stream, num_permutations
        Where the permutations come from, and how many.

    Raises
    ------
    HeirloomError
        If a sample is empty or holds a number that is not finite, or the samples do not fit each other.
    """
    x_a, x_b = check_vectors(a.x, b.x)
    keys_a, keys_b = row_keys(a.keys, b.keys, len(x_a), len(x_b))
    moves = exchange(keys_a, keys_b, stream, num_permutations)
    spread, within = _spread_test(x_a, x_b, moves), _within_test((x_a, a.replicas), (x_b, b.replicas), moves)
    return (
        one_sided("mean", _mean_statistic(x_a, x_b, moves), moves, "largest difference of means in standard deviations"),
        replace(spread, name="spread across replicas") if within else spread,
        *within,
        one_sided("marginals", _marginal_statistic(x_a, x_b, moves), moves, "largest weighted distance of distribution functions"),
        *tail_tests(x_a, x_b, moves),
        _energy_test((x_a, x_b), (keys_a, keys_b), moves, stream),
    )


def check_vectors(a_ND: Floats, b_ND: Floats) -> tuple[Floats, Floats]:
    """Return both samples as float64.

    Raises
    ------
    HeirloomError
        If they are not two matrices of finite numbers with rows and with the same dimensions.
    """
    a_ND, b_ND = np.asarray(a_ND, dtype=np.float64), np.asarray(b_ND, dtype=np.float64)
    if a_ND.ndim != 2 or b_ND.ndim != 2 or a_ND.shape[1] != b_ND.shape[1] or not a_ND.size or not b_ND.size:
        raise HeirloomError(f"comparing vectors needs rows of equal dimensions in both samples, got shapes {a_ND.shape} and {b_ND.shape}")
    for name, x_ND in (("first", a_ND), ("second", b_ND)):
        if not np.isfinite(x_ND).all():
            raise HeirloomError(f"comparing vectors needs finite numbers, and the {name} sample has {(~np.isfinite(x_ND)).sum()} others")
    return a_ND, b_ND


def _mean_statistic(a_ND: Floats, b_ND: Floats, moves: Exchange) -> Floats:
    centre_D, scale_D = _pooled(a_ND, b_ND)
    mean_a, mean_b = dealt_means((a_ND - centre_D) / scale_D, (b_ND - centre_D) / scale_D, moves)
    return np.asarray(np.abs(mean_b - mean_a).max(axis=1))


def _spread_test(a_ND: Floats, b_ND: Floats, moves: Exchange) -> TestResult:
    centre_D, scale_D = _pooled(a_ND, b_ND)
    if a_ND.shape[1] <= _MAX_DETERMINANT:
        # ln det of the standardised rows differs by the same constant on both sides.
        spread_P = _log_determinants((a_ND - centre_D) / scale_D, (b_ND - centre_D) / scale_D, moves)
        if np.isfinite(spread_P).all():
            return two_sided("spread", spread_P, moves, "log generalised variance, B - A beyond chance")
    spread_P = _log_traces(a_ND - centre_D, b_ND - centre_D, moves)
    return two_sided("spread", spread_P, moves, "log total variance, B - A beyond chance")


def _within_test(a: tuple[Floats, Ints | None], b: tuple[Floats, Ints | None], moves: Exchange) -> list[TestResult]:
    if a[1] is None or b[1] is None:
        return []
    # Rows that are left out of the exchange are left out here: the expected logarithm of a variance hangs on the number of rows.
    scale = float(np.concatenate([a[0], b[0]]).var(axis=0).sum()) or 1.0
    logs_a = _log_traces_within(a[0], a[1], moves.blocks_a != LEFT_OUT, scale)
    logs_b = _log_traces_within(b[0], b[1], moves.blocks_b != LEFT_OUT, scale)
    mean_a, mean_b = dealt_means(logs_a, logs_b, moves)
    return [two_sided("spread within replicas", (mean_b - mean_a)[:, 0], moves, "log total variance in a replica, B - A beyond chance")]


def _log_traces_within(x_ND: Floats, replicas_N: Ints, kept_N: NDArray[np.bool_], scale: float) -> Floats:
    """Return ln trace of the covariance of each row's replica, shape (N, 1), over kept rows; never below 1e-12 of the scale.

    0 where a replica has fewer than two kept rows, on both sides alike.
    """
    codes_N = np.unique(replicas_N, return_inverse=True)[1]
    gather_RN = csr_array((kept_N.astype(np.float64), (codes_N, np.arange(len(x_ND)))))
    rows_R = np.maximum(gather_RN.sum(axis=1), 1)
    centred_ND = x_ND - ((gather_RN @ x_ND) / rows_R[:, None])[codes_N]
    trace_R = (gather_RN @ (centred_ND**2).sum(axis=1)) / rows_R
    log_R = np.where(rows_R > 1, np.log(np.maximum(trace_R, 1e-12 * scale)), 0)
    return np.asarray(log_R[codes_N, None])


def _log_determinants(a_ND: Floats, b_ND: Floats, moves: Exchange) -> Floats:
    rows, columns = np.triu_indices(a_ND.shape[1])
    with_products = [np.hstack([x_ND, x_ND[:, rows] * x_ND[:, columns]]) for x_ND in (a_ND, b_ND)]
    logs = []
    for means in dealt_means(with_products[0], with_products[1], moves):
        first_PD, second_PDD = means[:, : a_ND.shape[1]], np.empty((len(means), a_ND.shape[1], a_ND.shape[1]))
        second_PDD[:, rows, columns] = second_PDD[:, columns, rows] = means[:, a_ND.shape[1] :]
        sign_P, log_P = np.linalg.slogdet(second_PDD - first_PD[:, :, None] * first_PD[:, None, :])
        logs.append(np.where(sign_P > 0, log_P, np.nan))
    return np.asarray(logs[1] - logs[0])


def _log_traces(a_ND: Floats, b_ND: Floats, moves: Exchange) -> Floats:
    with_norms = [np.hstack([x_ND, (x_ND**2).sum(axis=1, keepdims=True)]) for x_ND in (a_ND, b_ND)]
    traces = [part[:, -1] - (part[:, :-1] ** 2).sum(axis=1) for part in dealt_means(with_norms[0], with_norms[1], moves)]
    log_a, log_b = (np.log(np.maximum(trace_P, np.finfo(np.float64).tiny)) for trace_P in traces)
    return np.asarray(log_b - log_a)


def _marginal_statistic(a_ND: Floats, b_ND: Floats, moves: Exchange) -> Floats:
    largest_P = np.zeros(len(moves.in_a))
    both_ND = np.concatenate([a_ND, b_ND])
    for bound_D in np.quantile(both_ND, _LEVELS, axis=0):
        share_D = (both_ND <= bound_D).mean(axis=0)
        weight_D = np.sqrt(np.maximum(share_D * (1 - share_D), 1 / len(both_ND)))
        below_a, below_b = dealt_means((a_ND <= bound_D) / weight_D, (b_ND <= bound_D) / weight_D, moves)
        largest_P = np.maximum(largest_P, np.abs(below_a - below_b).max(axis=1))
    return largest_P


def _energy_test(x: tuple[Floats, Floats], keys: tuple[Ints, Ints], moves: Exchange, stream: Stream) -> TestResult:
    """Return the test of all rows under the exchanges of the other tests, or of some under exchanges of their own."""
    if max(map(len, x)) <= MAX_ENERGY_ROWS:
        return _energy_test_of(*x, moves)
    near_a, near_b = _draw(*keys, stream.child("energy rows"))
    few = exchange(keys[0][near_a], keys[1][near_b], stream.child("energy"), len(moves.in_a) - 1)
    return replace(_energy_test_of(x[0][near_a], x[1][near_b], few), exchanged_p=None)


def _energy_test_of(a_ND: Floats, b_ND: Floats, moves: Exchange) -> TestResult:
    x_ND, blocks_N = np.concatenate([a_ND, b_ND]), np.concatenate([moves.blocks_a, moves.blocks_b])
    x_ND, blocks_N = x_ND[blocks_N != LEFT_OUT], blocks_N[blocks_N != LEFT_OUT]
    rows_M = np.bincount(blocks_N, minlength=moves.in_a.shape[1])
    gather_MN = csr_array((np.ones(blocks_N.size), (blocks_N, np.arange(blocks_N.size))), shape=(rows_M.size, blocks_N.size))
    distance_NN = cdist(x_ND, x_ND)
    distance_MM = gather_MN @ (gather_MN @ distance_NN).T
    in_a = moves.in_a.astype(np.float64)
    weight_PM = in_a / (in_a @ rows_M)[:, None] - (1 - in_a) / ((1 - in_a) @ rows_M)[:, None]
    energy_P = -np.einsum("pm,pm->p", weight_PM @ distance_MM, weight_PM)
    note = f"energy distance of {len(a_ND)} and {len(b_ND)} rows"
    return one_sided("energy", energy_P, moves, note, scale=float(distance_NN.max()))


def _draw(keys_a: Ints, keys_b: Ints, stream: Stream) -> tuple[Ints, Ints]:
    """Return up to MAX_ENERGY_ROWS rows of each sample; keys come in one random order, so that pairs stay together."""
    keys, codes = np.unique(np.concatenate([keys_a, keys_b]), return_inverse=True)
    rank_N = stream.generator().permutation(keys.size)[codes]
    ranks = (rank_N[: keys_a.size], rank_N[keys_a.size :])
    drawn_a, drawn_b = (np.sort(np.argsort(rank, kind="stable")[:MAX_ENERGY_ROWS]) for rank in ranks)
    return drawn_a, drawn_b


def _pooled(a_ND: Floats, b_ND: Floats) -> tuple[Floats, Floats]:
    both_ND = np.concatenate([a_ND, b_ND])
    scale_D = both_ND.std(axis=0)
    return both_ND.mean(axis=0), np.where(scale_D > 0, scale_D, 1)
