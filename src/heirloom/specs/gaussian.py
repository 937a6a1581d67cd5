"""The `gaussian` family in config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import NoSettings, Strict

if TYPE_CHECKING:
    from heirloom.specs.source import TextSettings


class GaussianTraining(Strict):
    """How a Gaussian is fitted."""

    divisor: Literal["n", "n-1"] = Field("n", description="Divisor of the covariance: `n` (maximum likelihood) or `n-1` (unbiased).")
    precision: Literal["float16", "bfloat16", "float32", "float64"] = Field(
        "float64",
        description="Floating-point type of the model and of the arithmetic of fitting and sampling; rows are rounded to it. "
        "Types other than float64 are for one dimension.",
    )

    def fit(self, generation: int, text: TextSettings | None) -> GaussianTraining:
        """Return the settings of one generation's fit: the same for all."""
        return self


class Gaussian(Strict):
    """A d-dimensional Gaussian, refitted to its own draws (Shumailov et al. 2024, the one-dimensional Gaussian)."""

    name: Literal["gaussian"]
    path: Literal["rows", "statistics"] = Field(
        "rows",
        description="`rows`: every row is drawn and recorded; `statistics`: only the mean and covariance of a generation's rows are "
        "drawn, equal in law and far faster; there are no rows to look at. Needs `granularity: chain`.",
    )
    training: GaussianTraining = GaussianTraining()
    sampling: NoSettings = NoSettings()

    @property
    def fewest_rows(self) -> int:
        """Rows that a fit needs."""
        return 2 if self.training.divisor == "n-1" else 1

    @model_validator(mode="after")
    def _statistics_are_exact(self) -> Self:
        if self.path == "statistics" and self.training.precision != "float64":
            raise ValueError(f"path: statistics is for float64; precision {self.training.precision} acts on rows, so it needs path: rows")
        return self
