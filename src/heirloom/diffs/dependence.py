"""Rows of which no unit is known: where they depend on their neighbours, neighbours trade places together and the answer says so."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from heirloom.diffs.belonging import UNIT_COLUMNS
from heirloom.stats import neighbours
from heirloom.stats.samples import Floats, Ints, TextSample, VectorSample
from heirloom.streams import Stream

Sample = TypeVar("Sample", TextSample, VectorSample)


def of_text(samples: tuple[TextSample, TextSample], stream: Stream) -> tuple[tuple[TextSample, TextSample], str]:
    """Return two samples of rows without a known unit, with blocks of neighbours as keys if rows depend, and what is to be said then."""
    num_types = max(int(sample.types.max(initial=0)) for sample in samples) + 1
    a, b = (neighbours.of_words(sample.types, sample.offsets, num_types, stream) for sample in samples)
    return _blocked(samples, (a, b))


def of_vectors(samples: tuple[VectorSample, VectorSample], stream: Stream) -> tuple[tuple[VectorSample, VectorSample], str]:
    """Return the same for vectors."""
    a, b = (neighbours.directions(sample.x, stream) for sample in samples)
    return _blocked(samples, (a, b))


def _blocked(samples: tuple[Sample, Sample], numbers: tuple[Floats, Floats]) -> tuple[tuple[Sample, Sample], str]:
    strength = neighbours.depend(numbers)
    if strength is None:
        return samples, ""
    said = (
        f"rows resemble the rows before them ({strength:.0f} standard deviations above chance) and no column {_or(UNIT_COLUMNS)} says what "
        "belongs together: blocks of neighbours trade places, and 5 % of false alarms are not guaranteed"
    )
    a, b = samples
    if _share_keys(a.keys, b.keys):
        return samples, said
    keys_a, keys_b = neighbours.block_keys(*map(len, numbers))
    return (replace(a, keys=keys_a), replace(b, keys=keys_b)), said


def _share_keys(a: Ints | None, b: Ints | None) -> bool:
    return a is not None and b is not None and bool(np.isin(a, b).any())


def _or(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}"
