"""Did the law of the text change? Tests of tokens, types, repeats and any number per row.

Without keys, rows count as independent, and rows that both samples share make the tests conservative. To compare two revisions
that share most rows, compare what was removed with what was added, or with what was kept if nothing was added.

Shapes: N rows, P permutations (the first is the data), M blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.stats.exchange import LEFT_OUT, Exchange, exchange, row_keys
from heirloom.stats.permutation import NUM_PERMUTATIONS, TestResult, dealt_means, one_sided, two_sided
from heirloom.stats.samples import Floats, Ints, TextSample
from heirloom.stats.token_blocks import token_statistics


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


def text_tests(a: TextSample, b: TextSample, stream: Stream, num_permutations: int = NUM_PERMUTATIONS) -> TextTests:
    """Test two text samples for a difference of law.

    Correct for many tests with `heirloom.stats.step_down.adjusted_p` over all results.

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
    if not (tokens.tokens_a[0] and tokens.tokens_b[0]):
        raise HeirloomError("comparing text needs a token in each sample, and one has none")
    results = [
        one_sided("divergence", tokens.divergence_bits, moves, "Jensen-Shannon divergence in bits, as counted"),
        two_sided("entropy", tokens.entropy_difference, moves, "entropy of tokens in nats, B - A beyond chance"),
        two_sided("types", tokens.types_b - tokens.types_a, moves, "number of types, B - A beyond chance"),
    ]
    if a.content is not None and b.content is not None:
        repeats_P = _repeats(a.content, b.content, moves)
        results.append(two_sided("repeated rows", repeats_P, moves, "share of rows that repeat another of their sample, B - A"))
    results += _feature_tests(a.features, b.features, moves)
    return TextTests(tuple(results), float(tokens.divergence_bits[0]), float(tokens.divergence_bits[1:].mean()))


def _feature_tests(a: Mapping[str, Floats], b: Mapping[str, Floats], moves: Exchange) -> list[TestResult]:
    if set(a) != set(b):
        raise HeirloomError(f"features must be the same in both samples, got {sorted(a)} and {sorted(b)}")
    results = []
    for name in a:
        values_a, values_b = _column(name, a, moves.blocks_a.size), _column(name, b, moves.blocks_b.size)
        mean_a, mean_b = dealt_means(values_a, values_b, moves)
        scale = float(max(np.abs(values_a).max(), np.abs(values_b).max()))
        results.append(two_sided(name, (mean_b - mean_a)[:, 0], moves, f"mean of {name}, B - A beyond chance", scale))
    return results


def _column(name: str, features: Mapping[str, Floats], num_rows: int) -> Floats:
    values_N = np.asarray(features[name], dtype=np.float64)
    if values_N.shape != (num_rows,) or not np.isfinite(values_N).all():
        raise HeirloomError(f"feature {name} needs one finite number for each of {num_rows} rows")
    return values_N[:, None]


def _repeats(content_a: Ints, content_b: Ints, moves: Exchange) -> Floats:
    """Return the share of rows that repeat another row of their own side, B - A, under every exchange.

    A repeated content is a type with one token per row: repeats = rows - different contents. A content that occurs once repeats
    nothing wherever it is dealt, so it is left out of that count.
    """
    content_N = np.concatenate([content_a, content_b])
    codes_N, counts = np.unique(content_N, return_inverse=True, return_counts=True)[1:]
    codes_a, codes_b = np.split(codes_N, [content_a.size])
    statistics = token_statistics(_repeated_rows(codes_a, counts), _repeated_rows(codes_b, counts), moves)
    repeats_a = statistics.tokens_a - statistics.types_a
    repeats_b = statistics.tokens_b - statistics.types_b
    blocks = np.concatenate([moves.blocks_a, moves.blocks_b])
    rows_M = np.bincount(blocks[blocks != LEFT_OUT], minlength=moves.in_a.shape[1])
    rows_a = moves.in_a.astype(np.float64) @ rows_M
    rows_b = rows_M.sum() - rows_a
    return repeats_b / rows_b - repeats_a / rows_a


def _repeated_rows(codes_N: Ints, counts: Ints) -> TextSample:
    """Return rows as texts of one token, their content; of none where the content occurs once in both samples together."""
    is_repeated_N = counts[codes_N] > 1
    offsets = np.concatenate([[0], np.cumsum(is_repeated_N)])
    return TextSample(codes_N[is_repeated_N], offsets)
