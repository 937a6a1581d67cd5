"""How far apart two laws of words are, and is it more than chance: distance, permutation tests, perplexity under the origin."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from heirloom.diffs.cells import Hashes, Ragged
from heirloom.diffs.result import Distribution, Measure, Test
from heirloom.runtime.streams import Stream
from heirloom.stats.direction import direction, is_decidable
from heirloom.stats.divergence import corrected_distance
from heirloom.stats.exchange import exchange, row_keys
from heirloom.stats.permutation import NUM_PERMUTATIONS, TestResult, dealt_means, two_sided
from heirloom.stats.perplexity import compare_perplexities
from heirloom.stats.samples import TextSample
from heirloom.stats.step_down import adjusted_p
from heirloom.stats.text_tests import text_tests

Floats = NDArray[np.float64]

_UNSEEN = {"words": "order, capitals, digits, punctuation and other signs are", "tokens": "the order of tokens is"}
"""What counts of a unit do not show; words are folded runs of letters."""


def of_text(
    samples: tuple[TextSample, TextSample],
    unit: Literal["words", "tokens"],
    scored: tuple[Floats, ...] | None,
    stream: Stream,
    notes: Sequence[str] = (),
    caveat: str = "",
) -> Distribution:
    """Return how the words are distributed.

    Parameters
    ----------
    samples
        The sampled rows of A and of B.
    unit
        What the rows consist of.
    scored
        Perplexities under the origin of the first rows of A, of B, and of held-out real rows; None without an origin.
    """
    a, b = samples
    text = text_tests(a, b, stream.child("text"))
    results = [*text.results]
    if scored:
        results.append(_perplexity_test(a, b, scored, stream))
    return Distribution(
        distance_name="Jensen-Shannon distance of words",
        distance=corrected_distance(text.divergence_bits, text.chance_bits),
        uncorrected=corrected_distance(text.divergence_bits, 0),
        direction=direction(results),
        tests=adjusted(results),
        measures=tuple(_perplexity_measures(scored)) if scored else (),
        sampled=(len(a.offsets) - 1, len(b.offsets) - 1),
        notes=(*notes, caveat) if caveat else tuple(notes),
        caveat=caveat,
        is_decidable=is_decidable(results),
        tested=f"{unit[:-1]} counts{' and perplexity' if scored else ''}",
        untested=f"{_UNSEEN[unit]} {'tested by perplexity alone' if scored else 'not tested'}",
    )


def text_sample(words: Ragged, keys: Hashes, content: Hashes, repetition: NDArray[np.float32]) -> TextSample:
    """Return rows of words as the tests want them, with their length and repetition as features."""
    rows = np.repeat(np.arange(len(words.lengths)), words.lengths)
    ordered = np.sort(rows * (1 << 32) + words.values, kind="stable")  # rows stand in order already
    repeats = ordered[1:][ordered[1:] == ordered[:-1]]
    num_repeats = np.bincount(repeats >> 32, minlength=len(words.lengths))
    features = {
        "row length": words.lengths.astype(np.float64),
        "distinct share of a row": (words.lengths - num_repeats) / np.maximum(words.lengths, 1),
        "repetition": repetition.astype(np.float64),
    }
    return TextSample(words.values, words.offsets, keys.view(np.int64), content.view(np.int64), features)


def adjusted(results: Sequence[TestResult]) -> tuple[Test, ...]:
    """Return the tests, corrected for their number."""
    values = adjusted_p(results)
    return tuple(
        Test(result.name, result.statistic, result.p_value, float(value), result.num_units, result.note)
        for result, value in zip(results, values, strict=True)
    )


def _perplexity_test(a: TextSample, b: TextSample, scored: tuple[Floats, ...], stream: Stream) -> TestResult:
    logs_a, logs_b = (np.log(perplexities)[:, None] for perplexities in scored[:2])
    keys_a = None if a.keys is None else a.keys[: len(logs_a)]
    keys_b = None if b.keys is None else b.keys[: len(logs_b)]
    keys = row_keys(keys_a, keys_b, len(logs_a), len(logs_b))
    moves = exchange(*keys, stream.child("perplexity"), NUM_PERMUTATIONS)
    mean_a, mean_b = dealt_means(logs_a, logs_b, moves)
    differences = (mean_b - mean_a)[:, 0]
    result = two_sided("perplexity", differences, moves, "mean log perplexity under the origin, B - A beyond chance")
    return replace(result, exchanged_p=None)


def _perplexity_measures(scored: tuple[Floats, ...]) -> Iterator[Measure]:
    comparison = compare_perplexities(*scored)
    for level, value in comparison.quantiles_a.items():
        yield Measure(f"perplexity under the origin, {100 * level:g} % quantile", value, comparison.quantiles_b[level])
    yield Measure("rows less surprising than 99 % of real rows", comparison.beyond_a[0], comparison.beyond_b[0])
    yield Measure("rows more surprising than 99 % of real rows", comparison.beyond_a[1], comparison.beyond_b[1])
