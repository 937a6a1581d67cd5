"""The `gaussian` family in config."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Sampling, Training
from heirloom.specs.declaration import DensityFamily
from heirloom.specs.prior import VariancePrior, prior
from heirloom.specs.schedules import Scheduling


class GaussianTraining(Training):
    """How a Gaussian is fitted."""

    divisor: Literal["n", "n-1"] = Field("n", description="Divisor of the covariance: `n` (maximum likelihood) or `n-1` (unbiased).")
    precision: Literal["float16", "bfloat16", "float32", "float64"] = Field(
        "float64",
        description="Floating-point type of the model and of the arithmetic of fitting and sampling; rows are rounded to it. "
        "Types other than float64 are for one dimension.",
    )
    prior: VariancePrior | None = prior()


class GaussianSampling(Scheduling, Sampling):
    """How a Gaussian writes."""

    scheduled: ClassVar[tuple[str, ...]] = ("temperature",)

    temperature: float = Field(
        1.0,
        gt=0.0,
        le=1000.0,
        description="Factor of the covariance that rows are drawn with; the density is the model's to the power of 1 / temperature.",
    )


class Gaussian(DensityFamily):
    """A d-dimensional Gaussian, refitted to its own draws (Shumailov et al. 2024, the one-dimensional Gaussian)."""

    abilities = frozenset({"weigh", "select", "repair", "statistics", "closed_forms"})
    absorbs_by_rounding = True

    name: Literal["gaussian"]
    path: Literal["rows", "statistics"] = Field(
        "rows",
        description="`rows`: every row is drawn and recorded; `statistics`: only the mean and covariance of a generation's rows are "
        "drawn, equal in law and far faster; there are no rows to look at. Needs `granularity: chain`.",
    )
    training: GaussianTraining = GaussianTraining()
    sampling: GaussianSampling = GaussianSampling()

    @property
    def fewest_rows(self) -> int:
        """Rows that a fit needs."""
        return 1 + self.ddof

    @property
    def has_rows(self) -> bool:
        """Whether synthetic rows are drawn, and not only their mean and covariance."""
        return self.path == "rows"

    def fewest_drawn(self, dim: int) -> int:
        """Return how many rows a covariance that is drawn must stand for: more than dimensions (Wishart 1928)."""
        return dim + 1

    @property
    def divisor(self) -> Literal["n", "n-1"]:
        """Divisor of the covariance."""
        return self.training.divisor

    @property
    def ddof(self) -> int:
        """What the divisor of the covariance lacks to the number of rows."""
        return {"n": 0, "n-1": 1}[self.training.divisor]

    @property
    def is_rounded(self) -> bool:
        """Whether its arithmetic is rounded on purpose."""
        return self.training.precision != "float64"

    @model_validator(mode="after")
    def _statistics_are_exact(self) -> Self:
        if self.is_rounded and not self.has_rows:
            raise ValueError(f"path: statistics is for float64; precision {self.training.precision} acts on rows, so it needs path: rows")
        if self.is_rounded and self.training.prior:
            raise ValueError(f"training.prior is for float64, not for precision {self.training.precision}")
        return self
