"""Rows without a known unit: where they depend on their neighbours, blocks trade places, and the answer says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from heirloom.diffs.belonging import UNIT_COLUMNS
from heirloom.runtime.streams import Stream
from heirloom.stats import neighbours
from heirloom.stats.samples import Floats, Ints, TextSample, VectorSample

Sample = TypeVar("Sample", TextSample, VectorSample)
Texts = tuple[TextSample, TextSample]
Vectors = tuple[VectorSample, VectorSample]


def of_text(samples: Texts, stream: Stream) -> tuple[Texts, str]:
    """Return two samples, with blocks of neighbours as keys if rows depend, and what is to be said then."""
    largest_type = max(int(sample.types.max(initial=0)) for sample in samples)
    num_types = largest_type + 1
    a, b = (neighbours.word_vectors(sample.types, sample.offsets, num_types, stream) for sample in samples)
    return _blocked(samples, (a, b))


def of_vectors(samples: Vectors, stream: Stream) -> tuple[Vectors, str]:
    """Return the same for vectors."""
    a, b = (neighbours.directions(sample.x, stream) for sample in samples)
    return _blocked(samples, (a, b))


def _blocked(samples: tuple[Sample, Sample], numbers: tuple[Floats, Floats]) -> tuple[tuple[Sample, Sample], str]:
    dependence = neighbours.dependence(numbers)
    if dependence is None:
        return samples, ""
    caveat = (
        f"rows resemble the rows up to {dependence.max_lag:,} before them ({dependence.strength:.0f} standard deviations above chance) "
        f"and no column {_or(UNIT_COLUMNS)} says what belongs together, so the level of 5 % is not guaranteed"
    )
    a, b = samples
    if _share_keys(a.keys, b.keys):
        return samples, caveat
    keys_a, keys_b = neighbours.block_keys(len(numbers[0]), len(numbers[1]), dependence.max_lag)
    return (replace(a, keys=keys_a), replace(b, keys=keys_b)), caveat


def _share_keys(a: Ints | None, b: Ints | None) -> bool:
    return a is not None and b is not None and bool(np.isin(a, b).any())


def _or(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
