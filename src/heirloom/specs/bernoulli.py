"""The `bernoulli` family in config."""

from __future__ import annotations

from typing import Literal

from heirloom.specs.base import NoSettings, NoTraining
from heirloom.specs.declaration import FamilySpec


class Bernoulli(FamilySpec):
    """The probability of a one, refitted to its own draws: two types, of which one is fixed in the end."""

    sources = ("bernoulli",)
    abilities = frozenset({"weigh", "select", "closed_forms"})
    headlines = ("variance", "fixed_at_1")

    name: Literal["bernoulli"]
    training: NoTraining = NoTraining()
    sampling: NoSettings = NoSettings()
