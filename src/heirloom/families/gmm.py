"""A Gaussian mixture refitted to its own draws by expectation maximisation.

Two estimators take the same steps: scikit-learn's GaussianMixture, replica by replica as the publication ran it, and `em`, which fits
all replicas at once. Both keep the rows' mean, and the rows' covariance plus ``reg_covar``, whatever the components do
(`theory` uses it).

Legend of shapes: R replicas, N rows, K components, D dimensions.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heirloom import theory
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError
from heirloom.families import arrays, closed_forms, em
from heirloom.families.base import Measuring, Sets
from heirloom.families.closed_forms import DensitySource
from heirloom.measures import mixtures, replicas, vectors
from heirloom.runtime.streams import Stream
from heirloom.specs.base import NoSettings
from heirloom.specs.gmm import Gmm, GmmTraining
from heirloom.theory.arm import Arm

Spec = Gmm
Fit = GmmTraining
Sampling = NoSettings


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted mixture for every replica.

    Parameters
    ----------
    weights, means, covariances
        Arrays of shape (R, K), (R, K, D) and (R, K, D, D).
    iterations
        EM iterations that the fit took, shape (R,).
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    iterations: NDArray[np.int64]


def train(rows: Dataset, fit: GmmTraining, start: Model | None, stream: Stream) -> Model:
    """Fit the mixture, from k-means or from the parameters of the generation before.

    Raises
    ------
    HeirloomError
        If there are fewer rows than components, or a covariance degenerates in spite of ``reg_covar``.
    """
    x_RND = rows.by_replica()
    if x_RND.shape[1] < max(2, fit.components):
        raise HeirloomError(f"a mixture of {fit.components} components needs at least {max(2, fit.components)} rows, got {x_RND.shape[1]}")
    initial = em.Parameters(start.weights, start.means, start.covariances) if start and fit.start == "previous" else None
    estimate = {"sklearn": _by_sklearn, "em": _by_em}[fit.estimator]
    result = estimate(x_RND, fit, initial, stream)
    return Model(*result.parameters, result.iterations)


def sample(
    model: Model,
    prompts: Iterable[NDArray[Any]] | None,
    num_rows: int,
    settings: NoSettings,
    stream: Stream,
) -> Iterator[NDArray[np.float64]]:
    """Yield draws of shape (R, num_rows, D): for each row a component by weight, then a normal draw from it."""
    num_replicas, num_components, dim = model.means.shape
    uniform_RN = stream.child("component").generator().random((num_replicas, num_rows))
    noise_RDN = stream.child("noise").generator().standard_normal((num_replicas, dim, num_rows))
    try:
        roots_RKDD = np.linalg.cholesky(model.covariances)
    except np.linalg.LinAlgError:
        raise HeirloomError("a component's covariance is not positive definite; raise family.training.reg_covar") from None
    cumulated_RK = np.cumsum(model.weights, axis=1)
    x_RDN = _affine(noise_RDN, roots_RKDD[:, -1], model.means[:, -1])
    for k in reversed(range(num_components - 1)):  # component k where the draw is below its cumulated weight and no earlier one's
        component_RDN = _affine(noise_RDN, roots_RKDD[:, k], model.means[:, k])
        np.copyto(x_RDN, component_RDN, where=(uniform_RN < cumulated_RK[:, k, None])[:, None, :])
    yield np.ascontiguousarray(x_RDN.transpose(0, 2, 1))


def log_likelihoods(model: Model, rows: Dataset, chunk_rows: int) -> NDArray[np.float64]:
    """Return each row's log density in nats, shape (R, N).

    Raises
    ------
    HeirloomError
        If a component's covariance is degenerate.
    """
    mixture = mixtures.Mixture(model.weights, model.means, model.covariances)
    return np.asarray(np.logaddexp.reduce(mixtures.log_joint(mixture, rows.by_replica())))


def evaluate(model: Model, sets: Sets, origin: Model, measuring: Measuring, stream: Stream) -> dict[str, float]:
    """Measure the mixture against the true law and the origin's, and the tails of its rows against the true components' bounds.

    ``squared_l2_origin`` is the publication's distance: to the mixture of generation 0. ``smallest_deviation`` is the smallest
    standard deviation of any component in any direction. ``centred_tail_mass_95`` is the tail about the means of the fitted components.
    """
    truth = mixtures.truth(measuring.truth)
    mixture = mixtures.Mixture(model.weights, model.means, model.covariances)
    mean_RD, covariance_RDD = mixtures.moments(mixture)
    measured = {
        "covariance_trace": vectors.covariance_trace(covariance_RDD),
        "log_determinant": vectors.log_determinant(covariance_RDD),
        "mean_squared_error": vectors.mean_squared_distance(mean_RD, mixtures.moments(truth)[0][0]),
        "squared_l2": mixtures.squared_l2(mixture, truth),
        "squared_l2_origin": mixtures.squared_l2(mixture, mixtures.Mixture(origin.weights, origin.means, origin.covariances)),
        "smallest_deviation": np.sqrt(np.linalg.eigvalsh(model.covariances).min(axis=(1, 2)).clip(0)),
        "smallest_weight": model.weights.min(axis=1),
        "em_iterations": model.iterations,
        **mixtures.tail_masses(sets.sample.by_replica(), truth),
        **mixtures.mode_mixing(sets.sample.by_replica(), truth),
        **mixtures.minority_share(sets.sample.by_replica(), truth),
        "centred_tail_mass_95": mixtures.centred_tail_mass(sets.sample.by_replica(), mixture, truth, 0.95),
    }
    return replicas.summarise_each(measured)


def save(model: Model, folder: Path) -> None:
    """Write ``model.safetensors`` with the arrays of the model."""
    arrays.save(model, folder)


def load(folder: Path) -> Model:
    """Return the model in a checkpoint folder."""
    return arrays.load(Model, folder)


def _affine(noise_RDN: NDArray[np.float64], root_RDD: NDArray[Any], mean_RD: NDArray[np.float64]) -> NDArray[np.float64]:
    x_RDN = np.matmul(root_RDD, noise_RDN)
    x_RDN += mean_RD[:, :, None]
    return x_RDN


def _seeds(num_replicas: int, stream: Stream) -> list[int]:
    """Return what starts scikit-learn's own generator in each replica."""
    seeds: list[int] = stream.child("k-means").generator().integers(2**32, size=num_replicas).tolist()
    return seeds


def _by_em(x_RND: NDArray[np.float64], fit: GmmTraining, initial: em.Parameters | None, stream: Stream) -> em.Fit:
    if initial is None:
        seeds = _seeds(len(x_RND), stream)
        labels = [_k_means(x_ND, fit.components, seed) for x_ND, seed in zip(x_RND, seeds, strict=True)]
        initial = em.from_labels(x_RND, np.stack(labels), fit.components, fit.reg_covar)
    return em.run(x_RND, initial, fit.tolerance, fit.max_iterations, fit.reg_covar)


def _k_means(x_ND: NDArray[np.float64], num_clusters: int, seed: int) -> NDArray[np.int64]:
    """Return labels of shape (N,) from one run of k-means, as GaussianMixture makes them."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters: an empty component is allowed
        clustering = KMeans(num_clusters, n_init=1, random_state=seed).fit(x_ND)
    labels: NDArray[np.int64] = clustering.labels_.astype(np.int64)
    return labels


def _by_sklearn(x_RND: NDArray[np.float64], fit: GmmTraining, initial: em.Parameters | None, stream: Stream) -> em.Fit:
    """Fit each replica with scikit-learn; a fit stopped by ``max_iterations`` is a result, not a fault."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    models = []
    for r, (x_ND, seed) in enumerate(zip(x_RND, _seeds(len(x_RND), stream), strict=True)):
        settings: dict[str, Any] = {"init_params": "kmeans"}
        if initial:  # these parameters replace what the cheapest initialisation makes
            precisions_KDD = np.linalg.inv(initial.covariances[r])
            settings = {"weights_init": initial.weights[r], "means_init": initial.means[r], "precisions_init": precisions_KDD}
            settings["init_params"] = "random_from_data"
        mixture = GaussianMixture(
            fit.components, tol=fit.tolerance, max_iter=fit.max_iterations, reg_covar=fit.reg_covar, random_state=seed, **settings
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            try:
                models.append(mixture.fit(x_ND))
            except ValueError as error:
                reason = str(error).split(";")[0].split(". ")[0]
                raise HeirloomError(f"replica {r}: {reason}; raise family.training.reg_covar") from None
    parameters = em.Parameters(*(_stacked(models, name) for name in ("weights_", "means_", "covariances_")))
    return em.Fit(parameters, _stacked(models, "n_iter_"), _stacked(models, "lower_bound_"))


def _stacked(models: Sequence[Any], name: str) -> NDArray[Any]:
    """Return what scikit-learn calls by a name in each of its models, replica by replica."""
    return np.stack([getattr(mixture, name) for mixture in models])


def expected_curves(family: Gmm, source: DensitySource, arm: Arm) -> dict[str, theory.Curve]:
    """Return the curves of a model that adds ``reg_covar`` to its rows' variance (`theory.smoothing.kernel`)."""
    total = closed_forms.covariance(source).trace()
    added_variance = float(source.row_numbers * family.training.reg_covar / total)
    return closed_forms.traces(source, arm.moments(theory.smoothing.kernel(added_variance)))
