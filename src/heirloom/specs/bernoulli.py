"""The `bernoulli` family in config."""

from __future__ import annotations

from typing import Literal

from heirloom.specs.base import NoSettings, NoTraining, Strict


class Bernoulli(Strict):
    """The probability of a one, refitted to its own draws: two types, of which one is fixed in the end."""

    name: Literal["bernoulli"]
    training: NoTraining = NoTraining()
    sampling: NoSettings = NoSettings()
