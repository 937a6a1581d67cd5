"""The families that a config can name: the one list of them, and their declarations by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, get_args

from pydantic import Field

from heirloom.specs.bernoulli import Bernoulli
from heirloom.specs.causal_lm import CausalLM
from heirloom.specs.declaration import Ability, FamilySpec
from heirloom.specs.discrete import Discrete
from heirloom.specs.external import AnyExternal, External
from heirloom.specs.gaussian import Gaussian
from heirloom.specs.gmm import Gmm
from heirloom.specs.kde import Kde
from heirloom.specs.linear_regression import LinearRegression
from heirloom.specs.ngram import Ngram
from heirloom.specs.poisson import Poisson
from heirloom.specs.transformer import Transformer
from heirloom.specs.vae import Vae

Family = Annotated[
    Gaussian  # rows of numbers
    | Gmm
    | Kde
    | Discrete
    | Bernoulli
    | Poisson
    | LinearRegression
    | AnyExternal  # by the user's programs
    | Vae  # images
    | Ngram  # text
    | Transformer
    | CausalLM,
    Field(discriminator="name"),
]


def _name(spec: type[FamilySpec]) -> str:
    """Return the one name that a family's `name` field takes."""
    (name,) = get_args(spec.model_fields["name"].annotation)
    return str(name)


_DECLARATIONS = [spec if isinstance(spec, type) else External for spec in get_args(get_args(Family)[0])]  # of all kinds of rows, one

SPECS: Mapping[str, type[FamilySpec]] = {_name(spec): spec for spec in _DECLARATIONS}
"""Name → what the family says of itself."""


def families_with(ability: Ability) -> list[str]:
    """Return the names of the families that can do something, in alphabetical order."""
    return sorted(name for name, spec in SPECS.items() if ability in spec.abilities)
