"""What all parts of the configuration have in common: unknown keys are refused and nothing changes after reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from heirloom.specs.source import TextSettings


class Strict(BaseModel):
    """Base of every configuration model: frozen, no unknown keys, no NaN or infinity."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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
