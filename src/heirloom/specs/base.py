"""What all parts of the configuration have in common: unknown keys are refused and nothing changes after reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from heirloom.specs.source import TextSettings


_Item = TypeVar("_Item")
Many = Annotated[tuple[_Item, ...], Field(strict=False)]
"""A list in the file, which cannot be changed after reading."""


class Strict(BaseModel):
    """Base of every configuration model: frozen, no unknown keys, no NaN or infinity, and no value that is taken for one of another type.

    An integer is an integer: neither `true` nor 3.0 nor text. A number may be written as an integer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class NoSettings(Strict):
    """The section of a step that has nothing to choose."""


class NoTraining(NoSettings):
    """The training section of a family whose fit has nothing to choose."""

    def fit(self, generation: int, text: TextSettings | None) -> Self:
        """Return the settings of one generation's fit: none."""
        return self


Prompts = Literal["original", "none"]
PROMPTS: Any = Field(
    "original",
    description="What a synthetic row continues: an `original` row, or `none`, so that no real token is read: the context is the "
    "end-of-document token, which stands in no training row.",
)
