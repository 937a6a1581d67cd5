from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri

from heirloom.errors import HeirloomError
from heirloom.measures import mixtures, vectors
from heirloom.measures.mixtures import Mixture

TWO = Mixture(np.array([[0.25, 0.75]]), np.array([[[-1.0], [2.0]]]), np.array([[[[1.0]], [[0.25]]]]))


def normal(mean: float, variance: float) -> Mixture:
    return Mixture(np.array([[1.0]]), np.array([[[mean]]]), np.array([[[[variance]]]]))


def density(mixture: Mixture, x: np.ndarray) -> np.ndarray:
    spread = np.sqrt(mixture.covariances[0, :, 0, 0])[:, None]
    components = np.exp(-(((x - mixture.means[0]) / spread) ** 2) / 2) / spread / np.sqrt(2 * np.pi)
    return np.asarray(mixture.weights[0] @ components)


def test_the_squared_l2_distance_is_the_integral() -> None:
    x = np.linspace(-12, 12, 20_001)
    for mixture in (normal(0.5, 2.0), TWO):
        integral = ((density(TWO, x) - density(mixture, x)) ** 2).sum() * (x[1] - x[0])
        assert mixtures.squared_l2(TWO, mixture)[0] == pytest.approx(integral, abs=1e-9)


def test_the_distance_to_a_point_like_mixture_in_the_plane_tends_to_one_over_four_pi_variance() -> None:
    point = Mixture(np.array([[0.5, 0.5]]), np.zeros((1, 2, 2)), np.tile(0.0105**2 * np.eye(2), (1, 2, 1, 1)))
    start = Mixture(np.array([[1.0]]), np.zeros((1, 1, 2)), np.eye(2)[None, None])
    far = start._replace(means=start.means + 100)
    assert mixtures.squared_l2(start, far)[0] == pytest.approx(2 / (4 * np.pi))
    assert mixtures.squared_l2(point, start)[0] == pytest.approx(721.8, rel=1e-3)


def test_many_replicas_stand_beside_one_truth() -> None:
    many = Mixture(*(np.repeat(part, 3, axis=0) for part in TWO))
    assert mixtures.squared_l2(many, normal(0.0, 1.0)).tolist() == [mixtures.squared_l2(TWO, normal(0.0, 1.0))[0]] * 3


def test_a_degenerate_mixture_has_no_distance() -> None:
    with pytest.raises(HeirloomError, match="squared L2: a covariance is degenerate"):
        mixtures.squared_l2(normal(0.0, 0.0), TWO)


def test_the_moments_of_a_mixture_are_those_of_the_whole() -> None:
    mean, covariance = mixtures.moments(TWO)
    assert mean.tolist() == [[1.25]]
    assert covariance.tolist() == [[[0.25 * 1.0 + 0.75 * 0.25 + 0.25 * 2.25**2 + 0.75 * 0.75**2]]]


def test_the_tails_of_a_normal_law_are_those_of_its_ellipsoid_and_of_a_mixture_those_outside_every_component() -> None:
    x = np.linspace(-5, 5, 101).reshape(1, 101, 1)
    single = mixtures.tail_masses(x, normal(0.0, 1.0))
    assert single["tail_mass_95"] == vectors.tail_mass(x, np.zeros(1), np.eye(1), 0.95)
    # outside ±1.96 around -1 and ±0.98 around 2: x < -2.96, 0.96 < x < 1.02, x > 2.98
    assert mixtures.tail_masses(x, TWO)["tail_mass_95"].tolist() == [(21 + 1 + 21) / 101]


def test_a_source_without_a_law_is_refused() -> None:
    with pytest.raises(HeirloomError, match="their source must be `normal` or `mixture`"):
        mixtures.truth({"probability": 0.5})


def test_the_wasserstein_distance_on_the_line_matches_quantiles() -> None:
    x = np.linspace(-12, 12, 400_001)
    share = np.cumsum(density(TWO, x)) * (x[1] - x[0])
    u = (np.arange(200_000) + 0.5) / 200_000
    quantiles = np.interp(u, share, x)
    mean, variance = np.array([[0.5], [1.0]]), np.array([[[4.0]], [[0.0]]])
    distances = mixtures.wasserstein2_squared(mean, variance, TWO)
    normal_quantiles = 0.5 + 2.0 * ndtri(u)
    assert distances == pytest.approx([((normal_quantiles - quantiles) ** 2).mean(), ((1.0 - quantiles) ** 2).mean()], rel=1e-3)


def test_the_wasserstein_distance_to_a_normal_law_is_that_of_mean_and_deviation() -> None:
    split = Mixture(np.array([[0.5, 0.5]]), np.full((1, 2, 1), 3.0), np.full((1, 2, 1, 1), 4.0))
    mean, variance = np.array([[3.0], [1.0], [3.0]]), np.array([[[4.0]], [[4.0]], [[1.0]]])
    for law in (normal(3.0, 4.0), split):
        assert mixtures.wasserstein2_squared(mean, variance, law) == pytest.approx([0.0, 4.0, 1.0], abs=1e-9)


def test_the_tail_about_fitted_means_does_not_see_that_a_replica_has_drifted_away() -> None:
    x = np.linspace(-5, 5, 101).reshape(1, 101, 1)
    fitted = mixtures.Mixture(np.ones((3, 1)), np.array([[[0.0]], [[40.0]], [[40.0]]]), np.ones((3, 1, 1, 1)))
    shares = mixtures.centred_tail_mass(np.concatenate([x, x + 40, x / 10 + 40]), fitted, normal(0.0, 1.0), 0.95)
    assert shares == pytest.approx([62 / 101, 62 / 101, 0.0])  # 39 of 101 lie within 1.96 of the mean
    assert mixtures.tail_masses(x / 10 + 40, normal(0.0, 1.0))["tail_mass_95"].tolist() == [1.0]


def test_each_fitted_component_is_as_wide_as_the_true_one_that_is_nearest() -> None:
    x = np.linspace(-5, 5, 101).reshape(1, 101, 1)
    assert mixtures.centred_tail_mass(x, TWO, TWO, 0.95) == pytest.approx(mixtures.tail_masses(x, TWO)["tail_mass_95"])
    swapped = mixtures.Mixture(TWO.weights[:, ::-1], TWO.means[:, ::-1] + 0.1, TWO.covariances[:, ::-1])
    about = mixtures.centred_tail_mass(x + 0.1, swapped, TWO, 0.95)
    assert about == pytest.approx(mixtures.tail_masses(x, TWO)["tail_mass_95"])


def test_a_row_lies_between_two_modes_where_their_posteriors_are_within_a_factor_e() -> None:
    # of two unit Gaussians at -2 and 2 the logarithm of the ratio is 4 x, so |x| < 1/4 lies between them
    law = mixtures.Mixture(np.array([[0.5, 0.5]]), np.array([[[-2.0], [2.0]]]), np.ones((1, 2, 1, 1)))
    rows = np.array([[[-2.0], [-0.26], [-0.24], [0.24]], [[2.0], [0.26], [1.0], [0.1]]])
    assert mixtures.mode_mixing(rows, law)["mode_mixing"].tolist() == [0.5, 0.25]
    assert mixtures.mode_mixing(rows, mixtures.Mixture(np.ones((1, 1)), np.zeros((1, 1, 1)), np.ones((1, 1, 1, 1)))) == {}
