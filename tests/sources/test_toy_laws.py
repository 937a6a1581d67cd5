"""Rows of the toy sources have the law that the specification states, replica by replica."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter

from heirloom import sources
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.sources import categorical, linear
from heirloom.specs.vector_source import AnyVectorSource, CategoricalSource, LinearSource

STREAM = Stream((7, "real"))
DECLARED: list[dict[str, Any]] = [
    {"name": "categorical", "law": {"kind": "weights", "weights": [3, 1]}},
    {"name": "bernoulli", "probability": 0.25},
    {"name": "poisson", "rate": 0.25},
    {"name": "linear", "features": 2, "weights": [2.0, -1.0], "noise": 0.5},
]


def spec(**keys: Any) -> Any:
    return TypeAdapter[AnyVectorSource](AnyVectorSource).validate_python({"rows": 5, "test_rows": 5, **keys})


def text_law(folder: Path, text: str) -> CategoricalSource:
    (folder / "a.txt").write_text(text)
    return CategoricalSource.model_validate(
        {"name": "categorical", "rows": 5, "law": {"kind": "words", "text": [str(folder / "*.txt")]}},
    )


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared["name"])
def test_adding_replicas_leaves_earlier_ones_unchanged_and_held_out_rows_are_others(declared: dict[str, Any]) -> None:
    source = sources.module(declared["name"])
    few, many = (source.draw(spec(**declared), replicas, STREAM) for replicas in (2, 400))
    width = declared.get("features", 0) + 1
    assert many.shape == (400, 5, width)
    assert np.array_equal(many[:2], few)
    held_out = source.draw_test(spec(**declared), 400, STREAM)
    assert held_out.shape == many.shape
    assert not np.array_equal(held_out, many)
    source.preflight(spec(**declared))
    assert source.source_files(spec(**declared)) == []


@pytest.mark.parametrize("declared", DECLARED[:3], ids=lambda declared: declared["name"])
def test_rows_of_a_quarter_have_a_mean_of_a_quarter(declared: dict[str, Any]) -> None:
    rows = sources.module(declared["name"]).draw(spec(**declared), 4000, STREAM)
    assert abs((rows.mean() - 0.25) / (rows.std() / np.sqrt(rows.size))) < 4


def test_a_label_is_the_weighted_features_and_noise() -> None:
    spec = LinearSource.model_validate({**DECLARED[3], "rows": 4000})
    rows = linear.draw(spec, 1, STREAM)[0]
    noise = rows[:, 2] - 2 * rows[:, 0] + rows[:, 1]
    assert linear.law(spec) == {"weights": [2.0, -1.0]}
    for standard in (rows[:, 0], rows[:, 1], noise / 0.5):
        assert abs(standard.mean() * np.sqrt(4000)) < 4
        assert abs((standard**2).mean() - 1) * np.sqrt(4000 / 2) < 4


@pytest.mark.parametrize(
    ("law", "expected"),
    [
        ({"kind": "uniform", "types": 4}, [0.25] * 4),
        ({"kind": "zipf", "types": 3, "exponent": 1.0}, [6 / 11, 3 / 11, 2 / 11]),
        ({"kind": "zipf", "types": 2, "exponent": 2.0}, [0.8, 0.2]),
        ({"kind": "weights", "weights": [1, 3]}, [0.25, 0.75]),
    ],
)
def test_a_law_has_the_probabilities_that_it_declares(law: dict[str, Any], expected: list[float]) -> None:
    source = CategoricalSource.model_validate({"name": "categorical", "rows": 1, "law": law})
    assert categorical.probabilities(source.law) == pytest.approx(expected)
    assert categorical.from_json(categorical.law(source)) == pytest.approx(expected)


def test_the_words_of_a_text_are_counted_whole_from_the_most_frequent_one_on(tmp_path: Path) -> None:
    source = text_law(tmp_path, "The cat and the dog; the cat's end")  # the 3, and and and-so-on 1 each
    assert categorical.probabilities(source.law) == pytest.approx([3 / 8, *[1 / 8] * 5])
    assert [file.place for file in categorical.source_files(source)] == [tmp_path / "a.txt"]


def test_a_text_that_is_missing_or_has_no_words_is_named(tmp_path: Path) -> None:
    source = text_law(tmp_path, "1 2 3")
    with pytest.raises(HeirloomError, match=r"source.law.text: no words"):
        categorical.probabilities(source.law)
    (tmp_path / "a.txt").unlink()
    with pytest.raises(HeirloomError, match="no file matches"):
        sources.preflight(source)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"name": "categorical", "law": {"kind": "uniform", "types": 0}}, "greater than or equal to 1"),
        ({"name": "categorical", "law": {"kind": "zipf", "types": 3, "exponent": 0}}, "greater than 0"),
        ({"name": "categorical", "law": {"kind": "weights", "weights": [1, 0]}}, "greater than 0"),
        ({"name": "categorical", "law": {"kind": "weights", "weights": []}}, "at least 1 item"),
        ({"name": "categorical", "law": {"kind": "words", "text": []}}, "at least 1 item"),
        ({"name": "categorical", "law": {"kind": "benford"}}, "'uniform', 'zipf', 'weights', 'words'"),
        ({"name": "bernoulli", "probability": 1.0}, "less than 1"),
        ({"name": "poisson", "rate": 0.0}, "greater than 0"),
        ({"name": "linear", "features": 2, "weights": [1.0]}, "weights has 1 numbers, features is 2"),
        ({"name": "linear", "noise": 0.0}, "greater than 0"),
    ],
)
def test_what_is_no_law_is_refused(keys: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        spec(**keys)
