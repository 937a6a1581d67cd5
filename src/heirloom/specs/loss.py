"""The loss of a language model in config, where it is not the cross-entropy alone."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Strict


class Loss(Strict):
    """What is minimised in place of the cross-entropy, in every training of the lineage, generation 0's too."""

    truncated: Annotated[float, Field(gt=0.0, lt=1.0)] | None = Field(
        None,
        description="Tokens that the model gives at least this probability already are not learnt; the mean still runs over all tokens "
        "(0 to 1). Null learns all.",
    )
    label_smoothing: float = Field(
        0.0, ge=0.0, lt=1.0, description="Share of each label that is spread evenly over the vocabulary (0 to 1); 0 is none."
    )

    @model_validator(mode="after")
    def _differs(self) -> Self:
        if self.truncated is None and not self.label_smoothing:
            raise ValueError("loss needs `truncated`, `label_smoothing` or both; without them leave it out")
        return self
