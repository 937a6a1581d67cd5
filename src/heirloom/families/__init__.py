"""The families: a name in config → the module that is the family, imported when it is asked for.

The names and what each family can do stand in `specs.family`; what a module must offer for it, in `families.base`.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import cast

from heirloom.families.abilities import Rowless
from heirloom.families.base import Family
from heirloom.runtime import packages


def module_name(name: str) -> str:
    """Return the dotted name of the module of one of Heirloom's own families: the one that is called like the family."""
    return f"heirloom.families.{name}"


def is_built_in(name: str) -> bool:
    """Return whether a name is that of a module of this package, which no other package can give to a family."""
    return find_spec(module_name(name)) is not None


def family(name: str) -> Family:
    """Return the family of that name, Heirloom's own or an installed package's; torch is imported for those that need it only.

    Raises
    ------
    HeirloomError
        If there is none, or its package cannot be imported.
    """
    return cast("Family", import_module(module_name(name)) if is_built_in(name) else packages.load(packages.FAMILIES, name))


def rowless(name: str) -> Rowless:
    """Return the family of that name as one that can draw a generation without its rows."""
    return cast("Rowless", family(name))
