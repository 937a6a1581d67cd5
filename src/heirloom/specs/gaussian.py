"""The `gaussian` family in config."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from heirloom.specs.base import NoSettings, Strict

if TYPE_CHECKING:
    from heirloom.specs.source import TextSettings


class GaussianTraining(Strict):
    """How a Gaussian is fitted."""

    divisor: Literal["n", "n-1"] = Field("n", description="Divisor of the covariance: `n` (maximum likelihood) or `n-1` (unbiased).")

    def fit(self, generation: int, text: TextSettings | None) -> GaussianTraining:
        """Return the settings of one generation's fit: the same for all."""
        return self


class Gaussian(Strict):
    """A d-dimensional Gaussian, refitted to its own draws (Shumailov et al. 2024, the one-dimensional Gaussian)."""

    name: Literal["gaussian"]
    training: GaussianTraining = GaussianTraining()
    sampling: NoSettings = NoSettings()
