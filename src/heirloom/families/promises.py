"""Whether a module has the functions that a protocol promises, with their parameters and types; built-in and installed families alike."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any


def lacks(module: ModuleType, protocol: type) -> list[str]:
    """Return which functions of a protocol a module lacks, or has with another signature."""
    promised = {name: function for name, function in vars(protocol).items() if inspect.isfunction(function) and name[0] != "_"}
    return [name for name, function in promised.items() if not is_like(vars(module).get(name), function)]


def is_like(function: Any, promised: Any) -> bool:
    """Return whether a function takes the same parameters, others only by default, of types and with a result that fit."""
    if not inspect.isroutine(function):
        return False
    signature, promised_signature = inspect.signature(function), inspect.signature(promised)
    parameters = list(signature.parameters.values())
    expected = list(promised_signature.parameters.values())[1:]  # a protocol's function has `self`
    further = parameters[len(expected) :]
    pairs = list(zip(parameters, expected, strict=False))
    has_same_names = len(parameters) >= len(expected) and all(ours.name == theirs.name for ours, theirs in pairs)
    has_defaults = all(parameter.default is not parameter.empty for parameter in further)
    has_types = all(_takes(ours.annotation, theirs.annotation) for ours, theirs in pairs)
    results = [str(each.return_annotation).split("[")[0] for each in (signature, promised_signature)]
    return has_same_names and has_defaults and has_types and (results[1] == "Any" or results[0] == results[1])


def _takes(own: str, promised: str) -> bool:
    """Return whether a parameter takes all types that are promised, by their names."""
    return "Any" in promised or set(promised.split(" | ")) <= set(own.split(" | "))
