"""What all parts of the configuration have in common: unknown keys are refused and nothing changes after reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from heirloom.specs.sizes import MOST_TOKENS

if TYPE_CHECKING:
    from heirloom.specs.text import TextSettings


_Item = TypeVar("_Item")
Many = Annotated[tuple[_Item, ...], Field(strict=False)]
"""A list in the file, which cannot be changed after reading."""


class Strict(BaseModel):
    """Base of every configuration model: frozen, no unknown keys, no NaN or infinity, and no value that is taken for one of another type.

    An integer is an integer: neither `true` nor 3.0 nor text. A number may be written as an integer. The validator of a model is
    built when it is first asked for, because a config asks for one that holds nearly all others.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True, defer_build=True)


class Sampling(Strict):
    """Base of what says how rows are written: a family's `sampling` section."""

    @property
    def continues_rows(self) -> bool:
        """Whether a synthetic row continues an original one."""
        return False

    @property
    def num_beams(self) -> int:
        """Beams of the search by which a row is written; 1 where it is drawn."""
        return 1

    @property
    def is_served(self) -> bool:
        """Whether a server writes rows."""
        return False

    @property
    def borrows_engine(self) -> bool:
        """Whether another engine than the model's own writes rows, which holds the weights a second time."""
        return False

    def at(self, generation: int) -> Self:
        """Return the settings by which a generation's rows are written: the same for all, unless they have a schedule."""
        return self


class TextSampling(Sampling):
    """Base of what says how text is written."""

    new_tokens: int | None = Field(
        None, ge=1, le=MOST_TOKENS, description="Tokens written; set from source.text.new_tokens; not for config files."
    )


class NoSettings(Sampling):
    """The section of a step that has nothing to choose."""


Start = Literal["scratch", "pretrained", "origin", "previous"]


class Training(Strict):
    """Base of what says how models are trained: a family's `training` section, and the settings of one generation's fit."""

    @property
    def begins_from(self) -> Start:
        """Weights that a generation's training begins from; the defaults are those of a fit that needs none."""
        return "scratch"

    def fit_settings(self, generation: int, text: TextSettings | None) -> Training:
        """Return the settings of one generation's fit and nothing else: here the same for all.

        Parameters
        ----------
        text
            How the source's text becomes rows; None for vectors.

        Raises
        ------
        ValueError
            If the fit needs something of the text that the source does not say.
        """
        return self


class NoTraining(Training):
    """The training section of a family whose fit has nothing to choose."""


Prompts = Literal["original", "none"]
PROMPTS: Any = Field(
    "original",
    description="What a synthetic row continues: an `original` row, or `none`, so that no real token is read: the context is the "
    "end-of-document token, which stands in no training row.",
)
