"""Who judges and what is kept: exact rows, several judges in a row, and laws of order statistics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table, vector_table
from heirloom.errors import HeirloomError
from heirloom.families import family, gaussian, linear_regression
from heirloom.families.vae import model as vae_model
from heirloom.judges import bench, measures
from heirloom.judges.bench import JudgeModel, Witnesses
from heirloom.judges.notes import sentence, total
from heirloom.runtime.streams import Stream
from heirloom.specs.judges import Judgement
from heirloom.theory.regimes import best_of_factor

STREAM = Stream((0, "select"))
NOBODY = Witnesses(None, None, {}, None, 1)
NORM = {"measure": "norm"}


def vectors(values: list[list[float]]) -> Dataset:
    return Dataset.of(vector_table(np.array(values)[..., None]))


SIX = vectors([[3.0, 9.0, 1.0, 7.0, -5.0, 8.0]])


def kept(rows: Dataset, *judges: dict[str, Any], witnesses: Witnesses = NOBODY) -> list[list[float]]:
    judgements = [Judgement.model_validate(judge) for judge in judges]
    selected, _ = bench.select(rows, judgements, witnesses, STREAM)
    return [[float(x) for x in replica] for replica in selected.by_replica()[..., 0]]


def test_the_lowest_scores_pass_where_they_are_asked_for() -> None:
    assert kept(SIX, {"by": NORM, "share": 0.5}) == [[9.0, 7.0, 8.0]]
    assert kept(SIX, {"by": NORM, "share": 0.5, "keep": "lowest"}) == [[3.0, 1.0, -5.0]]


def test_all_scores_from_the_threshold_on_pass() -> None:
    assert kept(SIX, {"by": NORM, "keep": "above", "threshold": 5.0}) == [[9.0, 7.0, -5.0, 8.0]]
    erring = {"by": NORM, "keep": "above", "threshold": 5.0, "true_keep": 0.0, "false_keep": 1.0}
    assert kept(SIX, erring) == [[3.0, 1.0]]
    with pytest.raises(HeirloomError, match=r"`select` keeps none of 6 rows; lower `threshold`"):
        kept(SIX, {"by": NORM, "keep": "above", "threshold": 9.5})


def test_one_of_k_candidates_is_kept_for_each_row_in_each_replica() -> None:
    assert kept(SIX, {"by": NORM, "best_of": 2}) == [[9.0, 7.0, 8.0]]  # of (3, 7), (9, -5), (1, 8)
    assert kept(SIX, {"by": NORM, "best_of": 3}) == [[9.0, -5.0]]  # of (3, 1, -5), (9, 7, 8), in the rows' order
    assert kept(SIX, {"by": NORM, "best_of": 3, "keep": "lowest"}) == [[1.0, 7.0]]
    both = vectors([[3.0, 9.0, 1.0, 7.0, -5.0, 8.0], [1.0, 1.0, 1.0, 2.0, 0.0, 0.5]])
    assert kept(both, {"by": NORM, "best_of": 2}) == [[9.0, 7.0, 8.0], [1.0, 1.0, 2.0]]


def test_of_equal_candidates_chance_keeps_one() -> None:
    rows, judge = vectors([list(range(400))]), Judgement(keep="random", best_of=2)
    selected, _ = bench.select(rows, [judge], NOBODY, STREAM)
    values = selected.by_replica()[0, :, 0]
    assert sorted(values % 200) == list(range(200))
    assert abs((values < 200).sum() - 100) / math.sqrt(50) < 4


def test_judges_in_a_row_are_given_what_the_one_before_has_kept() -> None:
    first, second = {"by": NORM, "share": 0.5}, {"by": NORM, "share": 1 / 3, "keep": "lowest"}
    assert kept(SIX, first, second) == [[7.0]]
    assert kept(SIX, second, first) == [[3.0]]
    _, notes = bench.select(SIX, [Judgement.model_validate(judge) for judge in (first, second)], NOBODY, STREAM)
    assert notes == [{"given": 6, "kept": 3}, {"given": 3, "kept": 1}]


def test_chance_keeps_the_law_of_the_rows() -> None:
    rows = vectors([Stream((0, "rows")).generator().standard_normal(20_000).tolist()])
    values = np.array(kept(rows, {"keep": "random", "share": 0.5}))
    assert abs(values.mean()) * math.sqrt(10_000) < 4
    assert abs(values.var() - 1) / math.sqrt(2 / 10_000) < 4


def normal(mean: float, variance: float) -> JudgeModel:
    return JudgeModel("gaussian", gaussian.Model(np.array([[mean]]), np.array([[[variance]]])))


def test_each_likelihood_is_that_of_its_own_model() -> None:
    witnesses = Witnesses(normal(0.0, 1.0), normal(8.0, 1.0), {"other/origin/0/0": normal(-5.0, 1.0)}, None, 1)
    share = {"share": 1 / 6}
    assert kept(SIX, {"by": "likelihood", **share}, witnesses=witnesses) == [[1.0]]
    assert kept(SIX, {"by": "parent", **share}, witnesses=witnesses) == [[8.0]]
    assert kept(SIX, {"by": "detector", **share}, witnesses=witnesses) == [[-5.0]]
    by_another = {"by": {"model": "other/origin/0/0", "family": "gaussian"}, "share": 1 / 6}
    assert kept(SIX, by_another, witnesses=witnesses) == [[-5.0]]


@pytest.mark.parametrize("num_candidates", [2, 5])
@pytest.mark.parametrize("keep", ["highest", "lowest"])
def test_the_best_of_k_gaussian_rows_have_the_variance_of_an_order_statistic(num_candidates: int, keep: Any) -> None:
    num_rows = 20_000
    x = Stream((0, "rows")).generator().standard_normal(num_candidates * num_rows)
    witnesses = Witnesses(normal(0.0, 1.0), None, {}, None, 1)
    squares = np.array(kept(vectors([x.tolist()]), {"by": "likelihood", "best_of": num_candidates, "keep": keep}, witnesses=witnesses)) ** 2
    standard_error = squares.std() / math.sqrt(num_rows)
    assert abs(squares.mean() - best_of_factor(num_candidates, keep)) / standard_error < 4
    assert abs(squares.mean() - best_of_factor(num_candidates + 1, keep)) / standard_error > 6


def test_of_two_candidates_the_order_statistics_have_closed_forms() -> None:
    assert best_of_factor(1) == pytest.approx(1.0)
    assert best_of_factor(2) == pytest.approx(1 - 2 / math.pi)
    assert best_of_factor(2, "lowest") == pytest.approx(1 + 2 / math.pi)
    with pytest.raises(HeirloomError, match="0 candidates"):
        best_of_factor(0)


def test_as_many_rows_pass_a_threshold_as_the_law_says() -> None:
    x = Stream((0, "rows")).generator().standard_normal(20_000)
    values = kept(vectors([x.tolist()]), {"by": NORM, "keep": "above", "threshold": 1.0})[0]
    share = math.erfc(1 / math.sqrt(2))
    assert abs(len(values) - 20_000 * share) / math.sqrt(20_000 * share * (1 - share)) < 4


def test_rows_of_text_have_a_length_and_a_share_of_distinct_tokens() -> None:
    rows = Dataset.of(text_table(np.array([[1, 1, 1, 2], [1, 2, 3, 4], [5, 5, 6, 6]], np.int32), ["a", "b", "c"], first_row=0))
    judgement = Judgement.model_validate({"by": {"measure": "distinct_tokens"}, "share": 1 / 3})
    selected, _ = bench.select(rows, [judgement], NOBODY, STREAM)
    assert selected.table(["text"])["text"].to_pylist() == ["b"]
    assert measures.tokens(rows).tolist() == [[4.0, 4.0, 4.0]]


def test_a_regression_judges_a_label_by_its_distance_from_the_line() -> None:
    model = linear_regression.Model(np.zeros((1, 2, 1)), np.array([[2.0]]))
    rows = Dataset.of(vector_table(np.array([[[1.0, 2.0], [1.0, 5.0]]])))
    expected = -0.5 * np.log(2 * np.pi) - np.array([[0.0, 4.5]])
    np.testing.assert_allclose(linear_regression.log_likelihoods(model, rows, 1), expected)


def test_an_autoencoder_judges_an_image_by_its_own_evidence_lower_bound() -> None:
    pixels = Stream((0, "rows")).generator().integers(0, 256, (1, 5, 64), dtype=np.uint8)
    shape = vae_model.Shape(side=8, channels=3, latent=2)
    model = vae_model.Vae(shape, vae_model.initialise(shape, Stream((0, "weights"))))
    rows = Dataset.of(vector_table(pixels))
    bounds = bench.JudgeModel("vae", model).log_likelihoods(rows, 1)
    noise = torch.from_numpy(Stream(("elbo",)).generator().standard_normal((250, 2), dtype=np.float32))[:5]
    terms = vae_model.negative_elbo(model, vae_model.as_images(pixels[0], 8), noise)
    assert bounds.shape == (1, 5)
    assert bounds.sum() == pytest.approx(-float(sum(terms)), rel=1e-5)
    fewer = family("vae").log_likelihoods(model, Dataset.of(vector_table(pixels[:, :2])), 1)  # type: ignore[attr-defined]
    np.testing.assert_allclose(fewer[0], bounds[0, :2], rtol=1e-5)


def test_what_judges_did_is_told_in_words_and_summed_over_generations() -> None:
    first = {"judge": "norm: 0.5 of the rows, with the highest scores", "given": 600, "kept": 300}
    blind = {"judge": "command gate", "given": 300, "kept": 30, "real_rows": 300, "real_wins": 0.75}
    summed = total([[first, blind], [first, {**blind, "real_wins": 0.25}], []])
    assert [sentence(note) for note in summed] == [
        "norm: 0.5 of the rows, with the highest scores; 1,200 rows judged, 600 thrown away",
        "command gate; 600 rows judged, 540 thrown away; blind, and 600 real rows scored higher in 50.0 % of the pairs",
    ]
