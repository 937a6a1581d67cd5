"""What the statements of one scope bind: imported names with their targets, and names that the scope makes itself."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from importlib.util import resolve_name

LOCAL = ""
"""Stands for a binding that is no import: an assignment, a function, a loop variable."""

GLOBAL, NONLOCAL = "global", "nonlocal"
"""Stand for a declaration that a name belongs to another scope."""

Bindings = dict[str, set[str]]
"""A name to all that it is bound to in a scope: targets of imports, `LOCAL`, `GLOBAL` and `NONLOCAL`."""

Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def bindings(nodes: Iterable[ast.AST], package: str) -> Bindings:
    """Return what some statements bind in their own scope, in the order of the source.

    Bodies of functions and classes are other scopes.

    Parameters
    ----------
    package
        The package of the module, to which relative imports are relative.
    """
    names: Bindings = {}
    _collect(nodes, package, names)
    return names


def import_targets(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, str]]:
    """Yield the names that an import binds, each with its target: ``module:attribute``, or ``module:``.

    A star import binds ``*``.
    """
    if isinstance(node, ast.Import):
        for alias in node.names:
            root = alias.name.split(".")[0]
            yield (alias.asname, f"{alias.name}:") if alias.asname else (root, f"{root}:")
        return
    origin = resolve_name("." * node.level + (node.module or ""), package)
    for alias in node.names:
        name = "" if alias.name == "*" else alias.name
        yield alias.asname or alias.name, f"{origin}:{name}"


def attribute(target: str, *names: str) -> str:
    """Return the target that is reached from one by some attributes."""
    return target + ".".join(names) if target.endswith(":") else ".".join([target, *names])


def statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run: no docstrings, no ``pass``, nothing that only type checkers read."""
    for statement in body:
        if isinstance(statement, ast.If) and is_for_type_checkers(statement):
            yield from statements(statement.orelse)
        elif not (isinstance(statement, ast.Pass) or _is_words(statement)):
            yield statement


def is_for_type_checkers(statement: ast.stmt) -> bool:
    """Return whether a statement is a block under ``if TYPE_CHECKING``."""
    if not isinstance(statement, ast.If):
        return False
    match statement.test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
    return False


def _is_words(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(value=ast.Constant(value=str())):
            return True
    return False


def _collect(nodes: Iterable[ast.AST], package: str, names: Bindings) -> None:
    for node in nodes:
        for name, target in _bindings_of(node, package):
            names.setdefault(name, set()).add(target)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda | Comprehension):
            _collect(ast.iter_child_nodes(node), package, names)


def _bindings_of(node: ast.AST, package: str) -> Iterable[tuple[str, str]]:
    """Return what a node binds by itself, without its children."""
    names: Iterable[str | None] = ()
    match node:
        case ast.Import() | ast.ImportFrom():
            return import_targets(node, package)
        case ast.Global():
            return [(name, GLOBAL) for name in node.names]
        case ast.Nonlocal():
            return [(name, NONLOCAL) for name in node.names]
        case ast.Name():
            names = () if isinstance(node.ctx, ast.Load) else (node.id,)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            names = (node.name,)
        case ast.ExceptHandler() | ast.MatchAs() | ast.MatchStar():
            names = (node.name,)
        case ast.MatchMapping():
            names = (node.rest,)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            names = [inner.target.id for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr)]
    return [(name, LOCAL) for name in names if name]
