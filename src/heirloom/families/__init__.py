"""The registry: a family's name in config → the module that is the family, imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

from heirloom.families.base import Family

FAMILIES: dict[str, str] = {
    "gaussian": "heirloom.families.gaussian",
    "ngram": "heirloom.families.ngram",
    "transformer": "heirloom.families.transformer",
}


def family(name: str) -> Family:
    """Return the family of that name; torch is imported for those that need it only."""
    return cast("Family", import_module(FAMILIES[name]))


if TYPE_CHECKING:  # mypy compares each module with the protocol
    from heirloom.families import gaussian, ngram, transformer

    _PROMISED: dict[str, Family] = {"gaussian": gaussian, "ngram": ngram, "transformer": transformer}
