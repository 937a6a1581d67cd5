from __future__ import annotations

import numpy as np
import pytest

from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.errors import HeirloomError
from heirloom.families import gaussian
from heirloom.runtime.streams import Stream
from heirloom.specs.gaussian import GaussianSampling, GaussianTraining

X = np.array([[[0.0], [2.0], [4.0]], [[1.0], [1.0], [4.0]]])


def test_the_fit_is_the_mean_and_the_covariance_with_the_chosen_divisor() -> None:
    mle = gaussian.train(Dataset.of(vector_table(X)), GaussianTraining(divisor="n"), None, Stream(()))
    assert mle.mean.tolist() == [[2.0], [2.0]]
    assert mle.covariance[:, 0, 0].tolist() == [8 / 3, 2.0]
    unbiased = gaussian.train(Dataset.of(vector_table(X)), GaussianTraining(divisor="n-1"), None, Stream(()))
    assert unbiased.covariance[:, 0, 0].tolist() == [4.0, 3.0]


def test_one_row_has_no_unbiased_variance() -> None:
    with pytest.raises(HeirloomError, match="divisor 'n-1' needs at least 2 rows, got 1"):
        gaussian.train(Dataset.of(vector_table(X[:, :1])), GaussianTraining(divisor="n-1"), None, Stream(()))


@pytest.mark.parametrize("dim", [1, 3])
def test_draws_have_the_models_mean_and_covariance(dim: int) -> None:
    root = np.tril(np.arange(1.0, dim * dim + 1).reshape(dim, dim))
    covariance = root @ root.T
    model = gaussian.Model(np.full((2, dim), 3.0), np.stack([covariance, covariance]))
    (x,) = gaussian.sample(model, None, 50_000, GaussianSampling(), Stream((0, "draws")))
    standard = np.linalg.solve(root, (x[1] - 3.0).T)
    z_mean = standard.mean(axis=1) * np.sqrt(50_000)
    z_second = (standard @ standard.T / 50_000 - np.eye(dim)) * np.sqrt(50_000 / (1 + np.eye(dim)))
    assert np.abs(z_mean).max() < 4
    assert np.abs(z_second).max() < 4


def test_more_replicas_leave_the_draws_of_earlier_ones_alone() -> None:
    def draw(replicas: int) -> np.ndarray:
        model = gaussian.Model(np.zeros((replicas, 2)), np.stack([np.eye(2)] * replicas))
        return next(gaussian.sample(model, None, 7, GaussianSampling(), Stream((0, "replicas"))))

    assert np.array_equal(draw(2), draw(5)[:2])
