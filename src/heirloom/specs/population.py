"""Populations in config: models that live together, whose rows each of them reads, and which part of the source it has.

Legend of shapes: M members; a matrix of weights has a row for each reader and a column for each writer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, cast

from pydantic import Field

from heirloom.errors import HeirloomError
from heirloom.specs.base import Many, Strict
from heirloom.specs.grid import Axis, Name
from heirloom.specs.sizes import MOST_MEMBERS, MOST_ROWS

SELF, OTHERS, ALL = "self", "others", "all"
WORDS = (SELF, OTHERS, ALL)
"""What weights may name beside the members: the reader itself, all but the reader, all."""

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Weights = dict[Name, Share]

_TOLERANCE = 1e-9


class Population(Strict):
    """Members that live together, as a config file has them."""

    members: Annotated[int, Field(ge=1, le=MOST_MEMBERS)] | Annotated[dict[Name, Axis], Field(min_length=1)] = Field(
        description="How many copies of the experiment there are (m1, m2, …), or axes as a grid has them, each point of which is a member."
    )
    synthetic_from: Weights | dict[Name, Weights] = Field(
        {ALL: 1.0},
        description="Whose rows a member's synthetic rows are: shares by `self`, `others` (evenly), `all` (evenly) or a member's name, "
        "which add up to 1; or such shares for each member by its name.",
    )
    public: Share = Field(
        0.0, description="Share of the real training pool that every member reads (0 to 1). The rest is cut into segments."
    )
    shares: Weights | None = Field(
        None, description="Each member's share of the real rows that are not public, by its name; by default equal shares."
    )
    rows: Annotated[int, Field(ge=1, le=MOST_ROWS)] | None = Field(
        None, description="The `rows` of all members together, of which each has an equal part; in place of the experiment's own `rows`."
    )


class Seat(Strict):
    """A member's place in its population.

    Attributes
    ----------
    name
        The member.
    members
        All members, in the order of the config.
    """

    name: Name
    members: Many[Name]

    @property
    def number(self) -> int:
        """The member's place in the order of the config, from 0."""
        return self.members.index(self.name)


class Exchange(Strict):
    """What the members of a population read.

    Attributes
    ----------
    weights
        Shares of each reader's synthetic rows by writer, M rows of M numbers.
    shares
        Shares of the real rows that are not public, M numbers.
    public
        Share of the real pool that all read.
    """

    weights: Many[Many[float]]
    shares: Many[float]
    public: float = 0.0

    def counts(self, rows: int) -> list[list[int]]:
        """Return how many of its ``rows`` synthetic rows each reader has of each writer, M lists of M."""
        return [apportioned(rows, weights, reader) for reader, weights in enumerate(self.weights)]

    def segment(self, number: int, pool_rows: int) -> tuple[int, range]:
        """Return how many rows of a shuffled pool are public, its first ones, and where a member's own segment lies."""
        num_public = round(self.public * pool_rows)
        sizes = apportioned(pool_rows - num_public, self.shares)
        start = num_public + sum(sizes[:number])
        return num_public, range(start, start + sizes[number])


class Membership(Strict):
    """What an experiment that is a member of a population knows of it; set by expansion.

    Attributes
    ----------
    prefix
        What stands before a member's name in the name of its experiment.
    has_copies
        Whether the members differ in nothing but their names.
    """

    prefix: str
    seat: Seat
    exchange: Exchange
    has_copies: bool = False

    @property
    def experiments(self) -> list[str]:
        """The experiments of all members, in the order of the config."""
        return [f"{self.prefix}{name}" for name in self.seat.members]

    @property
    def writers(self) -> list[str]:
        """The experiments whose synthetic rows the member reads, in the order of the config."""
        weights = self.exchange.weights[self.seat.number]
        return [experiment for experiment, weight in zip(self.experiments, weights, strict=True) if weight]

    def share_rows(self, pool_rows: int) -> int:
        """Return how many rows of the real pool the member reads: the public ones and its own segment."""
        num_public, segment = self.exchange.segment(self.seat.number, pool_rows)
        return num_public + len(segment)


def apportioned(total: int, weights: Sequence[float], first: int = 0) -> list[int]:
    """Return whole numbers in the ratio of weights that add up to a total, by the method of the largest remainder.

    Among equal remainders the entry ``first`` is served first, then those after it, around the circle: where all readers have equal
    weights, each writer is then read as much as any other.
    """
    exact = [total * weight / sum(weights) for weight in weights]
    counts = [int(number + _TOLERANCE) for number in exact]

    def rank(entry: int) -> tuple[float, int]:
        return round(counts[entry] - exact[entry], 9), (entry - first) % len(weights)

    for entry in sorted(range(len(weights)), key=rank)[: total - sum(counts)]:
        counts[entry] += 1
    return counts


def matrix(synthetic_from: Mapping[str, float] | Mapping[str, Mapping[str, float]], members: Sequence[str]) -> list[list[float]]:
    """Return the weights of a population, a row for each reader.

    Raises
    ------
    HeirloomError
        If weights name nobody, do not add up to 1, or are not given for each member.
    """
    by_reader = cast("Mapping[str, Mapping[str, float]]", synthetic_from)
    if not any(isinstance(weights, Mapping) for weights in synthetic_from.values()):
        by_reader = dict.fromkeys(members, cast("Mapping[str, float]", synthetic_from))
    check_names(by_reader, members)
    missing = [name for name in members if name not in by_reader]
    if missing:
        raise HeirloomError(f"says nothing of {', '.join(missing)}; shares by member must be given for each")
    return [_row(by_reader[name], name, members) for name in members]


def check_names(weights: Mapping[str, object], members: Sequence[str], words: Sequence[str] = ()) -> None:
    """Raise HeirloomError if weights name something that is no member, and none of some words."""
    unknown = [name for name in weights if name not in (*members, *words)]
    if unknown:
        raise HeirloomError(f"{', '.join(unknown)} names no member; the names are {', '.join((*words, *members))}")


def check_sum(weights: Mapping[str, float], of_whom: str = "") -> None:
    """Raise HeirloomError if weights do not add up to 1."""
    total = sum(weights.values())
    if abs(total - 1.0) > _TOLERANCE:
        raise HeirloomError(f"the shares{of_whom} add up to {total:g}, not to 1")


def _row(weights: Mapping[str, float], reader: str, members: Sequence[str]) -> list[float]:
    """Return a reader's weights of all writers."""
    check_names(weights, members, WORDS)
    check_sum(weights, f" of {reader}")
    others = [name for name in members if name != reader]
    row = dict.fromkeys(members, 0.0)
    for word, weight in weights.items():
        writers = {SELF: [reader], OTHERS: others, ALL: members}.get(word, [word])
        if weight and not writers:
            raise HeirloomError(f"`{OTHERS}` has a share of {weight:g}, but {reader} is the only member")
        for writer in writers:
            row[writer] += weight / len(writers)
    return [*row.values()]
