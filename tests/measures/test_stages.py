"""Which measures each family has for the stages of collapse, and the words where it has none."""

from __future__ import annotations

import pytest

from heirloom.measures import stages
from heirloom.measures.scales import is_amount

FAMILIES = {
    "gaussian": (["tail_mass_95", "tail_mass_99"], ["covariance_trace", "log_determinant", "wasserstein2_squared", "mean_squared_error"]),
    "gmm": (["tail_mass_95", "tail_mass_99", "centred_tail_mass_95"], ["covariance_trace", "log_determinant", "mean_squared_error"]),
    "discrete": (["survival.1", "survival.2-4", "survival.5-16", "survival.17-64"], ["diversity", "entropy", "total_variation"]),
    "text": (["tail_survival.2-4", "tail_survival.5-16", "tail_survival.17-64"], ["distinct_3", "token_entropy", "test_perplexity"]),
    "bernoulli": ([], ["variance", "squared_error"]),
    "poisson": ([], ["rate", "squared_error"]),
    "linear_regression": ([], ["squared_error"]),
    "vae": ([], ["latent_spread", "pixel_variance", "class_entropy", "test_elbo"]),
    "gaussian without rows": ([], ["covariance_trace", "log_determinant"]),
}
WORDS = {
    "bernoulli": "a law of two values has no tail",
    "poisson": "the tail of a Poisson law follows from its rate and leaves with it",
    "linear_regression": "the weights of a regression have no tail",
    "vae": "no law of images is known whose bounds could be passed, and no class of them is rare",
    "gaussian without rows": "tails are counted in rows, and sufficient statistics have none",
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_has_measures_of_its_bulk_and_of_its_tails_or_words_why_not(family: str) -> None:
    tails, bulk = FAMILIES[family]
    assert stages.EARLY.keys() >= set(tails)
    assert stages.LATE.keys() >= set(bulk)
    assert stages.reason_without_tails({*tails, *bulk}) == WORDS.get(family, "")


def test_shares_and_amounts_are_lost_downwards_and_errors_upwards() -> None:
    assert {stages.EARLY[measure] for measure in stages.EARLY if is_amount(measure)} == {-1}
    errors = {"wasserstein2_squared", "mean_squared_error", "test_perplexity", "total_variation", "squared_error"}
    assert {measure for measure, direction in stages.LATE.items() if direction > 0} == errors
    assert stages.EARLY.keys().isdisjoint(stages.LATE)
