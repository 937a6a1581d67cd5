"""The `bernoulli` family in config."""

from __future__ import annotations

from typing import Literal

from heirloom.specs.base import NoSettings
from heirloom.specs.declaration import FamilySpec
from heirloom.specs.prior import ShareTraining


class Bernoulli(FamilySpec):
    """The probability of a one, refitted to its own draws: two types, of which one is fixed in the end."""

    sources = ("bernoulli",)
    abilities = frozenset({"weigh", "select", "closed_forms"})
    headlines = ("variance", "fixed_at_1")

    name: Literal["bernoulli"]
    training: ShareTraining = ShareTraining()
    sampling: NoSettings = NoSettings()
