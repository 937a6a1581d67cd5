"""The synthetic share from the data alone: right on average, honest about its error, and silent where nothing tells the two apart."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from heirloom import config as configuration
from heirloom.data.ancestry import Writer
from heirloom.data.choice import joined
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table, vector_table
from heirloom.errors import HeirloomError
from heirloom.families.base import Sets
from heirloom.measures import synthetic_share
from heirloom.measures.synthetic_share import Classifier, Estimate, Rows, bigrams, quadratic
from heirloom.runtime.streams import Stream
from heirloom.steps import share_estimate

WRITER = Writer("model", np.ones(1), np.ones(1, np.int32))


def estimated(mixture: Rows, real: Rows, synthetic: Rows, classifier: Classifier) -> Estimate | None:
    scores = synthetic_share.scored(mixture, real, synthetic, classifier)
    return None if scores is None else synthetic_share.estimate(scores)


def vectors(number: int, mean: float, name: str) -> NDArray[np.float64]:
    return mean + Stream((0, name)).generator().standard_normal((number, 2))


def texts(number: int, tokens: int, name: str) -> NDArray[np.int32]:
    return Stream((0, name)).generator().integers(0, tokens, (number, 16)).astype(np.int32)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_share_of_vectors_is_estimated_within_its_error(share: float) -> None:
    num_synthetic = round(4000 * share)
    mixture = np.concatenate([vectors(4000 - num_synthetic, 0.0, "mixed real"), vectors(num_synthetic, 1.0, "mixed synthetic")])
    found = estimated(mixture, vectors(2000, 0.0, "real"), vectors(2000, 1.0, "synthetic"), quadratic)
    assert found is not None
    assert abs(found.share - share) < 4 * found.se
    assert 0.01 < found.se < 0.05


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_share_of_text_is_estimated_within_its_error(share: float) -> None:
    num_synthetic = round(1000 * share)
    mixture = np.concatenate([texts(1000 - num_synthetic, 60, "mixed real"), texts(num_synthetic, 40, "mixed synthetic")])
    found = estimated(mixture, texts(800, 60, "real"), texts(800, 40, "synthetic"), bigrams)
    assert found is not None
    assert abs(found.share - share) < 4 * found.se
    assert found.se < 0.05


def test_the_errors_are_as_large_as_they_say() -> None:
    z = []
    for trial in range(100):
        mixture = np.concatenate([vectors(150, 0.0, f"a{trial}"), vectors(50, 1.5, f"b{trial}")])
        found = estimated(mixture, vectors(200, 0.0, f"c{trial}"), vectors(200, 1.5, f"d{trial}"), quadratic)
        assert found is not None
        z.append((found.share - 0.25) / found.se)
    assert abs(np.mean(z)) < 4 / np.sqrt(100)
    assert 0.7 < np.std(z) < 1.3


def test_two_kinds_that_are_alike_have_no_share_and_few_rows_no_estimate() -> None:
    alike = [vectors(2000, 0.0, name) for name in ("one", "two", "three")]
    found = estimated(alike[0], alike[1], alike[2], quadratic)
    assert found is not None
    assert np.isnan(found.share)
    turned = estimated(alike[0], vectors(2000, 1.0, "real"), alike[2], lambda *_: lambda rows: 1.0 / (1.0 + np.exp(-rows[:, 0])))
    assert turned is not None
    assert turned.power < 0
    assert np.isnan(turned.share)
    assert estimated(alike[0], alike[1][:15], alike[2], quadratic) is None


def test_no_row_is_scored_by_a_classifier_that_has_seen_it() -> None:
    seen: list[set[bytes]] = []

    def memory(real: NDArray[np.float64], synthetic: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
        known = {row.tobytes() for row in np.concatenate([real, synthetic])}

        def score(rows: NDArray[np.float64]) -> NDArray[np.float64]:
            seen.append(known & {row.tobytes() for row in rows})
            return rows[:, 0]

        return score

    real, synthetic = vectors(100, 0.0, "real"), vectors(100, 1.0, "synthetic")
    estimated(np.concatenate([real, synthetic]), real, synthetic, memory)
    assert len(seen) == 6
    assert not any(seen)


def test_the_estimate_reads_no_ancestry() -> None:
    real = Dataset.of(text_table(texts(100, 60, "real"), [""] * 100, first_row=0))
    tokens = texts(100, 40, "synthetic")
    written = Dataset.of(text_table(tokens, [""] * 100, first_row=0, born=1, writer=WRITER))
    disguised = Dataset.of(text_table(tokens, [""] * 100, first_row=500))
    sets = Sets(written, written, real, real)
    measured = share_estimate.measure(sets, joined([real, written]))
    assert measured == share_estimate.measure(sets, joined([real, disguised]))
    assert measured["share_estimate.synthetic"] == pytest.approx(0.5, abs=1e-9)  # the mixture is the two sets themselves


def test_each_replica_has_a_classifier_of_its_own() -> None:
    real, written = (np.stack([vectors(200, shift + mean, f"{mean}{shift}") for shift in (0.0, 50.0)]) for mean in (0.0, 2.0))
    half = np.concatenate([real[:, :100], written[:, :100]], axis=1)
    original, synthetic = Dataset.of(vector_table(real)), Dataset.of(vector_table(written, born=1, writer=Writer("m", *_two())))
    measured = share_estimate.measure(Sets(synthetic, synthetic, original, original), Dataset.of(vector_table(half)))
    assert measured["share_estimate.synthetic"] == pytest.approx(0.5, abs=0.1)
    assert measured["share_estimate.power"] > 0.5


def _two() -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    return np.ones(2), np.ones(2, np.int32)


def test_types_have_no_estimate() -> None:
    source = {"name": "categorical", "law": {"kind": "uniform", "types": 5}, "rows": 10}
    experiment = {"family": {"name": "discrete"}, "source": source, "regimes": ["a"], "generations": 1, "rows": 10, "share_estimate": True}
    with pytest.raises(HeirloomError, match="share_estimate reads rows of text in blocks, or vectors"):
        configuration.parse({"regimes": {"a": {}}, "experiments": {"e": experiment}})
