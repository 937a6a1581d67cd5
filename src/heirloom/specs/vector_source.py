"""Where a vector experiment's real rows come from: one model per source, told apart by ``name``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Strict


class VectorSource(Strict):
    """What all sources of vectors share."""

    rows: int = Field(ge=1, description="Rows in the pool of real training data, for each replica.")
    test_rows: int = Field(1000, ge=1, description="Rows held out for evaluation, for each replica.")


class NormalSource(VectorSource):
    """A d-dimensional normal distribution, drawn afresh for every replica."""

    name: Literal["normal"] = Field(description="The kind of source.")
    dim: int = Field(1, ge=1, description="Dimensions of a row.")
    mean: float | tuple[float, ...] = Field(0.0, description="Mean: one number for all dimensions, or one for each.")
    covariance: Annotated[float, Field(gt=0)] | tuple[tuple[float, ...], ...] = Field(
        1.0,
        description="One number: the standard deviation of every dimension, independent of the others. "
        "Or the full covariance matrix, by rows.",
    )

    @model_validator(mode="after")
    def _shapes_agree(self) -> Self:
        if isinstance(self.mean, tuple) and len(self.mean) != self.dim:
            raise ValueError(f"mean has {len(self.mean)} numbers, dim is {self.dim}")
        if isinstance(self.covariance, tuple):
            _check_covariance(self.covariance, self.dim)
        return self


def _check_covariance(rows: tuple[tuple[float, ...], ...], dim: int) -> None:
    import numpy as np

    if [len(row) for row in rows] != [dim] * dim:
        raise ValueError(f"covariance must have {dim} rows of {dim} numbers (dim is {dim})")
    matrix = np.array(rows)
    if not np.array_equal(matrix, matrix.T):
        raise ValueError("covariance must be symmetric")
    if np.linalg.eigvalsh(matrix)[0] <= 0:
        raise ValueError("covariance must be positive definite")


AnyVectorSource = NormalSource
