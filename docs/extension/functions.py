"""What autodoc is to show: the functions of the package, and those of each module of measures."""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module

import heirloom
from heirloom import measures as package_of_measures


def package() -> str:
    """Return a directive for each name of the package, in alphabetical order."""
    names = [name for name in heirloom.__all__ if not name.startswith("_")]
    return "\n".join(_directive(name) for name in sorted(names, key=str.casefold))


def _directive(name: str) -> str:
    thing = getattr(heirloom, name)
    place = f"heirloom.{name}"
    if inspect.ismodule(thing):
        lines = [f".. autofunction:: {place}.{each}" for each, _ in inspect.getmembers(thing, inspect.isfunction)]
    elif inspect.isclass(thing):
        lines = [f".. autoclass:: {place}", "   :members:"]
    else:
        lines = [f".. autofunction:: {place}"]
    return "\n".join(["```{eval-rst}", *lines, "```", ""])


def measures() -> str:
    """Return a section for each module of measures that has functions: its docstring, and its public functions."""
    lines: list[str] = []
    for module in pkgutil.iter_modules(package_of_measures.__path__, f"{package_of_measures.__name__}."):
        names = _functions(module.name)
        if names:
            lines += [f"## {module.name.rpartition('.')[2]}", "", "```{eval-rst}", f".. automodule:: {module.name}", ""]
            lines += [f".. autofunction:: {module.name}.{name}" for name in names]
            lines += ["```", ""]
    return "\n".join(lines)


def _functions(module: str) -> list[str]:
    functions = inspect.getmembers(import_module(module), inspect.isfunction)
    return [name for name, function in functions if function.__module__ == module and not name.startswith("_")]
