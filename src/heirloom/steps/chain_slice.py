"""The slice of a whole lineage, and those of the steps inside it, which leave out what it says once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from pydantic import Field

from heirloom.errors import HeirloomError
from heirloom.specs.base import Strict
from heirloom.specs.packages import Package
from heirloom.specs.population import Seat
from heirloom.specs.programs import Program
from heirloom.specs.until import Until
from heirloom.steps import slices

_SHARED_FIELDS = frozenset({"regime", "seed", "seat", "generation", "code", "num_threads", "package"})
_Step = TypeVar("_Step", bound=slices.GenerationSlice)


class Member(Strict):
    """What the lineage of a member of a population depends on beside what all members share.

    Attributes
    ----------
    steps
        Step → its slice at generation 1.
    package
        The package that its family comes from, if it is not Heirloom's own.
    """

    seat: Seat
    steps: dict[str, slices.Settings]
    package: slices.NonDefault[Package] | None = None


class Slice(slices.LineageSlice):
    """What a lineage that runs in one job depends on, or the lineages of a population.

    Attributes
    ----------
    snapshots
        Generations that are written.
    steps
        Step → its slice at generation 1; of a population none.
    population
        The members whose lineages the job runs together, in the order of the config; none where it runs one.
    path
        ``statistics`` where rows are never drawn.
    until
        Where it stops before its last generation, if anywhere.
    program
        What trains and samples all of it, where a program of the user's does.
    """

    name = "chain"

    generations: int
    snapshots: list[int]
    steps: dict[str, slices.Settings] = Field({})
    population: list[Member] = Field([])
    path: str | None = None
    until: Until | None = None
    program: slices.NonDefault[Program] | None = None

    def lineages(self) -> list[Slice]:
        """Return the slice of each lineage that the job runs: itself, or one for each member of the population."""
        shared = self.model_copy(update={"population": []})
        return [shared.model_copy(update=dict(member)) for member in self.population] or [self]

    def is_last(self, generation: int, metrics: Mapping[str, float]) -> bool:
        """Return whether a generation with these metrics is the last one.

        Raises
        ------
        HeirloomError
            If it does not have the measure that decides.
        """
        if self.until is None:
            return False
        value = metrics.get(self.until.measure, metrics.get(f"{self.until.measure}.mean"))
        if value is None:
            measured = ", ".join(sorted({name.removesuffix(".mean") for name in metrics if "." not in name.removesuffix(".mean")}))
            raise HeirloomError(f"generations.until.measure is {self.until.measure!r}, but generation {generation} measures {measured}")
        return value > self.until.above

    def has(self, step: type[slices.GenerationSlice]) -> bool:
        """Return whether the lineage has a step."""
        return step.name in self.steps

    def part(self, step: type[_Step]) -> _Step:
        """Return the slice of one of the lineage's steps, at generation 1."""
        shared_fields = {"regime": self.regime, "seed": self.seed, "generation": 1, "code": self.code, "num_threads": self.num_threads}
        seat_field = {"seat": self.seat} if self.seat else {}
        return step.model_validate(self.steps[step.name] | shared_fields | seat_field)


def parts(steps: Iterable[slices.GenerationSlice]) -> dict[str, slices.Settings]:
    """Return step → slice, without what a chain's own slice says once."""
    return {step.name: _step_fields(step) for step in steps}


def _step_fields(step: slices.GenerationSlice) -> slices.Settings:
    return {key: value for key, value in step.json_fields().items() if key not in _SHARED_FIELDS}
