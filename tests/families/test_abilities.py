"""What a family can do for a regime beyond the four steps: weigh rows, judge them, edit them, and write without prompts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table, vector_table
from heirloom.families import bernoulli, discrete, family, gaussian, gmm, kde, ngram, poisson
from heirloom.runtime.streams import Stream
from heirloom.specs.base import NoSettings, NoTraining
from heirloom.specs.decoding import Decoding
from heirloom.specs.gaussian import GaussianTraining
from heirloom.specs.language_model import Schedule
from heirloom.specs.ngram import NgramFit, NgramSampling
from heirloom.specs.transformer import Architecture, TransformerFit

VOCABULARY, WIDTH = 12, 6
FITS: dict[str, Any] = {
    "ngram": NgramFit(order=3, vocab_size=VOCABULARY),
    "transformer": TransformerFit(
        architecture=Architecture(hidden_size=8, num_layers=1, num_heads=2, intermediate_size=16),
        vocab_size=VOCABULARY,
        context_tokens=WIDTH,
        schedule=Schedule(epochs=4, learning_rate=0.02, batch_rows=32),
        start="scratch",
        weight_decay=0.0,
        warmup_share=0.0,
        clip_norm=1e9,
    ),
}
SAMPLING: dict[str, Any] = {"ngram": NgramSampling, "transformer": Decoding}


def tokens(rows: int = 24, name: str = "rows") -> NDArray[np.int32]:
    uniforms = Stream((0, name)).generator().random((rows, WIDTH))
    return (1 + (VOCABULARY - 1) * uniforms**2).astype(np.int32)


def text(rows: NDArray[np.int32]) -> Dataset:
    return Dataset.of(text_table(rows, [""] * len(rows), first_row=0))


def trained(name: str, rows: Dataset) -> Any:
    return family(name).train(rows, FITS[name], None, Stream((0, "train")))


def joined(*parts: Dataset) -> Dataset:
    return Dataset([piece for part in parts for piece in part.pieces])


@pytest.mark.parametrize("divisor", ["n", "n-1"])
def test_a_gaussian_fits_weighted_means_and_an_unbiased_divisor(divisor: str) -> None:
    x = np.array([[0.0], [2.0], [5.0]])
    rows = joined(Dataset.of(vector_table(x[None, :2])).weighted(0.75), Dataset.of(vector_table(x[None, 2:])).weighted(1.5))
    model = gaussian.train(rows, GaussianTraining.model_validate({"divisor": divisor}), None, Stream(()))
    mean = (0 + 2 + 2 * 5) / 4
    variance = (mean**2 + (2 - mean) ** 2 + 2 * (5 - mean) ** 2) / 4
    assert model.mean.tolist() == [[mean]]
    shrink = 1 - (2 * 0.25**2 + 0.5**2) if divisor == "n-1" else 1.0
    assert model.covariance[0, 0, 0] == pytest.approx(variance / shrink)


def test_equal_weights_are_no_weights() -> None:
    x = Stream((0, "x")).generator().standard_normal((3, 8, 2))
    for divisor in ("n", "n-1"):
        fit = GaussianTraining.model_validate({"divisor": divisor})
        plain, weighted = (gaussian.train(rows, fit, None, Stream(())) for rows in (vectors(x), vectors(x).weighted(1.0)))
        np.testing.assert_allclose(weighted.mean, plain.mean)
        np.testing.assert_allclose(weighted.covariance, plain.covariance)


def vectors(x: NDArray[np.float64]) -> Dataset:
    return Dataset.of(vector_table(x))


def test_an_ngram_row_of_weight_two_counts_like_the_row_twice() -> None:
    first, second = text(tokens(10)), text(tokens(10, "others"))
    twice = trained("ngram", joined(first, second, second))
    weighted = trained("ngram", joined(first.weighted(1.0), second.weighted(2.0)))
    probe = tokens(50, "probe")
    np.testing.assert_allclose(ngram.row_losses(weighted, probe), ngram.row_losses(twice, probe))
    first_text, second_text = (next(ngram.sample(model, [probe], 50, NgramSampling(), Stream((0, "s")))) for model in (weighted, twice))
    assert np.array_equal(first_text, second_text)


def test_an_ngram_draws_as_often_as_fractional_weights_say() -> None:
    rows = np.full((2, WIDTH), 1, np.int32)
    rows[1] = 2
    model = trained_unigram(joined(text(rows[:1]).weighted(0.5), text(rows[1:]).weighted(1.5)))
    probability = np.exp(-ngram.row_losses(model, np.array([[0, 1], [0, 2]])))
    # counts 3 and 9 of 12, and two kinds that share 2 / 14 with the rest of the vocabulary
    assert probability == pytest.approx([(3 + 2 / VOCABULARY) / 14, (9 + 2 / VOCABULARY) / 14])
    (written,) = ngram.sample(model, [np.zeros((5000, WIDTH), np.int32)], 5000, NgramSampling(), Stream((0, "s")))
    share = (written == 1).mean()
    assert abs(share - probability[0]) / math.sqrt(probability[0] * (1 - probability[0]) / written.size) < 4


def trained_unigram(rows: Dataset) -> ngram.Model:
    return ngram.train(rows, NgramFit(order=1, vocab_size=VOCABULARY), None, Stream(()))


def test_a_weighted_step_of_the_transformer_descends_the_weighted_loss() -> None:
    import torch

    from heirloom.families.lm.native.learner import cross_entropy_gradients

    generator = Stream((0, "gradients")).generator()
    hidden, head = (torch.from_numpy(generator.standard_normal(shape)).requires_grad_() for shape in ((600, 5), (VOCABULARY, 5)))
    targets = torch.from_numpy(generator.integers(0, VOCABULARY, 600))
    weights = torch.from_numpy(generator.random(600) * 2)
    loss = (torch.nn.functional.cross_entropy(hidden @ head.T, targets, reduction="none") * weights).mean()
    torch.autograd.backward(loss)
    with torch.no_grad():
        value, by_hidden, by_head = cross_entropy_gradients(hidden, head, targets, weights)
    assert value == pytest.approx(float(loss.detach()))
    torch.testing.assert_close(by_hidden, hidden.grad)
    torch.testing.assert_close(by_head, head.grad)


def test_the_transformer_learns_the_rows_that_weigh() -> None:
    first_rows, second_rows = text(np.full((16, WIDTH), 3, np.int32)), text(np.full((16, WIDTH), 4, np.int32))
    module = family("transformer")
    model = trained("transformer", joined(first_rows.weighted(1.9), second_rows.weighted(0.1)))
    assert module.log_likelihoods(model, first_rows, 16).mean() > module.log_likelihoods(model, second_rows, 16).mean() + 1  # type: ignore[attr-defined]
    even = trained("transformer", joined(first_rows.weighted(1.0), second_rows.weighted(1.0)))
    plain = trained("transformer", joined(first_rows, second_rows))
    assert all(bool((even.weights[name] == plain.weights[name]).all()) for name in plain.weights)


def test_a_gaussian_judges_by_its_log_density() -> None:
    model = gaussian.Model(np.array([[1.0], [0.0]]), np.array([[[4.0]], [[1.0]]]))
    x = np.array([[[1.0], [3.0]], [[0.0], [2.0]]])
    normal = math.log(2 * math.pi) / 2
    expected = [[-normal - math.log(2), -normal - math.log(2) - 0.5], [-normal, -normal - 2]]
    np.testing.assert_allclose(gaussian.log_likelihoods(model, vectors(x), 1), expected)


def test_a_mixture_judges_by_the_log_density_of_all_components() -> None:
    model = gmm.Model(np.array([[0.25, 0.75]]), np.array([[[0.0], [1.0]]]), np.array([[[[1.0]], [[4.0]]]]), np.array([1]))
    x = np.array([[[0.0], [3.0]]])
    density = [0.25 * phi(0.0) + 0.75 * phi(-0.5) / 2, 0.25 * phi(3.0) + 0.75 * phi(1.0) / 2]
    np.testing.assert_allclose(gmm.log_likelihoods(model, vectors(x), 1), np.log([density]))


def phi(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


def test_a_kernel_estimate_judges_by_the_mean_kernel_however_the_rows_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = np.array([[[4.0, 0.0], [0.0, 0.25]], [[1.0, 0.5], [0.5, 1.0]]])
    model = kde.Model(np.array([[[0.0, 0.0], [2.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]]]), kernel)
    x = np.array([[[0.0, 0.0], [2.0, 0.5], [9.0, 9.0]], [[1.0, 1.0], [0.0, 0.0], [1.0, -1.0]]])
    log_likelihoods = kde.log_likelihoods(model, vectors(x), 1)
    assert log_likelihoods[0, 1] == pytest.approx(math.log((phi(1.0) * phi(1.0) + phi(0.0) * phi(-1.0)) / 2))
    # x' C^-1 x is 4 / 3 along the diagonal and 4 across it
    expected = [-math.log(2 * math.pi) - math.log(0.75) / 2 - distance / 2 for distance in (4 / 3, 0.0, 4.0)]
    np.testing.assert_allclose(log_likelihoods[1], expected)
    monkeypatch.setattr(kde, "_PAIRS", 2)
    np.testing.assert_array_equal(kde.log_likelihoods(model, vectors(x), 1), log_likelihoods)


def test_counts_and_rates_judge_by_their_log_probability() -> None:
    ones = vectors(np.array([[[0.0], [1.0]], [[0.0], [1.0]]]))
    with np.errstate(divide="raise"):
        log_likelihoods = bernoulli.log_likelihoods(bernoulli.Model(np.array([0.25, 1.0])), ones, 1)
    np.testing.assert_allclose(log_likelihoods, [[math.log(0.75), math.log(0.25)], [-math.inf, 0.0]])
    numbers = vectors(np.array([[[0.0], [3.0]], [[0.0], [3.0]]]))
    log_likelihoods = poisson.log_likelihoods(poisson.Model(np.array([2.0, 0.0])), numbers, 1)
    np.testing.assert_allclose(log_likelihoods, [[-2.0, math.log(8 / 6) - 2.0], [0.0, -math.inf]])
    model = discrete.train(vectors(np.array([[[2.0], [2.0], [5.0], [5.0]], [[7.0], [7.0], [7.0], [9.0]]])), NoTraining(), None, Stream(()))
    log_likelihoods = discrete.log_likelihoods(model, vectors(np.array([[[2.0], [9.0], [4.0]], [[9.0], [7.0], [2.0]]])), 1)
    np.testing.assert_allclose(np.exp(log_likelihoods), [[0.5, 0.0, 0.0], [0.25, 0.75, 0.0]])


@pytest.mark.parametrize(("name", "field"), [("bernoulli", "probability"), ("poisson", "rate")])
def test_a_rate_is_fitted_as_the_weighted_mean(name: str, field: str) -> None:
    real, synthetic = np.array([[[1.0], [1.0]], [[0.0], [0.0]]]), np.array([[[0.0], [1.0], [0.0]], [[1.0], [1.0], [1.0]]])
    rows = joined(*(vectors(part).weighted(weight) for part, weight in ((real, 1.5), (synthetic, 2 / 3))))
    model = family(name).train(rows, family(name).Fit(), None, Stream(()))
    np.testing.assert_allclose(getattr(model, field), [(2 * 1.5 + 2 / 3) / 5, 2 / 5])


def test_a_weighted_poisson_chain_with_fresh_rows_has_the_variance_of_its_recursion() -> None:
    replicas, fresh, written, weight = 4000, 5, 5, 0.6
    rng = Stream((0, "chain")).generator()
    model = poisson.Model(rng.poisson(3.0, (replicas, 10)).mean(axis=1))
    variance = 3.0 / 10
    for generation in range(1, 6):
        (rows_of_generation,) = poisson.sample(model, None, written, NoSettings(), Stream((0, generation)))
        real = rng.poisson(3.0, (replicas, fresh, 1)).astype(float)
        rows = joined(vectors(real).weighted(2 * weight), vectors(rows_of_generation).weighted(2 * (1 - weight)))
        model = poisson.train(rows, poisson.Fit(), None, Stream(()))
        variance = weight**2 * 3.0 / fresh + (1 - weight) ** 2 * (3.0 / written + variance)
    squares = (model.rate - 3.0) ** 2
    assert abs((squares.mean() - variance) / (squares.std() / math.sqrt(replicas))) < 4


@pytest.mark.parametrize("name", FITS)
def test_a_text_family_judges_rows_by_the_nats_of_all_tokens_but_the_first(name: str) -> None:
    rows = text(tokens())
    model, module = trained(name, rows), family(name)
    log_likelihoods = module.log_likelihoods(model, rows, 7)  # type: ignore[attr-defined]
    assert log_likelihoods.shape == (1, 24)
    np.testing.assert_allclose(log_likelihoods, module.log_likelihoods(model, rows, 24), rtol=1e-5)  # type: ignore[attr-defined]
    if name == "ngram":
        np.testing.assert_array_equal(log_likelihoods[0], -ngram.row_losses(model, tokens()))


def probabilities(name: str, model: Any, rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the probability of all tokens but the first, by scoring ever longer beginnings of the rows."""
    heads = [family(name).log_likelihoods(model, text(rows[:, :stop]), len(rows))[0] for stop in range(2, WIDTH + 1)]  # type: ignore[attr-defined]
    return np.exp(np.diff(np.column_stack([np.zeros(len(rows)), *heads]), axis=1))


def edited(name: str, model: Any, judge: Any, rows: NDArray[np.int32], above: float) -> NDArray[np.int32]:
    (chunk,) = family(name).edit(model, judge, [rows], above, SAMPLING[name](), Stream((0, "edit")))  # type: ignore[attr-defined]
    return np.asarray(chunk)


@pytest.mark.parametrize("name", FITS)
def test_editing_draws_anew_what_the_judge_finds_too_easy_and_leaves_the_rest(name: str) -> None:
    rows = tokens()
    judge, model = trained(name, text(rows)), trained(name, text(tokens(24, "others")))
    probability = probabilities(name, judge, rows)
    above = float(np.median(probability))
    got = edited(name, model, judge, rows, above)
    is_untouched = np.column_stack([np.ones(len(rows), bool), probability < above * (1 - 1e-5)])
    assert np.array_equal(got[is_untouched], rows[is_untouched])
    assert (got[~is_untouched] != rows[~is_untouched]).mean() > 0.4
    assert np.array_equal(edited(name, model, judge, rows, 0.999999), rows)
    assert got.dtype == np.int32
    assert 0 <= got.min() <= got.max() < VOCABULARY


@pytest.mark.parametrize("name", FITS)
def test_an_edited_row_does_not_depend_on_the_rows_beside_it(name: str) -> None:
    rows = tokens()
    model = trained(name, text(rows))
    changed_rows = rows.copy()
    changed_rows[1:] = rows[::-1][1:]
    assert np.array_equal(edited(name, model, model, changed_rows, 1e-9)[0], edited(name, model, model, rows, 1e-9)[0])


def test_edited_tokens_follow_the_models_law_in_the_rows_own_context() -> None:
    rows = np.tile(np.array([[1, 2, 3, 1, 2, 3]], np.int32), (4000, 1))
    model = ngram.train(text(tokens(200)), NgramFit(order=2, vocab_size=VOCABULARY), None, Stream(()))
    got = edited("ngram", model, model, rows, 1e-9)
    for context, position in ((1, 1), (2, 2), (3, 3)):
        law = np.exp(-ngram.row_losses(model, np.array([[context, token] for token in range(VOCABULARY)])))
        counts = np.bincount(got[:, position], minlength=VOCABULARY)
        z = (counts - 4000 * law) / np.sqrt(4000 * law * (1 - law))
        assert np.abs(z).max() < 4, (context, z)


def test_without_prompts_an_ngram_begins_with_its_unigram_law() -> None:
    model = trained("ngram", text(tokens(200)))
    (written,) = ngram.sample(model, [np.zeros((4000, WIDTH), np.int32)], 4000, NgramSampling(prompts="none"), Stream((0, "s")))
    law = np.exp(-ngram.row_losses(ngram.Model(VOCABULARY, model.levels[:1]), np.array([[0, token] for token in range(VOCABULARY)])))
    z = (np.bincount(written[:, 0], minlength=VOCABULARY) - 4000 * law) / np.sqrt(4000 * law * (1 - law))
    assert np.abs(z).max() < 4, z


def test_without_prompts_a_transformer_reads_one_token_however_long_the_row() -> None:
    module = family("transformer")
    model = trained("transformer", text(tokens()))
    empty, filled = np.zeros((4, WIDTH), np.int32), np.zeros((4, WIDTH), np.int32)
    filled[:, 1:] = 5

    def written(prompts: NDArray[np.int32], kind: str) -> NDArray[Any]:
        return next(iter(module.sample(model, [prompts], 4, Decoding.model_validate({"prompts": kind}), Stream((0, "s")))))

    assert np.array_equal(written(empty, "none"), written(filled, "none"))
    assert not np.array_equal(written(empty, "original"), written(filled, "original"))
    assert written(empty, "none").shape == (4, WIDTH)
