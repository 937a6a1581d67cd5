"""Repair in config: how a generation's model is moved after its training, before anybody reads or samples it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from heirloom.specs.base import Start, Strict

Base = Literal["origin", "previous"]


class Extrapolate(Strict):
    """Away from the model that was trained on own output: base + w (base - trained)."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True, validate_by_alias=True)

    w: float = Field(
        ge=-1.0,
        le=1000.0,
        description="How far beyond the base, in steps from the trained model to it: 0 is the base, -1 the trained model, unchanged.",
    )
    base: Base = Field(
        alias="from", description="The model that the step is taken from, which the training must begin from: `origin` or `previous`."
    )


class Repair(Strict):
    """How a generation's model is moved along the line between it and another model of its lineage."""

    extrapolate: Extrapolate | None = Field(None, description="Away from the trained model, beyond the model that its training began from.")
    merge: Annotated[float, Field(gt=0.0, lt=1.0)] | None = Field(
        None, description="Share of the origin's weights in the mean of the trained model's and the origin's (0 to 1)."
    )

    @property
    def base(self) -> Base:
        """The model that the trained one is moved along with."""
        return self.extrapolate.base if self.extrapolate else "origin"

    @property
    def base_share(self) -> float:
        """Share b of the base in b base + (1 - b) trained: 1 + w of an extrapolation, which is above 1 for w > 0."""
        return 1.0 + self.extrapolate.w if self.extrapolate else float(self.merge or 0.0)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.extrapolate is None) == (self.merge is None):
            raise ValueError("repair is either `extrapolate: {w: …, from: origin|previous}` or `merge: share`")
        return self

    def start_faults(self, start: Start) -> Iterator[str]:
        """Yield why a network that is trained from some weights cannot be repaired: the two lie in no common valley."""
        if self.extrapolate is not None and self.extrapolate.base != start:
            start_words = f"family.training.start is {start!r}; the two must be the same"
            yield f"`repair.extrapolate.from` is {self.extrapolate.base!r}, but {start_words}"
        if self.merge is not None and start == "scratch":
            yield "`repair.merge` needs weights that began from the origin's start, but family.training.start is 'scratch'"
