"""The `poisson` family in config."""

from __future__ import annotations

from typing import Literal

from heirloom.specs.base import NoSettings
from heirloom.specs.declaration import FamilySpec
from heirloom.specs.prior import RateTraining


class Poisson(FamilySpec):
    """The mean of Poisson counts, refitted to its own draws (Dey and Donoho 2024 treat such exponential families)."""

    sources = ("poisson",)
    abilities = frozenset({"weigh", "select", "closed_forms"})
    headlines = ("squared_error", "absorbed")

    name: Literal["poisson"]
    training: RateTraining = RateTraining()
    sampling: NoSettings = NoSettings()
