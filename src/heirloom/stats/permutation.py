"""Is the difference more than chance? Permutation tests of two samples, exact whatever the law of the rows.

p = (1 + permutations at least as extreme) / (1 + permutations): Phipson and Smyth 2010, "Permutation p-values should never
be zero", eq. 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from heirloom.stats.samples import TextSample, VectorSample
from heirloom.streams import Stream

NUM_PERMUTATIONS = 499
"""Smallest p is 1 / 500, so that Holm's correction can still say 5 % over 25 tests."""


@dataclass(frozen=True)
class TestResult:
    """One test.

    Parameters
    ----------
    name
        ``divergence``, ``entropy``, ``types``, ``repeated rows``, a feature's name; ``mean``, ``spread``, ``marginals``,
        ``energy``.
    statistic
        In the unit the note names; signed (B - A) where a direction makes sense.
    p_value
        Two-sided, in (0, 1], before Holm's correction.
    num_permutations, num_units
        Permutations drawn; exchangeable units (pairs, prompts, articles or rows) that they moved.
    note
        What the statistic is, and what was exchanged, in words.
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
    """Every test of two text samples, and the expected divergence under equality.

    Parameters
    ----------
    results
        ``divergence``, ``entropy`` (nats, B - A), ``types`` (B - A), ``repeated rows`` (share, B - A) and one a feature.
    divergence_bits, chance_divergence_bits
        Jensen-Shannon divergence as counted, and its mean over permutations: what equal laws would show. The difference is
        the corrected divergence (see `heirloom.stats.divergence.corrected_distance`).
    """

    results: tuple[TestResult, ...]
    divergence_bits: float
    chance_divergence_bits: float


def text_tests(a: TextSample, b: TextSample, stream: Stream, num_permutations: int = NUM_PERMUTATIONS) -> TextTests:
    """Test two text samples for a difference of law. Apply `heirloom.stats.holm.holm` over all results."""
    raise NotImplementedError


def vector_tests(a: VectorSample, b: VectorSample, stream: Stream, num_permutations: int = NUM_PERMUTATIONS) -> tuple[TestResult, ...]:
    """Test two vector samples for a difference of law: ``mean``, ``spread``, ``marginals``, ``energy``."""
    raise NotImplementedError
