"""The own EM is scikit-learn's EM."""

from __future__ import annotations

import numpy as np
import pytest

from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.errors import HeirloomError
from heirloom.families import em, gmm
from heirloom.runtime.streams import Stream
from heirloom.specs.base import NoSettings
from heirloom.specs.gmm import GmmTraining

WEIGHTS, MEANS = np.array([[0.3, 0.7]]), np.array([[[-1.5, 100.0], [1.0, 101.0]]])
COVARIANCES = np.array([[[[0.5, 0.1], [0.1, 0.3]], [[1.0, -0.4], [-0.4, 0.6]]]])


def rows(num_replicas: int, num_rows: int = 400) -> Dataset:
    weights, means, covariances = (np.repeat(part, num_replicas, axis=0) for part in (WEIGHTS, MEANS, COVARIANCES))
    law = gmm.Model(weights, means, covariances, np.ones(num_replicas, np.int64))
    (x_RND,) = gmm.sample(law, None, num_rows, NoSettings(), Stream((0, "rows")))
    return Dataset.of(vector_table(x_RND))


@pytest.mark.parametrize("components", [1, 2, 3])
def test_from_the_same_k_means_both_estimators_end_at_the_same_mixture(components: int) -> None:
    our_model, theirs = (
        gmm.train(rows(3), GmmTraining(components=components, estimator=estimator), None, Stream((0, "train")))
        for estimator in ("em", "sklearn")
    )
    assert our_model.iterations.tolist() == theirs.iterations.tolist()
    np.testing.assert_allclose(our_model.weights, theirs.weights, rtol=0, atol=1e-6)
    np.testing.assert_allclose(our_model.means, theirs.means, rtol=0, atol=2e-6)
    np.testing.assert_allclose(our_model.covariances, theirs.covariances, rtol=0, atol=2e-6)


def test_from_the_parameters_of_the_generation_before_they_end_at_the_same_mixture_too() -> None:
    start = gmm.Model(WEIGHTS, MEANS + 0.1, COVARIANCES, np.array([1]))
    our_model, theirs = (
        gmm.train(rows(1), GmmTraining(estimator=estimator, start="previous"), start, Stream((0, "train")))
        for estimator in ("em", "sklearn")
    )
    assert our_model.iterations.tolist() == theirs.iterations.tolist()
    np.testing.assert_allclose(our_model.means, theirs.means, rtol=0, atol=2e-6)
    np.testing.assert_allclose(our_model.covariances, theirs.covariances, rtol=0, atol=2e-6)


def test_the_log_likelihood_is_scikit_learns() -> None:
    from sklearn.mixture import GaussianMixture

    x_RND = rows(1).by_replica()
    precisions = np.linalg.inv(COVARIANCES[0])
    theirs = GaussianMixture(2, tol=1e-5, max_iter=2000, weights_init=WEIGHTS[0], means_init=MEANS[0], precisions_init=precisions)
    our_model = em.run(x_RND, em.Parameters(WEIGHTS, MEANS, COVARIANCES), 1e-5, 2000, 1e-6)
    assert our_model.log_likelihood[0] == pytest.approx(theirs.fit(x_RND[0]).lower_bound_, abs=1e-7)


def test_a_replica_is_fitted_as_if_it_were_alone() -> None:
    many = rows(4)
    few = Dataset.of(vector_table(many.by_replica()[:2]))
    fit = GmmTraining(estimator="em")
    together, from_few = (gmm.train(case_rows, fit, None, Stream((0, "train"))) for case_rows in (many, few))
    assert len(set(together.iterations.tolist())) > 1
    assert np.array_equal(together.means[:2], from_few.means)
    assert np.array_equal(together.covariances[:2], from_few.covariances)


def test_a_fit_keeps_the_rows_mean_and_their_covariance_plus_what_is_added() -> None:
    from heirloom.measures import mixtures

    x_RND = rows(2).by_replica()
    fitted = gmm.train(rows(2), GmmTraining(estimator="em", max_iterations=3, reg_covar=0.25), None, Stream((0, "train")))
    mean, covariance = mixtures.moments(mixtures.Mixture(fitted.weights, fitted.means, fitted.covariances))
    np.testing.assert_allclose(mean, x_RND.mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(covariance[1], np.cov(x_RND[1].T, ddof=0) + 0.25 * np.eye(2), rtol=1e-9)


@pytest.mark.parametrize("estimator", ["em", "sklearn"])
def test_equal_rows_are_kept_apart_by_reg_covar_and_refused_without_it(estimator: str) -> None:
    same = Dataset.of(vector_table(np.ones((1, 5, 1))))
    model = gmm.train(same, GmmTraining.model_validate({"estimator": estimator}), None, Stream(()))
    assert model.covariances.ravel() == pytest.approx([1e-6, 1e-6], rel=1e-6)
    with pytest.raises(HeirloomError, match=r"raise family.training.reg_covar$"):
        gmm.train(same, GmmTraining.model_validate({"estimator": estimator, "reg_covar": 0.0}), None, Stream(()))


def test_fewer_rows_than_components_are_refused() -> None:
    with pytest.raises(HeirloomError, match="a mixture of 3 components needs at least 3 rows, got 2"):
        gmm.train(Dataset.of(vector_table(np.ones((1, 2, 1)))), GmmTraining(components=3), None, Stream(()))


def test_draws_have_the_mixtures_shares_and_each_components_mean_and_covariance() -> None:
    start = gmm.Model(WEIGHTS, np.array([[[-50.0, 0.0], [50.0, 0.0]]]), COVARIANCES, np.array([1]))
    (x_RND,) = gmm.sample(start, None, 40_000, NoSettings(), Stream((0, "draws")))
    first = x_RND[0, :, 0] < 0
    assert abs(first.mean() - 0.3) / np.sqrt(0.21 / 40_000) < 4
    for k, component_ND in enumerate((x_RND[0, first], x_RND[0, ~first])):
        truth = COVARIANCES[0, k]
        z_mean = (component_ND.mean(axis=0) - start.means[0, k]) / np.sqrt(np.diag(truth) / len(component_ND))
        spread = np.sqrt((truth**2 + np.outer(np.diag(truth), np.diag(truth))) / len(component_ND))
        assert np.abs(z_mean).max() < 4
        assert np.abs((np.cov(component_ND.T) - truth) / spread).max() < 4


def test_more_replicas_leave_the_draws_of_earlier_ones_alone() -> None:
    few, many = (rows(count, 7).by_replica() for count in (2, 5))
    assert np.array_equal(many[:2], few)


@pytest.mark.parametrize("estimator", ["em", "sklearn"])
def test_the_parameters_of_the_generation_before_are_used_only_where_the_config_says_so(estimator: str) -> None:
    earlier_model = gmm.Model(WEIGHTS, MEANS[:, ::-1], COVARIANCES, np.array([1]))

    def fitted(start: str, model: gmm.Model | None) -> list[float]:
        fit = GmmTraining.model_validate({"estimator": estimator, "start": start, "max_iterations": 1})
        means: list[float] = gmm.train(rows(1), fit, model, Stream((0, "train"))).means.ravel().tolist()
        return means

    assert fitted("scratch", earlier_model) == fitted("scratch", None)
    one_step = em.run(
        rows(1).by_replica(), em.Parameters(earlier_model.weights, earlier_model.means, earlier_model.covariances), 1e-5, 1, 1e-6
    )
    assert fitted("previous", earlier_model) == pytest.approx(one_step.parameters.means.ravel().tolist(), abs=2e-6)
