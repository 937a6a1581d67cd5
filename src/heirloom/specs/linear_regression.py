"""The `linear_regression` family in config."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from heirloom.specs.base import NoTraining, Strict


class LinearRegressionTraining(NoTraining):
    """How a linear regression is fitted: by least squares, with the origin's features handed on."""

    start: Literal["origin"] = Field("origin", description="Every generation labels the rows of features that the origin was trained on.")


class LinearRegressionSampling(Strict):
    """How a linear regression labels rows."""

    noise: float = Field(1.0, ge=0, description="Standard deviation of the noise that is added to each label.")


class LinearRegression(Strict):
    """Least squares on labels of the generation before, on one fixed design (Gerstgrasser et al. 2024)."""

    name: Literal["linear_regression"]
    training: LinearRegressionTraining = LinearRegressionTraining()
    sampling: LinearRegressionSampling = LinearRegressionSampling()
