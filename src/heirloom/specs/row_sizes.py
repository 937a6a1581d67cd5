"""How many rows a generation has, as a regime says it."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from heirloom.specs.schedules import Scheduling


class Sizes(Scheduling):
    """How many rows a generation has, from the experiment's `rows`."""

    scheduled: ClassVar[tuple[str, ...]] = ("scale", "multiple")

    growth: float = Field(
        0.0,
        ge=0.0,
        le=4.0,
        description="Exponent of the sample-size schedule: generation g has a budget of scale x rows x (g + 1)^growth rows, rounded. "
        "0 is constant, 1 linear, more is superlinear.",
    )
    scale: float = Field(
        1.0,
        gt=0.0,
        le=1000.0,
        exclude_if=lambda scale: scale == 1,
        description="Factor of the budget; a list has one for each generation from 1 on.",
    )
    multiple: float = Field(1.0, gt=0.0, le=1000.0, description="Synthetic rows sampled in a generation, as a multiple of its budget.")

    def budget_rows(self, rows: int, generation: int) -> int:
        """Return the row budget of a generation, scale × rows × (generation + 1)^growth, from the experiment's ``rows`` per replica."""
        scale = self.at(generation).scale
        return max(1, round(scale * rows * (generation + 1) ** self.growth))

    @property
    def candidates(self) -> int:
        """Candidates that are sampled for each row, one set of rows after the other."""
        return 1

    def candidate_rows(self, rows: int, generation: int) -> int:
        """Return how many rows a set of candidates has: those that are continued or labelled anew, from the experiment's ``rows``."""
        return max(1, round(self.at(generation).multiple * self.budget_rows(rows, generation)))

    def sampled_rows(self, rows: int, generation: int) -> int:
        """Return how many synthetic rows a generation is given by its parent, from the experiment's ``rows`` (rows per replica)."""
        return self.candidates * self.candidate_rows(rows, generation)


class Draws(Sizes):
    """How many rows a generation has, and how many candidates are sampled for each."""

    best_of: int = Field(1, ge=1, le=1000, description="Candidates that are sampled for each row.")

    @property
    def candidates(self) -> int:
        """Candidates that are sampled for each row."""
        return self.best_of
