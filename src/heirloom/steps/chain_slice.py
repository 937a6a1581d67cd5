"""The slice of a whole lineage, and those of the steps inside it, which leave out what it says once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from heirloom.steps import slices

_ONCE = frozenset({"regime", "seed", "generation", "code", "num_threads"})
_Part = TypeVar("_Part", bound=slices.GenerationSlice)


class Slice(slices.LineageSlice):
    """What a lineage that runs in one job depends on.

    Attributes
    ----------
    snapshots
        Generations that are written.
    steps
        Step → its slice at generation 1.
    path
        ``statistics`` where rows are never drawn.
    """

    name = "chain"

    generations: int
    snapshots: list[int]
    steps: dict[str, slices.Settings]
    path: str | None = None

    def has(self, part: type[slices.GenerationSlice]) -> bool:
        """Return whether the lineage has a step."""
        return part.name in self.steps

    def part(self, part: type[_Part]) -> _Part:
        """Return the slice of one of the lineage's steps, at generation 1."""
        once = {"regime": self.regime, "seed": self.seed, "generation": 1, "code": self.code, "num_threads": self.num_threads}
        return part.model_validate(self.steps[part.name] | once)


def parts(steps: Iterable[slices.GenerationSlice]) -> dict[str, slices.Settings]:
    """Return step → slice, without what a chain's own slice says once."""
    fields = {step.name: step.json_fields() for step in steps}
    return {name: {key: value for key, value in own.items() if key not in _ONCE} for name, own in fields.items()}
