"""Narrow floating-point types: every value is of the type, and a chain is absorbed."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.errors import HeirloomError
from heirloom.families import gaussian, precision
from heirloom.families.base import Measuring
from heirloom.runtime.streams import Stream
from heirloom.specs.gaussian import GaussianSampling, GaussianTraining

NAMES = ["float16", "bfloat16", "float32", "float64"]
TRUTH = {"mean": [0.0], "covariance": [[1.0]]}


def fit(name: str) -> GaussianTraining:
    return GaussianTraining.model_validate({"precision": name})


def test_bfloat16_rounds_to_eight_bits_after_every_operation() -> None:
    mean, variance = precision.mean_and_variance(np.array([[1.0, 1.0 + 2**-7, 3.0]]), "bfloat16", ddof=1)
    # from the first row: 0.0078125 + 2 rounds to 2, 2 / 3 to 0.66796875, and 1 + that to 1.671875
    assert mean.astype(float).tolist() == [1.671875]
    assert mean.dtype == variance.dtype == ml_dtypes.bfloat16


@pytest.mark.parametrize("num_rows", [1, 2, 7, 100])
def test_in_float64_it_is_the_mean_and_variance(num_rows: int) -> None:
    x_RN = Stream((0, "x")).generator().standard_normal((3, num_rows))
    mean, variance = precision.mean_and_variance(x_RN, "float64", ddof=0)
    np.testing.assert_allclose(mean, x_RN.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(variance, x_RN.var(axis=1), rtol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_model_checkpoint_and_draws_are_of_the_type(name: str, tmp_path: Path) -> None:
    x_RND = Stream((0, "x")).generator().standard_normal((2, 9, 1))
    model = gaussian.train(Dataset.of(vector_table(x_RND)), fit(name), None, Stream(()))
    gaussian.save(model, tmp_path / "checkpoint")
    loaded = gaussian.load(tmp_path / "checkpoint")
    assert loaded.mean.dtype == loaded.covariance.dtype == precision.dtype(name)
    (rows,) = gaussian.sample(loaded, None, 50, GaussianSampling(), Stream((0, "sample")))
    assert rows.dtype == np.float64
    assert np.array_equal(rows.astype(precision.dtype(name)).astype(np.float64), rows)


def test_a_sum_that_the_type_cannot_hold_is_refused() -> None:
    with pytest.raises(HeirloomError, match=r"family.training.precision: float16 cannot hold a sum over 2 rows"):
        precision.mean_and_variance(np.array([[40_000.0, -40_000.0]]), "float16", ddof=0)


def test_narrow_types_are_for_one_dimension() -> None:
    with pytest.raises(HeirloomError, match="float32 is for one dimension, the rows have 2"):
        gaussian.train(Dataset.of(vector_table(np.ones((1, 3, 2)))), fit("float32"), None, Stream(()))


def test_a_coarser_type_absorbs_sooner_and_an_absorbed_chain_stays_so() -> None:
    shares = {name: absorbed_share(name, generations=150) for name in ("float16", "float64")}
    assert shares["float64"] < 0.5
    assert shares["float16"] > 0.9


def absorbed_share(name: str, generations: int) -> float:
    model = gaussian.Model(np.ones((200, 1), precision.dtype(name)), np.ones((200, 1, 1), precision.dtype(name)))
    ended = np.zeros(200, dtype=bool)
    for generation in range(generations):
        (x_RND,) = gaussian.sample(model, None, 5, GaussianSampling(), Stream((0, generation)))
        model = gaussian.train(Dataset.of(vector_table(x_RND)), fit(name), None, Stream(()))
        assert not model.covariance[ended].any()
        ended = model.covariance[:, 0, 0] == 0
    measured = gaussian.measure(model, model, Measuring(1, truth=TRUTH))
    assert measured["absorbed.mean"] == ended.mean()
    assert ("log_determinant.mean" in measured) == (not ended.any())
    return float(ended.mean())
