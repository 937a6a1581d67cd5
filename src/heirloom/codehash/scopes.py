"""What stands for each name that is visible at a place of a module, in the canonical text of a definition."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import count

from heirloom.codehash.bindings import GLOBAL, LOCAL, NONLOCAL, Bindings, Comprehension, bindings
from heirloom.codehash.modules import contents, package

MARK = "\0"
"""Stands before and after an address in a text; no source file and no ``repr`` holds it."""


@dataclass(frozen=True)
class Scope:
    """The names that are visible at a place, each with what stands for it; ``@`` and a target for an import."""

    module: str
    names: dict[str, str]
    names_of_functions: dict[str, str]
    """The names that functions in this scope see: all of them, but for a class's own."""
    numbers: Iterator[int] | None
    """Numbers for local names, or None where the code reads its local names as text."""


@cache
def module_names(module: str) -> dict[str, str]:
    """Return what stands for the names that a module defines and imports."""
    imports = {name: f"@{target}" for name, target in contents(module).imports.items()}
    return imports | definition_marks(module)


def definition_marks(module: str) -> dict[str, str]:
    """Return what stands for the names that a module defines."""
    return {name: f"{MARK}{module}:{name}{MARK}" for name in contents(module).definitions}


def module_scope(module: str, node: ast.stmt) -> Scope:
    """Return the scope of a module as a statement of its top level sees it."""
    names = module_names(module)
    return Scope(module, names, names, None if _reads_local_names(node) else count())


def _reads_local_names(node: ast.AST) -> bool:
    """Return whether code looks up its own local names as text: `locals`, `eval`, and what frames are queried with."""
    for part in ast.walk(node):
        match part:
            case ast.Call(func=ast.Name(id="locals" | "eval" | "exec")):
                return True
            case ast.Call(func=ast.Name(id="vars" | "dir"), args=[]):
                return True
            case ast.Call(func=ast.Attribute(attr="query" | "eval"), args=[_, *_]):
                return True
    return False


def function_scope(arguments: ast.arguments, body: Iterable[ast.AST], scope: Scope) -> Scope:
    """Return the scope inside a function: parameters are meaning, local names are numbers."""
    single = *arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs
    parameters = [node.arg for node in (*single, arguments.vararg, arguments.kwarg) if node]
    targets_of = bindings(body, package(scope.module))
    names = scope.names_of_functions | _local_names(targets_of, scope)
    names |= {name: f"Name({name})" for name in parameters}
    return replace(scope, names=names, names_of_functions=names)


def _local_names(targets_of: Bindings, scope: Scope) -> dict[str, str]:
    """Return what stands for the names that a function binds."""
    names = {}
    for name, targets in targets_of.items():
        if GLOBAL in targets:
            names[name] = module_names(scope.module).get(name, f"Name({name})")
        elif len(targets) == 1 and LOCAL not in targets and NONLOCAL not in targets:
            names[name] = f"@{next(iter(targets))}"
        elif NONLOCAL not in targets:
            names[name] = _number(name, scope)
    return names


def _number(name: str, scope: Scope) -> str:
    return f"Name({name})" if scope.numbers is None else f"%{next(scope.numbers)}"


def class_scope(body: Iterable[ast.AST], scope: Scope) -> Scope:
    """Return the scope inside a class: its own names are meaning, and hidden from its methods."""
    names = {name: f"Name({name})" for name in bindings(body, package(scope.module))}
    return replace(scope, names=scope.names_of_functions | names)


def comprehension_scope(node: Comprehension, scope: Scope) -> Scope:
    """Return the scope inside a comprehension."""
    parts = [part for generator in node.generators for part in ast.walk(generator.target)]
    targets = [part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
    numbers = {name: _number(name, scope) for name in dict.fromkeys(targets)}
    names = scope.names_of_functions | numbers
    return replace(scope, names=names, names_of_functions=names)
