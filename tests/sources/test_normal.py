"""Rows of the normal source have the distribution that the specification states, replica by replica."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from heirloom import sources
from heirloom.runtime.streams import Stream
from heirloom.sources import normal
from heirloom.specs.vector_source import NormalSource

STREAM = Stream((7, "real"))
COVARIANCE = [[2.0, 0.6], [0.6, 1.0]]


def source(**keys: object) -> NormalSource:
    return NormalSource.model_validate({"name": "normal", "rows": 3, "test_rows": 2, **keys})


def test_the_truth_of_a_single_number_is_independent_dimensions() -> None:
    truth = normal.truth(source(dim=2, mean=1.5, covariance=3.0))
    assert truth.mean.tolist() == [1.5, 1.5]
    assert truth.covariance.tolist() == [[9.0, 0.0], [0.0, 9.0]]


def test_the_truth_of_a_full_matrix_is_that_matrix() -> None:
    truth = normal.truth(source(dim=2, mean=[1, 2], covariance=COVARIANCE))
    assert truth.mean.tolist() == [1.0, 2.0]
    assert truth.covariance.tolist() == COVARIANCE


@pytest.mark.parametrize("covariance", [3.0, COVARIANCE])
def test_adding_replicas_leaves_earlier_ones_unchanged(covariance: object) -> None:
    spec = source(dim=2, covariance=covariance)
    few, many = normal.draw(spec, 2, STREAM), normal.draw(spec, 5, STREAM)
    assert few.shape == (2, 3, 2)
    assert many.shape == (5, 3, 2)
    np.testing.assert_array_equal(many[:2], few)


def test_held_out_rows_are_other_rows_of_the_same_shape() -> None:
    spec = source(dim=1, rows=4, test_rows=4)
    pool, held_out = normal.draw(spec, 2, STREAM), normal.draw_test(spec, 2, STREAM)
    assert held_out.shape == (2, 4, 1)
    assert not np.isin(held_out, pool).any()


def test_moments_are_those_of_the_truth() -> None:
    spec = source(dim=2, mean=[1, -2], covariance=COVARIANCE, rows=20_000)
    rows = normal.draw(spec, 1, STREAM)[0]
    mean, covariance = normal.truth(spec)
    z_mean = (rows.mean(axis=0) - mean) / np.sqrt(np.diag(covariance) / len(rows))
    # Wishart: Var of an entry is (c_ij^2 + c_ii c_jj) / n
    spread = np.sqrt((covariance**2 + np.outer(np.diag(covariance), np.diag(covariance))) / len(rows))
    z_covariance = (np.cov(rows.T) - covariance) / spread
    assert np.abs(z_mean).max() < 4
    assert np.abs(z_covariance).max() < 4


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"dim": 2, "mean": [1.0]}, "mean has 1 numbers, dim is 2"),
        ({"dim": 2, "covariance": [[1.0]]}, "covariance must have 2 rows of 2 numbers"),
        ({"dim": 2, "covariance": [[1, 0.5], [0.4, 1]]}, "covariance must be symmetric"),
        ({"dim": 2, "covariance": [[1, 2], [2, 1]]}, "covariance must be positive definite"),
        ({"covariance": 0.0}, "greater than 0"),
        ({"rows": 0}, "greater than or equal to 1"),
        ({"mean": float("nan")}, "finite"),
        ({"sd": 1.0}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_no_distribution_is_refused(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        source(**keys)


def test_a_valid_specification_passes_preflight_and_reads_no_file() -> None:
    sources.preflight(source())
    assert sources.source_files(source()) == []


@pytest.mark.parametrize(
    "covariance", [[[1, 0.5], [0.5, 2]], [[1, 0.9], [0.9, 1]], [[1, -0.9], [-0.9, 1]], [[4, 2, 0], [2, 4, 2], [0, 2, 4]]]
)
def test_a_matrix_whose_eigenvalues_are_all_positive_is_a_covariance(covariance: list[list[float]]) -> None:
    assert min(np.linalg.eigvalsh(covariance)) > 0
    assert source(dim=len(covariance), covariance=covariance).covariance == tuple(map(tuple, covariance))


@pytest.mark.parametrize("covariance", [[[0, 0], [0, 1]], [[-1, 0], [0, 1]], [[1, 1], [1, 1]], [[1, 0.1], [0.1, -3]], [[0]]])
def test_a_matrix_with_an_eigenvalue_that_is_not_positive_is_none(covariance: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="covariance must be positive definite"):
        source(dim=len(covariance), covariance=covariance)


def test_numpy_is_not_imported_for_a_matrix_whose_diagonal_outweighs_the_rest() -> None:
    spec = {"name": "normal", "dim": 2, "rows": 5}
    code = "import json, sys; from heirloom.specs.vector_source import NormalSource; NormalSource.model_validate_json(sys.argv[1])"
    for covariance, is_imported in (([[1, 0.5], [0.5, 2]], False), ([[1, 0.9], [0.9, 1]], True)):
        command = [sys.executable, "-c", f"{code}; print('numpy' in sys.modules)", json.dumps(spec | {"covariance": covariance})]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"{is_imported}\n"
