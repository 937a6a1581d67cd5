"""A grid in config: axes whose labelled values stand for many experiments, and which of their combinations are run."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, StringConstraints

from heirloom.artefacts.kinds import NAME
from heirloom.specs.base import Strict

Name = Annotated[str, StringConstraints(pattern=f"^{NAME}$", max_length=64)]

Point = dict[str, str]
"""One variant: axis → label."""

Design = Literal["crossed", "switched"]
DESIGNS: tuple[str, ...] = get_args(Design)


class Axis(Strict):
    """One axis of a grid: a key of the experiment and its labelled values."""

    key: str = Field(description="Dotted key inside the experiment, such as `family.training.divisor`.")
    values: dict[Name, Any] = Field(min_length=1, description="Label → value; labels name the variants.")


def points(axes: Mapping[str, Axis], design: Design) -> Iterator[Point]:
    """Yield the variants of a grid.

    Parameters
    ----------
    design
        ``crossed``: every combination of labels. ``switched``: all first labels, each other label alone, and all last labels together:
        what `report.attribution` needs and no more.
    """
    if design == "crossed":
        yield from (dict(zip(axes, labels, strict=True)) for labels in itertools.product(*(axis.values for axis in axes.values())))
        return
    first, last = ({name: list(axis.values)[end] for name, axis in axes.items()} for end in (0, -1))
    yield first
    yield from ({**first, name: label} for name, axis in axes.items() for label in list(axis.values)[1:])
    if sum(first[name] != last[name] for name in axes) > 1:
        yield last


def size(axes: Mapping[str, Axis], design: Design) -> int:
    """Return how many variants `points` yields, without making them."""
    return math.prod(len(axis.values) for axis in axes.values()) if design == "crossed" else sum(1 for _ in points(axes, design))
