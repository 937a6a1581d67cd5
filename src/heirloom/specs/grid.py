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
    labels_of = {name: list(axis.values) for name, axis in axes.items()}
    if design == "crossed":
        for combination in itertools.product(*labels_of.values()):
            yield dict(zip(axes, combination, strict=True))
        return
    baseline = {name: labels[0] for name, labels in labels_of.items()}
    yield baseline
    for name, labels in labels_of.items():
        for label in labels[1:]:
            yield {**baseline, name: label}
    opposite = {name: labels[-1] for name, labels in labels_of.items()}
    num_switches = sum(baseline[name] != opposite[name] for name in axes)
    if num_switches > 1:
        yield opposite


def size(axes: Mapping[str, Axis], design: Design) -> int:
    """Return how many variants `points` yields, without making them."""
    if design == "crossed":
        return math.prod(len(axis.values) for axis in axes.values())
    return sum(1 for _ in points(axes, design))
