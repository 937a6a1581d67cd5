"""Rows of the mixture source have the distribution that the specification states, replica by replica."""

from __future__ import annotations

import numpy as np
import pytest

from heirloom import sources
from heirloom.runtime.streams import Stream
from heirloom.sources import mixture
from heirloom.specs.vector_source import MixtureSource

STREAM = Stream((7, "real"))
TWO = {"weights": [0.25, 0.75], "means": [[0, 0], [4, 0]], "covariances": [2.0, [[1.0, 0.5], [0.5, 3.0]]]}


def source(**keys: object) -> MixtureSource:
    return MixtureSource.model_validate({"name": "mixture", "rows": 3, "test_rows": 2, **TWO, **keys})


def test_the_law_has_the_components_and_the_moments_of_the_whole() -> None:
    law = mixture.law(source())
    assert law["covariances"] == [[[4.0, 0.0], [0.0, 4.0]], [[1.0, 0.5], [0.5, 3.0]]]
    assert law["mean"] == [3.0, 0.0]
    assert law["covariance"] == [[0.25 * 4 + 0.75 * 1 + 0.25 * 9 + 0.75 * 1, 0.375], [0.375, 0.25 * 4 + 0.75 * 3]]


def test_adding_replicas_leaves_earlier_ones_unchanged_and_held_out_rows_are_others() -> None:
    few, many = mixture.draw(source(), 2, STREAM), mixture.draw(source(), 5, STREAM)
    assert few.shape == (2, 3, 2)
    np.testing.assert_array_equal(many[:2], few)
    held_out = mixture.draw_test(source(), 2, STREAM)
    assert held_out.shape == (2, 2, 2)
    assert not np.isin(held_out, many).any()


def test_moments_are_those_of_the_law() -> None:
    rows = mixture.draw(source(rows=40_000), 1, STREAM)[0]
    law = mixture.law(source())
    mean, covariance = np.array(law["mean"]), np.array(law["covariance"])
    products = (rows - mean)[:, :, None] * (rows - mean)[:, None, :]
    assert np.abs((rows.mean(axis=0) - mean) / np.sqrt(np.diag(covariance) / len(rows))).max() < 4
    assert np.abs((products.mean(axis=0) - covariance) / (products.std(axis=0) / np.sqrt(len(rows)))).max() < 4


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"weights": [0.5, 0.6]}, "weights must sum to 1, not 1.1"),
        (
            {"weights": [1.0]},
            "a weight, a mean and a covariance; given are {'weights': 1, 'means': 2, 'covariances': 2}",
        ),
        ({"weights": [0.0, 1.0]}, "greater than 0"),
        ({"means": [[0, 0], [1]]}, r"means must have one number a dimension each, got \[2, 1\] numbers"),
        ({"covariances": [1.0, [[1.0]]]}, r"covariance must have 2 rows of 2 numbers"),
        ({"covariances": [1.0, [[1.0, 2.0], [2.0, 1.0]]]}, "covariance must be positive definite"),
        ({"dim": 2}, "Extra inputs are not permitted"),
    ],
)
def test_what_is_no_mixture_is_refused(keys: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        source(**keys)


def test_a_valid_specification_passes_preflight_and_reads_no_file() -> None:
    sources.preflight(source())
    assert sources.source_files(source()) == []
