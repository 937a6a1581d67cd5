"""The `kde` family in config."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from heirloom.specs.base import NoSettings, Training
from heirloom.specs.declaration import DensityFamily
from heirloom.specs.model_size import ModelSize


class KdeTraining(Training):
    """How a kernel density estimate smooths its rows."""

    bandwidth: Annotated[float, Field(gt=0)] | Literal["scott"] = Field(
        "scott",
        description="One number: the kernel's standard deviation in every dimension, in units of x. "
        "`scott`: the rows' covariance times n^(-2 / (dimensions + 4)).",
    )


class Kde(DensityFamily):
    """A kernel density estimate with a Gaussian kernel, refitted to its own draws."""

    abilities = frozenset({"select", "closed_forms"})

    name: Literal["kde"]
    training: KdeTraining = KdeTraining()
    sampling: NoSettings = NoSettings()

    @property
    def fewest_rows(self) -> int:
        """Rows that a fit needs."""
        return 2 if self.training.bandwidth == "scott" else 1

    def size(self, rows: int, row_numbers: int, vocabulary: int) -> ModelSize:
        """Return the size of one replica's model: the rows that it smooths, and the kernel's covariance."""
        return ModelSize(rows * row_numbers + row_numbers**2)
