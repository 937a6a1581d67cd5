"""The registry: a family's name in config → the module that is the family, imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from heirloom.families.base import Editor, Family, Fetched, Judge, Resumable, Rowless, Validated

FAMILIES: dict[str, str] = {
    "gaussian": "heirloom.families.gaussian",
    "gmm": "heirloom.families.gmm",
    "kde": "heirloom.families.kde",
    "discrete": "heirloom.families.discrete",
    "bernoulli": "heirloom.families.bernoulli",
    "poisson": "heirloom.families.poisson",
    "linear_regression": "heirloom.families.linear_regression",
    "vae": "heirloom.families.vae",
    "ngram": "heirloom.families.ngram",
    "transformer": "heirloom.families.transformer",
    "causal_lm": "heirloom.families.causal_lm",
}


def family(name: str) -> Family:
    """Return the family of that name; torch is imported for those that need it only."""
    return cast("Family", import_module(FAMILIES[name]))


def rowless(name: str) -> Rowless:
    """Return the family of that name as one that can draw a generation without its rows."""
    return cast("Rowless", import_module(FAMILIES[name]))


if TYPE_CHECKING:  # mypy compares each module with the protocols
    from heirloom.families import bernoulli, causal_lm, discrete, gaussian, gmm, kde, linear_regression, ngram, poisson, transformer, vae

    _PROMISED: list[Family] = [bernoulli, causal_lm, discrete, gaussian, gmm, kde, linear_regression, ngram, poisson, transformer, vae]
    _PROMISED_WITHOUT_ROWS: list[Rowless] = [discrete, gaussian]
    _JUDGES: list[Judge] = [bernoulli, causal_lm, discrete, gaussian, gmm, kde, ngram, poisson, transformer]
    _FETCHED: list[Fetched] = [causal_lm]
    _VALIDATED: list[Validated] = [causal_lm]
    _EDITORS: list[Editor] = [ngram, transformer]
    _RESUMABLE: list[Resumable] = [transformer]
