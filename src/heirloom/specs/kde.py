"""The `kde` family in config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from heirloom.specs.base import NoSettings, Strict

if TYPE_CHECKING:
    from heirloom.specs.source import TextSettings


class KdeTraining(Strict):
    """How a kernel density estimate smooths its rows."""

    bandwidth: Annotated[float, Field(gt=0)] | Literal["scott"] = Field(
        "scott",
        description="One number: the kernel's standard deviation in every dimension, in units of x. "
        "`scott`: the rows' covariance times n^(-2 / (dimensions + 4)).",
    )

    def fit(self, generation: int, text: TextSettings | None) -> KdeTraining:
        """Return the settings of one generation's fit: the same for all."""
        return self


class Kde(Strict):
    """A kernel density estimate with a Gaussian kernel, refitted to its own draws."""

    name: Literal["kde"]
    training: KdeTraining = KdeTraining()
    sampling: NoSettings = NoSettings()

    @property
    def fewest_rows(self) -> int:
        """Rows that a fit needs."""
        return 2 if self.training.bandwidth == "scott" else 1
