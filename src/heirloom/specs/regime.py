"""Regimes in config: which rows a generation's training set is mixed from, declared and never programmed."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Strict


class Original(Strict):
    """Rows from the original set: the real rows that the origin was trained on."""

    share: float = Field(ge=0.0, le=1.0, description="Rows taken, as a share of the experiment's `rows` (0 to 1).")
    draw: Literal["fixed", "redrawn"] = Field(
        "redrawn", description="`fixed`: the same rows in every generation; `redrawn`: a new draw each generation."
    )


class Regime(Strict):
    """How generation g's training set is mixed. Shares are of the experiment's `rows`, the row budget of a generation."""

    original: Original | None = Field(None, description="Rows kept from the original set.")
    fresh: float = Field(0.0, ge=0.0, le=1.0, description="Share of real rows that no model of the lineage has seen before (0 to 1).")
    pool: float = Field(
        0.0, ge=0.0, le=1.0, description="Share of real rows redrawn from the whole real training pool (0 to 1); 1 is the control."
    )
    synthetic: Literal["latest", "all", "none"] = Field(
        "latest", description="Synthetic sets offered: the newest, those of every generation so far, or none."
    )
    budget: Literal["fixed", "grows", "drawn"] = Field(
        "fixed",
        description="`fixed`: `rows` rows, synthetic ones filling what the real shares leave; `grows`: the union of everything "
        "offered; `drawn`: `rows` rows drawn evenly from that union.",
    )

    @property
    def real_share(self) -> float:
        """Rows that are real for certain, as a share of the budget."""
        return (self.original.share if self.original else 0.0) + self.fresh + self.pool

    @model_validator(mode="after")
    def _budget_is_met(self) -> Self:
        if self.budget == "fixed" and self.real_share > 1.0 + 1e-9:
            raise ValueError(f"the real shares add up to {self.real_share:g}; with `budget: fixed` at most 1 is allowed")
        if self.synthetic == "none" and abs(self.real_share - 1.0) > 1e-9:
            raise ValueError(f"without synthetic rows the real shares must add up to 1, not {self.real_share:g}")
        if self.synthetic == "all" and self.budget == "fixed":
            raise ValueError("`synthetic: all` needs `budget: grows` (keep everything) or `budget: drawn` (draw `rows` from it)")
        return self
