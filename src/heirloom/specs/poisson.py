"""The `poisson` family in config."""

from __future__ import annotations

from typing import Literal

from heirloom.specs.base import NoSettings, NoTraining, Strict


class Poisson(Strict):
    """The mean of Poisson counts, refitted to its own draws (Dey and Donoho 2024 treat such exponential families)."""

    name: Literal["poisson"]
    training: NoTraining = NoTraining()
    sampling: NoSettings = NoSettings()
