"""The `linear_regression` family in config."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from heirloom.specs.base import Sampling, Training
from heirloom.specs.declaration import FamilySpec
from heirloom.specs.model_size import ModelSize


class LinearRegressionTraining(Training):
    """How a linear regression is fitted: by least squares, with the origin's features handed on."""

    start: Literal["origin"] = Field("origin", description="Every generation labels the rows of features that the origin was trained on.")

    @property
    def begins_from(self) -> Literal["origin"]:
        """Which model the features are taken from."""
        return self.start


class LinearRegressionSampling(Sampling):
    """How a linear regression labels rows."""

    noise: float = Field(1.0, ge=0, description="Standard deviation of the noise that is added to each label.")


class LinearRegression(FamilySpec):
    """Least squares on labels of the generation before, on one fixed design (Gerstgrasser et al. 2024)."""

    sources = ("linear",)
    abilities = frozenset({"select", "closed_forms"})
    relabels = True
    headlines = ("squared_error",)

    name: Literal["linear_regression"]
    training: LinearRegressionTraining = LinearRegressionTraining()
    sampling: LinearRegressionSampling = LinearRegressionSampling()

    def size(self, rows: int, row_numbers: int, vocabulary: int) -> ModelSize:
        """Return the size of one replica's model: a weight for each feature, and the features of all rows."""
        return ModelSize((rows + 1) * (row_numbers - 1))
