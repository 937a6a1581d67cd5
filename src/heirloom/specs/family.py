"""Families in config: one model a family, with one section a step, so that each step depends on its own keys only.

A family's ``training`` section answers `fit(generation, text)`: the settings of one generation's training and nothing else, so that
a key of later generations never retrains the origin. What it returns is what the family's ``train`` receives.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from heirloom.specs.bernoulli import Bernoulli
from heirloom.specs.causal_lm import CausalLM
from heirloom.specs.discrete import Discrete
from heirloom.specs.gaussian import Gaussian
from heirloom.specs.gmm import Gmm
from heirloom.specs.kde import Kde
from heirloom.specs.linear_regression import LinearRegression
from heirloom.specs.ngram import Ngram
from heirloom.specs.poisson import Poisson
from heirloom.specs.transformer import Transformer
from heirloom.specs.vae import Vae

Family = Annotated[
    Gaussian | Gmm | Kde | Discrete | Bernoulli | Poisson | LinearRegression | Vae | Ngram | Transformer | CausalLM,
    Field(discriminator="name"),
]

TEXT_FAMILIES = frozenset({"ngram", "transformer", "causal_lm"})
SINGLE_FAMILIES = TEXT_FAMILIES | {"vae"}
"""Families with one model a lineage: their replicas are seeds."""

_DENSITIES = ("normal", "mixture")
_TEXT = ("wikipedia", "files", "hub")

PARALLEL_FAMILIES = frozenset({"transformer", "causal_lm"})
"""Families whose steps several processes can share (`processes`)."""

FEATURE_FAMILIES = frozenset({"transformer", "causal_lm"})
"""Families whose models make a row of numbers of a text, which MAUVE compares (`measures.frontier`)."""

SOURCES = {
    "gaussian": _DENSITIES,
    "gmm": _DENSITIES,
    "kde": _DENSITIES,
    "discrete": ("categorical",),
    "bernoulli": ("bernoulli",),
    "poisson": ("poisson",),
    "linear_regression": ("linear",),
    "vae": ("mnist",),
    "ngram": _TEXT,
    "transformer": _TEXT,
    "causal_lm": _TEXT,
}
"""Family → the sources whose rows it can be trained on and measured against."""

ABILITIES = {
    "gaussian": frozenset({"weigh", "select"}),
    "gmm": frozenset({"select"}),
    "kde": frozenset({"select"}),
    "discrete": frozenset({"select"}),
    "bernoulli": frozenset({"weigh", "select"}),
    "poisson": frozenset({"weigh", "select"}),
    "ngram": frozenset({"weigh", "select", "edit"}),
    "transformer": frozenset({"weigh", "select", "edit"}),
    "causal_lm": frozenset({"weigh", "select"}),
}
"""Family → what it can do for a regime beyond the four steps (`Regime.abilities`); a family that is not here can do none of it."""

SUBSETS = frozenset({"discrete"})
"""Families whose sufficient statistics say how a subset is distributed, so that `path: statistics` can draw from earlier generations."""
