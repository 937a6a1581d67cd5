"""The families: a name in config → the module that is the family, imported when it is asked for.

The names and what each family can do stand in `specs.family`; what a module must offer for it, in `families.base`.
"""

from __future__ import annotations

from importlib import import_module
from typing import cast

from heirloom.families.abilities import Rowless
from heirloom.families.base import Family


def module_name(name: str) -> str:
    """Return the dotted name of a family's module: the one that is called like the family."""
    return f"heirloom.families.{name}"


def family(name: str) -> Family:
    """Return the family of that name; torch is imported for those that need it only."""
    return cast("Family", import_module(module_name(name)))


def rowless(name: str) -> Rowless:
    """Return the family of that name as one that can draw a generation without its rows."""
    return cast("Rowless", import_module(module_name(name)))
