from __future__ import annotations

import numpy as np
import pytest

from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.errors import HeirloomError
from heirloom.families import kde
from heirloom.runtime.streams import Stream
from heirloom.specs.base import NoSettings
from heirloom.specs.kde import KdeTraining

X = np.array([[[0.0], [2.0], [4.0]], [[1.0], [1.0], [4.0]]])


def test_a_number_is_the_kernels_standard_deviation_in_every_dimension() -> None:
    model = kde.train(Dataset.of(vector_table(np.ones((2, 1, 3)))), KdeTraining(bandwidth=0.5), None, Stream(()))
    assert model.kernel[1].tolist() == (0.25 * np.eye(3)).tolist()
    assert np.array_equal(model.x, np.ones((2, 1, 3)))


@pytest.mark.parametrize("dim", [1, 2])
def test_scotts_rule_is_scipys(dim: int) -> None:
    from scipy.stats import gaussian_kde

    x_RND = Stream((0, "x")).generator().standard_normal((2, 9, dim))
    model = kde.train(Dataset.of(vector_table(x_RND)), KdeTraining(), None, Stream(()))
    np.testing.assert_allclose(model.kernel[1], gaussian_kde(x_RND[1].T).covariance, rtol=1e-12)


def test_one_row_has_no_scott_bandwidth() -> None:
    with pytest.raises(HeirloomError, match="Scott's rule needs at least 2 rows, got 1"):
        kde.train(Dataset.of(vector_table(X[:, :1])), KdeTraining(), None, Stream(()))


def test_a_draw_is_a_row_with_kernel_noise() -> None:
    tight = kde.Model(X, np.full((2, 1, 1), 1e-6))
    (x_RND,) = kde.sample(tight, None, 20_000, NoSettings(), Stream((0, "draws")))
    nearest = np.abs(x_RND[0, :, 0, None] - X[0, :, 0])
    shares = np.bincount(nearest.argmin(axis=1)) / 20_000
    assert np.abs((shares - 1 / 3) / np.sqrt(2 / 9 / 20_000)).max() < 4
    z_noise = ((nearest.min(axis=1) ** 2).mean() / 1e-6 - 1) / np.sqrt(2 / 20_000)
    assert abs(z_noise) < 4


def test_more_replicas_leave_the_draws_of_earlier_ones_alone() -> None:
    def draw(replicas: int) -> np.ndarray:
        model = kde.Model(np.tile(X[:1], (replicas, 1, 1)), np.ones((replicas, 1, 1)))
        return next(kde.sample(model, None, 7, NoSettings(), Stream((0, "replicas"))))

    assert np.array_equal(draw(2), draw(5)[:2])
