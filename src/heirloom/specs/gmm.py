"""The `gmm` family in config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from heirloom.specs.base import NoSettings, Training
from heirloom.specs.declaration import DensityFamily
from heirloom.specs.model_size import ModelSize, moments
from heirloom.specs.sizes import MOST_DIMENSIONS, MOST_ITERATIONS

if TYPE_CHECKING:
    from heirloom.specs.text import TextSettings


class GmmTraining(Training):
    """How a Gaussian mixture is fitted; the defaults are the publication's."""

    components: int = Field(2, ge=1, le=MOST_DIMENSIONS, description="Number of components, each with its own full covariance.")
    estimator: Literal["sklearn", "em"] = Field(
        "sklearn", description="`sklearn`: scikit-learn's GaussianMixture; `em`: the same iteration, for all replicas at once and faster."
    )
    start: Literal["scratch", "previous"] = Field(
        "scratch", description="`scratch`: from k-means in every generation; `previous`: from the parameters of the generation before."
    )
    tolerance: float = Field(1e-5, gt=0, description="EM stops when the mean log-likelihood of a row (nats) changes by less.")
    max_iterations: int = Field(2000, ge=1, le=MOST_ITERATIONS, description="EM stops after so many iterations at the latest.")
    reg_covar: float = Field(1e-6, ge=0, description="Added to the diagonal of every covariance, in squared units of x.")

    @property
    def begins_from(self) -> Literal["scratch", "previous"]:
        """Where the iteration begins."""
        return self.start

    def fit_settings(self, generation: int, text: TextSettings | None) -> GmmTraining:
        """Return the settings of one generation's fit: the origin has none to start from."""
        return self if generation else self.model_copy(update={"start": "scratch"})


class Gmm(DensityFamily):
    """A Gaussian mixture, refitted to its own draws (Shumailov et al. 2024, the Gaussian mixture)."""

    abilities = frozenset({"select", "closed_forms"})
    has_components = True

    name: Literal["gmm"]
    training: GmmTraining = GmmTraining()
    sampling: NoSettings = NoSettings()

    @property
    def fewest_rows(self) -> int:
        """Rows that a fit needs."""
        return max(2, self.training.components)

    def passes(self, generation: int) -> int:
        """Return the passes of a fit: about 20 iterations, each over all components."""
        return 20 * self.training.components

    def size(self, rows: int, row_numbers: int, vocabulary: int) -> ModelSize:
        """Return the size of one replica's model: a mean and a covariance for each component."""
        return ModelSize(self.training.components * moments(row_numbers))
