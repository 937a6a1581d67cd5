from __future__ import annotations

import numpy as np
import pytest

from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.errors import HeirloomError
from heirloom.families import discrete, linear_regression
from heirloom.families.base import Measuring
from heirloom.measures import categorical
from heirloom.runtime.streams import Stream
from heirloom.specs.base import NoSettings
from heirloom.specs.linear_regression import LinearRegressionSampling, LinearRegressionTraining

STREAM = Stream((0, "discrete"))


def model(replicas: int, counts: tuple[int, ...] = (6, 3, 1)) -> categorical.Counts:
    return categorical.count(np.tile(np.repeat(np.arange(len(counts)), counts), (replicas, 1)))


def frequency_z(counts: categorical.Counts, kind: int, p: float, spread: float, rows: int) -> float:
    """Return z of the mean count of a type over replicas; ``spread`` is its variance a replica."""
    total = counts.counts[counts.types == kind].sum()
    return float((total / counts.num_replicas - rows * p) / np.sqrt(spread / counts.num_replicas))


def test_rows_and_counts_are_drawn_from_the_same_law() -> None:
    (rows,) = discrete.sample(model(4000), None, 5, NoSettings(), STREAM)
    by_rows = categorical.count(rows[..., 0].astype(np.int64))
    by_counts = discrete.draw(model(4000), 5, NoSettings(), STREAM)
    for counts in (by_rows, by_counts):
        assert set(counts.num_rows.tolist()) == {5}
        for kind, p in enumerate((0.6, 0.3, 0.1)):
            assert abs(frequency_z(counts, kind, p, 5 * p * (1 - p), 5)) < 4
        lost = 1 - np.bincount(counts.types, minlength=3) / 4000
        expected = np.array([0.4, 0.7, 0.9]) ** 5
        assert (np.abs(lost - expected) < 4 * np.sqrt(expected * (1 - expected) / 4000)).all()


def test_a_subset_has_the_spread_of_a_draw_without_replacement() -> None:
    counts = discrete.subset(model(4000), 9, STREAM)
    of_first = np.full(4000, 0)
    of_first[counts.replica[counts.types == 0]] = counts.counts[counts.types == 0]
    assert set(of_first.tolist()) == {5, 6}  # one of ten rows is left out
    assert abs(((of_first == 5).mean() - 0.6) / np.sqrt(0.24 / 4000)) < 4
    with pytest.raises(HeirloomError, match="`rows` needs 11 rows, but the union it draws from has 10"):
        discrete.subset(model(2), 11, STREAM)


@pytest.mark.parametrize("how", ["rows", "counts", "subset"])
def test_more_replicas_leave_the_draws_of_earlier_ones_alone(how: str) -> None:
    def draw(replicas: int) -> list[int]:
        if how == "rows":
            (rows,) = discrete.sample(model(replicas), None, 7, NoSettings(), STREAM)
            return list(rows[:2, :, 0].reshape(-1))
        counts = discrete.draw(model(replicas), 7, NoSettings(), STREAM) if how == "counts" else discrete.subset(model(replicas), 7, STREAM)
        first = slice(0, int(counts.starts[2]))
        return [*counts.types[first], *counts.counts[first]]

    assert draw(2) == draw(5)


def test_a_law_with_one_type_left_is_absorbed_and_one_without_a_truth_cannot_be_measured() -> None:
    truth = {"kind": "weights", "weights": [2, 1, 1]}
    measured = discrete.measure(model(1, (10,)), model(1), Measuring(1, truth=truth))
    assert measured["absorbed"] == 1
    assert measured["types"] == 1
    assert measured["lost_mass"] == 0.5
    assert measured["survival.1"] == 0
    with pytest.raises(HeirloomError, match="its source must be `categorical`"):
        discrete.measure(model(1), model(1), Measuring(1))


X = np.array([[[1.0, 0.0, 2.0], [0.0, 1.0, 3.0], [1.0, 1.0, 5.0]]])


def regression(x_RNW: np.ndarray, start: linear_regression.Model | None = None) -> linear_regression.Model:
    return linear_regression.train(Dataset.of(vector_table(x_RNW)), LinearRegressionTraining(), start, STREAM)


def test_least_squares_of_labels_without_noise_has_the_weights_that_made_them() -> None:
    assert regression(X).weights == pytest.approx(np.array([[2.0, 3.0]]))


def test_the_origins_features_are_labelled_anew_by_every_later_model() -> None:
    origin = regression(X)
    later = regression(np.concatenate([X[:, ::-1], X * 2], axis=1), start=origin)
    (rows,) = linear_regression.sample(later, None, 3, LinearRegressionSampling(noise=0), STREAM)
    assert rows == pytest.approx(X)
    with pytest.raises(HeirloomError, match="`rows` is 4, but the design has 3"):
        next(linear_regression.sample(later, None, 4, LinearRegressionSampling(), STREAM))


def test_rows_that_do_not_determine_the_weights_are_refused() -> None:
    with pytest.raises(HeirloomError, match="1 rows do not determine 2 weights"):
        regression(X[:, :1])
