"""What each measure means, in words: its name, group, unit, definition, and the direction in which collapse moves it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from heirloom import strict_yaml
from heirloom.measures import stages
from heirloom.specs.base import Strict

FILE = Path(__file__).with_name("measure_words.yaml")
OTHERS = "others"
"""The group of measures that have no words, such as those of the user's own."""
STATISTICS = {
    "mean": "mean over chains",
    "median": "median over chains",
    "q01": "1 % quantile",
    "q05": "5 % quantile",
    "q95": "95 % quantile",
    "q99": "99 % quantile",
}
"""Ends of a metric's name that summarise replicas or rows."""
DIRECTIONS = {-1: "falls when a model collapses", 1: "rises when a model collapses"}


class MeasureWords(NamedTuple):
    """What a reader is told of a metric.

    Attributes
    ----------
    direction
        How collapse moves it, in words; empty where that is not declared.
    """

    words: str
    group: str
    unit: str
    definition: str
    direction: str


class _Entry(Strict):
    words: str = Field(description="The name in words; {} stands for the part of a measure that has parts.")
    group: str
    unit: str
    definition: str


class _File(Strict):
    groups: list[str]
    measures: dict[str, _Entry]


def groups() -> list[str]:
    """Return the groups of a menu in their order."""
    return _file().groups


def of_metric(metric: str) -> MeasureWords:
    """Return what a reader is told of a metric such as ``tail_survival.17-64`` or ``covariance_trace.median``.

    The longest name that is declared counts. A metric without one is told by its name.
    """
    entries = _file().measures
    name = metric
    while name and name not in entries:
        name = name.rpartition(".")[0]
    if not name:
        return MeasureWords(metric, OTHERS, "", "", _direction(metric))
    entry, part = entries[name], metric[len(name) + 1 :]
    words = _words(entry.words, part)
    return MeasureWords(words, entry.group, entry.unit, entry.definition, _direction(metric))


def _words(words: str, part: str) -> str:
    """Return the words of a measure with its part: in the place that they have for it, or after a comma."""
    told_part = STATISTICS.get(part, part.replace("-", "\N{EN DASH}"))
    if "{}" in words:
        is_of_rows = part in STATISTICS
        return words.replace("{}", told_part.removesuffix(" over chains") if is_of_rows else told_part).rstrip(", ")
    return f"{words}, {told_part}" if part else words


def _direction(metric: str) -> str:
    """Return in which direction collapse moves a metric or the measure that it summarises."""
    measure, _, statistic = metric.rpartition(".")
    names = (metric, measure) if statistic in STATISTICS else (metric,)
    sign = next((stages.DIRECTIONS[name] for name in names if name in stages.DIRECTIONS), 0)
    return DIRECTIONS.get(sign, "")


@cache
def _file() -> _File:
    raw, _ = strict_yaml.read(FILE)
    return _File.model_validate(raw)
