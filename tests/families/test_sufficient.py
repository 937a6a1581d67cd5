"""A draw of statistics has the law of the statistics of draws."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heirloom import config
from heirloom.errors import HeirloomError
from heirloom.families import algebra, gaussian, sufficient
from heirloom.runtime.streams import Stream
from heirloom.specs.gaussian import GaussianSampling, GaussianTraining
from heirloom.steps.common import naming
from heirloom.theory import replace_log_determinant

COVARIANCE = np.array([[2.0, 0.6, 0.0], [0.6, 1.0, -0.3], [0.0, -0.3, 0.5]])


def both(dim: int, num_rows: int, replicas: int = 20_000) -> tuple[sufficient.Statistics, sufficient.Statistics]:
    model = gaussian.Model(np.full((replicas, dim), 3.0), np.tile(COVARIANCE[:dim, :dim], (replicas, 1, 1)))
    (x_RND,) = gaussian.sample(model, None, num_rows, GaussianSampling(), Stream((0, "rows")))
    return gaussian.draw(model, num_rows, GaussianSampling(), Stream((0, "statistics"))), sufficient.summarise(x_RND)


def z_of_difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    error = np.sqrt(one.var(axis=0) / len(one) + other.var(axis=0) / len(other))
    return (one.mean(axis=0) - other.mean(axis=0)) / error


@pytest.mark.parametrize(("dim", "num_rows"), [(1, 2), (1, 9), (3, 4), (3, 9)])
def test_mean_scatter_and_their_squares_agree_with_those_of_rows(dim: int, num_rows: int) -> None:
    by_rows, counted = both(dim, num_rows)
    assert by_rows.num_rows == counted.num_rows == num_rows
    for power in (1, 2):
        assert np.abs(z_of_difference(by_rows.mean**power, counted.mean**power)).max() < 4
        assert np.abs(z_of_difference(by_rows.scatter**power, counted.scatter**power)).max() < 4
    mixed = [statistics.mean[:, :1] * statistics.scatter[:, 0] for statistics in (by_rows, counted)]
    assert np.abs(z_of_difference(*mixed)).max() < 4


@pytest.mark.parametrize(("dim", "num_rows"), [(1, 9), (3, 9)])
def test_the_log_determinant_has_its_closed_form_and_no_neighbours(dim: int, num_rows: int) -> None:
    by_rows, _ = both(dim, num_rows)
    lost = np.linalg.slogdet(by_rows.scatter / num_rows)[1] - np.linalg.slogdet(COVARIANCE[:dim, :dim])[1]
    curve = np.array([0.0, *replace_log_determinant(num_rows, 2, dim)])
    z = (lost.mean() - curve) / (lost.std() / np.sqrt(len(lost)))
    assert abs(z[1]) < 4
    assert np.abs(z[[0, 2]]).min() > 6


def test_a_union_of_sets_has_the_statistics_of_their_rows() -> None:
    x_RND = Stream((0, "x")).generator().standard_normal((2, 9, 3)) + 5
    statistics = sufficient.summarise(x_RND)
    merged = sufficient.union([sufficient.summarise(x_RND[:, :2]), sufficient.summarise(x_RND[:, 2:3]), sufficient.summarise(x_RND[:, 3:])])
    assert merged.num_rows == 9
    np.testing.assert_allclose(merged.mean, statistics.mean, rtol=1e-13)
    np.testing.assert_allclose(merged.scatter, statistics.scatter, rtol=1e-11)


def test_more_replicas_leave_the_draws_of_earlier_ones_alone() -> None:
    few, many = (both(3, 5, replicas)[0] for replicas in (2, 5))
    assert np.array_equal(many.mean[:2], few.mean)
    assert np.array_equal(many.scatter[:2], few.scatter)


def test_as_few_rows_as_dimensions_and_draws_from_earlier_rows_are_refused() -> None:
    with pytest.raises(HeirloomError, match=r"needs more synthetic rows than dimensions \(3\), got 3"):
        both(3, 3, replicas=1)
    by_rows, _ = both(1, 9, replicas=1)
    with pytest.raises(HeirloomError, match=r"cannot draw from rows of earlier generations \(`budget: drawn`\)"):
        gaussian.subset(by_rows, 4, Stream(()))


def test_a_fit_to_one_row_is_refused_with_the_unbiased_divisor() -> None:
    with pytest.raises(HeirloomError, match="divisor 'n-1' needs at least 2 rows, got 1"):
        gaussian.fitted(sufficient.summarise(np.ones((1, 1, 1))), GaussianTraining(divisor="n-1"))


def experiment(**changes: Any) -> dict[str, Any]:
    body = {"family": {"name": "gaussian", "path": "statistics"}, "source": {"name": "normal", "rows": 9}, "regimes": ["any"]}
    return body | {"generations": 2, "rows": 9, "granularity": "chain"} | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"granularity": "step"}, "path: statistics has no rows to hand from job to job; it needs granularity: chain"),
        (
            {"family": {"name": "gaussian", "path": "statistics", "training": {"precision": "float16"}}},
            "precision float16 acts on rows, so it needs path: rows",
        ),
    ],
)
def test_what_needs_rows_is_refused_in_one_line(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(HeirloomError, match=message) as caught:
        config.parse({"regimes": {"any": {}}, "experiments": {"toy": experiment(**changes)}})
    assert "\n" not in str(caught.value)


def test_bad_input_that_comes_to_light_in_a_generation_names_it() -> None:
    with pytest.raises(HeirloomError, match=r"^generation 7: needs more rows$"), naming(7):
        raise HeirloomError("needs more rows")


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_the_scatter_of_many_rows_is_taken_replica_by_replica_to_the_same_bytes(dim: int) -> None:
    x = Stream(("rows", dim)).generator().normal(size=(5, 30_000, dim))
    mean = x.mean(axis=1)
    centred = x - mean[:, None, :]
    at_once = mean, np.matmul(centred.transpose(0, 2, 1), centred)
    for in_parts, at_once_part in zip(algebra.scatter(x), at_once, strict=True):
        assert in_parts.tobytes() == at_once_part.tobytes()
