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
from heirloom.runtime.streams import Stream
from heirloom.stats.exchange import LEFT_OUT, Exchange, exchange, row_keys
from heirloom.stats.permutation import NUM_PERMUTATIONS, TestResult, dealt_means, one_sided, two_sided
from heirloom.stats.samples import Floats, Ints, VectorSample
from heirloom.stats.tails import tail_tests

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
    spread = _spread_test(x_a, x_b, moves)
    spread_within = _spread_within_test((x_a, a.replicas), (x_b, b.replicas), moves)
    if spread_within:
        spread = replace(spread, name="spread across replicas")
    return (
        one_sided("mean", _mean_statistic(x_a, x_b, moves), moves, "largest difference of means in standard deviations"),
        spread,
        *spread_within,
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
    are_alike = a_ND.ndim == b_ND.ndim == 2 and a_ND.shape[1] == b_ND.shape[1]
    if not are_alike or not a_ND.size or not b_ND.size:
        raise HeirloomError(f"comparing vectors needs rows of equal dimensions in both samples, got shapes {a_ND.shape} and {b_ND.shape}")
    for name, x_ND in (("first", a_ND), ("second", b_ND)):
        num_others = np.count_nonzero(~np.isfinite(x_ND))
        if num_others:
            raise HeirloomError(f"comparing vectors needs finite numbers, and the {name} sample has {num_others} others")
    return a_ND, b_ND


def _mean_statistic(a_ND: Floats, b_ND: Floats, moves: Exchange) -> Floats:
    standard_a, standard_b = _standard_scores(a_ND, b_ND)
    mean_a, mean_b = dealt_means(standard_a, standard_b, moves)
    return np.asarray(np.abs(mean_b - mean_a).max(axis=1))


def _spread_test(a_ND: Floats, b_ND: Floats, moves: Exchange) -> TestResult:
    if a_ND.shape[1] <= _MAX_DETERMINANT:
        # ln det of the standardised rows differs by the same constant on both sides.
        standard_a, standard_b = _standard_scores(a_ND, b_ND)
        spread_P = _log_determinants(standard_a, standard_b, moves)
        if np.isfinite(spread_P).all():
            return two_sided("spread", spread_P, moves, "log generalised variance, B - A beyond chance")
    centre_D = np.concatenate([a_ND, b_ND]).mean(axis=0)
    spread_P = _log_traces(a_ND - centre_D, b_ND - centre_D, moves)
    return two_sided("spread", spread_P, moves, "log total variance, B - A beyond chance")


def _spread_within_test(a: tuple[Floats, Ints | None], b: tuple[Floats, Ints | None], moves: Exchange) -> list[TestResult]:
    """Return the test of the spread inside replicas; none where a sample has no replicas. Each sample: its rows and their replicas."""
    (a_ND, replicas_a), (b_ND, replicas_b) = a, b
    if replicas_a is None or replicas_b is None:
        return []
    # Rows that are left out of the exchange are left out here: the expected logarithm of a variance hangs on the number of rows.
    scale = float(np.concatenate([a_ND, b_ND]).var(axis=0).sum()) or 1.0
    logs_a = _log_traces_within(a_ND, replicas_a, moves.blocks_a != LEFT_OUT, scale)
    logs_b = _log_traces_within(b_ND, replicas_b, moves.blocks_b != LEFT_OUT, scale)
    mean_a, mean_b = dealt_means(logs_a, logs_b, moves)
    difference_P = (mean_b - mean_a)[:, 0]
    return [two_sided("spread within replicas", difference_P, moves, "log total variance in a replica, B - A beyond chance")]


def _log_traces_within(x_ND: Floats, replicas_N: Ints, is_dealt_N: NDArray[np.bool_], scale: float) -> Floats:
    """Return ln trace of the covariance of each row's replica, shape (N, 1), over dealt rows; never below 1e-12 of the scale.

    0 where a replica has fewer than two dealt rows, on both sides alike.
    """
    codes_N = np.unique(replicas_N, return_inverse=True)[1]
    gather_RN = csr_array((is_dealt_N.astype(np.float64), (codes_N, np.arange(len(x_ND)))))
    rows_R = np.maximum(gather_RN.sum(axis=1), 1)
    mean_RD = (gather_RN @ x_ND) / rows_R[:, None]
    square_N = ((x_ND - mean_RD[codes_N]) ** 2).sum(axis=1)
    trace_R = (gather_RN @ square_N) / rows_R
    log_trace_R = np.log(np.maximum(trace_R, 1e-12 * scale))
    return np.asarray(np.where(rows_R > 1, log_trace_R, 0)[codes_N, None])


def _log_determinants(a_ND: Floats, b_ND: Floats, moves: Exchange) -> Floats:
    dim = a_ND.shape[1]
    rows, columns = np.triu_indices(dim)
    moments_a = np.hstack([a_ND, a_ND[:, rows] * a_ND[:, columns]])
    moments_b = np.hstack([b_ND, b_ND[:, rows] * b_ND[:, columns]])
    log_determinants = []
    for moments in dealt_means(moments_a, moments_b, moves):
        mean_PD = moments[:, :dim]
        second_PDD = np.empty((len(moments), dim, dim))
        second_PDD[:, rows, columns] = second_PDD[:, columns, rows] = moments[:, dim:]
        covariance_PDD = second_PDD - mean_PD[:, :, None] * mean_PD[:, None, :]
        sign_P, log_P = np.linalg.slogdet(covariance_PDD)
        log_determinants.append(np.where(sign_P > 0, log_P, np.nan))
    return np.asarray(log_determinants[1] - log_determinants[0])


def _log_traces(a_ND: Floats, b_ND: Floats, moves: Exchange) -> Floats:
    moments_a = np.hstack([a_ND, (a_ND**2).sum(axis=1, keepdims=True)])
    moments_b = np.hstack([b_ND, (b_ND**2).sum(axis=1, keepdims=True)])
    log_traces = []
    for moments in dealt_means(moments_a, moments_b, moves):
        trace_P = moments[:, -1] - (moments[:, :-1] ** 2).sum(axis=1)
        log_traces.append(np.log(np.maximum(trace_P, np.finfo(np.float64).tiny)))
    return np.asarray(log_traces[1] - log_traces[0])


def _marginal_statistic(a_ND: Floats, b_ND: Floats, moves: Exchange) -> Floats:
    largest_P = np.zeros(len(moves.in_a))
    pooled_ND = np.concatenate([a_ND, b_ND])
    for bound_D in np.quantile(pooled_ND, _LEVELS, axis=0):
        share_D = (pooled_ND <= bound_D).mean(axis=0)
        variance_D = np.maximum(share_D * (1 - share_D), 1 / len(pooled_ND))
        weight_D = np.sqrt(variance_D)
        below_a, below_b = dealt_means((a_ND <= bound_D) / weight_D, (b_ND <= bound_D) / weight_D, moves)
        largest_P = np.maximum(largest_P, np.abs(below_a - below_b).max(axis=1))
    return largest_P


def _energy_test(x: tuple[Floats, Floats], keys: tuple[Ints, Ints], moves: Exchange, stream: Stream) -> TestResult:
    """Return the test of all rows under the exchanges of the other tests, or of some under exchanges of their own."""
    a_ND, b_ND = x
    if max(len(a_ND), len(b_ND)) <= MAX_ENERGY_ROWS:
        return _energy_test_of_rows(a_ND, b_ND, moves)
    rows_a, rows_b = _row_sample(*keys, stream.child("energy rows"))
    moves_of_rows = exchange(keys[0][rows_a], keys[1][rows_b], stream.child("energy"), len(moves.in_a) - 1)
    return replace(_energy_test_of_rows(a_ND[rows_a], b_ND[rows_b], moves_of_rows), exchanged_p=None)


def _energy_test_of_rows(a_ND: Floats, b_ND: Floats, moves: Exchange) -> TestResult:
    blocks_N = np.concatenate([moves.blocks_a, moves.blocks_b])
    x_ND = np.concatenate([a_ND, b_ND])[blocks_N != LEFT_OUT]
    blocks_N = blocks_N[blocks_N != LEFT_OUT]
    rows_M = np.bincount(blocks_N, minlength=moves.in_a.shape[1])
    cells = blocks_N, np.arange(blocks_N.size)
    gather_MN = csr_array((np.ones(blocks_N.size), cells), shape=(rows_M.size, blocks_N.size))
    distance_NN = cdist(x_ND, x_ND)
    distance_MM = gather_MN @ (gather_MN @ distance_NN).T
    in_a_PM = moves.in_a.astype(np.float64)
    in_b_PM = 1 - in_a_PM
    num_rows_a, num_rows_b = in_a_PM @ rows_M, in_b_PM @ rows_M
    weight_PM = in_a_PM / num_rows_a[:, None] - in_b_PM / num_rows_b[:, None]
    energy_P = -np.einsum("pm,pm->p", weight_PM @ distance_MM, weight_PM)
    note = f"energy distance of {len(a_ND)} and {len(b_ND)} rows"
    return one_sided("energy", energy_P, moves, note, scale=float(distance_NN.max()))


def _row_sample(keys_a: Ints, keys_b: Ints, stream: Stream) -> tuple[Ints, Ints]:
    """Return up to MAX_ENERGY_ROWS rows of each sample; keys come in one random order, so that pairs stay together."""
    keys, codes = np.unique(np.concatenate([keys_a, keys_b]), return_inverse=True)
    rank_N = stream.generator().permutation(keys.size)[codes]
    rank_a, rank_b = np.split(rank_N, [keys_a.size])
    return _first_rows(rank_a), _first_rows(rank_b)


def _first_rows(rank_N: Ints) -> Ints:
    order_N = np.argsort(rank_N, kind="stable")
    return np.sort(order_N[:MAX_ENERGY_ROWS])


def _standard_scores(a_ND: Floats, b_ND: Floats) -> tuple[Floats, Floats]:
    """Return both samples less the mean of all their rows, in standard deviations of all; 1 stands for a deviation of 0."""
    pooled_ND = np.concatenate([a_ND, b_ND])
    centre_D, deviation_D = pooled_ND.mean(axis=0), pooled_ND.std(axis=0)
    scale_D = np.where(deviation_D > 0, deviation_D, 1)
    return (a_ND - centre_D) / scale_D, (b_ND - centre_D) / scale_D
