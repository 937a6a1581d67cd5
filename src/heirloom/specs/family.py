"""The families that a config can name: the one list of them, and their declarations by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, get_args

from pydantic import Field, SerializeAsAny, ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from heirloom.artefacts.kinds import NAME
from heirloom.errors import HeirloomError
from heirloom.runtime import packages
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


def _of_package(settings: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    """Return the family that settings name; packages are asked for a name that none of Heirloom's own families has."""
    name = settings.get("name") if isinstance(settings, Mapping) else None
    is_unknown = isinstance(name, str) and name not in SPECS and re.fullmatch(NAME, name)
    if not is_unknown or not packages.is_offered(packages.FAMILIES, str(name)):
        return validate(settings)
    spec = _installed_spec(str(name))
    try:
        return spec.model_validate(settings)
    except ValidationError as error:  # pydantic takes a fault from within a validator as one line
        faults = (".".join(map(str, fault["loc"])) + ": " + fault["msg"] for fault in error.errors(include_url=False))
        raise ValueError("; ".join(faults)) from None


def _installed_spec(name: str) -> type[FamilySpec]:
    """Return what a package's family says of itself.

    Raises
    ------
    ValueError
        If the package cannot be imported, or says nothing.
    """
    try:
        module = packages.load(packages.FAMILIES, name)
    except HeirloomError as error:
        raise ValueError(str(error)) from None
    spec = vars(module).get("Spec")
    if not (isinstance(spec, type) and issubclass(spec, FamilySpec)):
        raise ValueError(f"the package's family {name!r} has no class `Spec` of heirloom.specs.declaration.FamilySpec")
    return spec


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
    WrapValidator(_of_package),
    SerializeAsAny(),
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
