"""Fewer of many, where there is no room for all: spread evenly over a sequence, or on a geometric scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def evenly_spaced(values: Sequence[T], most: int) -> list[T]:
    """Return all values, or at most ``most`` of them spread evenly over their order, the first and the last among them."""
    places = np.linspace(0, len(values) - 1, min(len(values), most))
    distinct = sorted({round(place) for place in places.tolist()})
    return [values[place] for place in distinct]


def geometrically_spaced(last: int, most: int) -> list[int]:
    """Return 1 … last, or at most ``most`` of these numbers on a geometric scale, both ends among them."""
    if last <= most:
        return list(range(1, last + 1))
    return sorted({round(number) for number in np.geomspace(1, last, most).tolist()})
