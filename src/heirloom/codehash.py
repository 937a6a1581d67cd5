"""Code as a trigger by content: one hash over what a step's code *says*, not over how it looks.

Snakemake sees a rule's shell command, never the package behind it. So every step's params carry a hash over the definitions that the step
can reach inside ``heirloom``: functions, classes and constants, followed name by name across modules, computed from the
syntax trees and never listed by hand. Docstrings, comments, layout and the descriptions of config fields are left out: a comment must
not retrain every lineage, a changed measure must not retrain any, and a new family must leave the others alone.

Not seen: what is looked up by text at run time (`getattr`, `importlib`), and ``import heirloom.x`` (the package writes
``from heirloom import x``). The only look-ups by text are the registries of families and sources, whose modules `slices` names.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from heirloom.manifest import dumps, write_text

PACKAGE = "heirloom"
ROOT = Path(__file__).parent
KEPT = Path(".heirloom/code")
"""Hashes that have been computed, in a file for each state of the package; only in a folder where Heirloom has worked."""


@dataclass
class _Module:
    """What a module defines and imports at any depth, by name."""

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    effects: list[ast.stmt] = field(default_factory=list)
    modules: dict[str, str] = field(default_factory=dict)
    symbols: dict[str, tuple[str, str]] = field(default_factory=dict)


def of(*entries: str) -> str:
    """Return the hash of everything reachable from some definitions, as 16 hex digits.

    It is computed once for each state of the package: reading all of its modules takes two seconds, and on a cluster every job would.

    Parameters
    ----------
    entries
        ``module:name``, such as ``heirloom.families.gaussian:train``, or ``module:*`` for all that a module defines.
    """
    kept, asked = KEPT / f"{_package()}.json", " ".join(entries)
    known: dict[str, str] = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    if asked not in known:
        known[asked] = _hash(entries)
        if KEPT.parent.is_dir():
            write_text(kept, dumps(known))
    return known[asked]


def _hash(entries: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for entry in sorted(closure(*entries)):
        digest.update(f"{entry}\n{_said(entry)}\n".encode())
    return digest.hexdigest()[:16]


@cache
def _package() -> str:
    """Return the hash of the package's bytes, words and all."""
    digest = hashlib.sha256()
    for file in sorted(ROOT.rglob("*.py")):
        digest.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def closure(*entries: str) -> set[str]:
    """Return every ``module:name`` of the package that is reachable from some, those included.

    Raises
    ------
    ModuleNotFoundError
        If an entry names no definition of the package.
    """
    found: set[str] = set()
    pending = [named for entry in entries for named in _named(entry)]
    while pending:
        entry = pending.pop()
        if entry not in found:
            found.add(entry)
            pending.extend(_reached(entry))
    return found


def _named(entry: str) -> list[str]:
    module, name = entry.split(":")
    read = _read(module)
    if name == "*":
        return [f"{module}:{defined}" for defined in read.definitions]
    if name not in read.definitions and name not in read.symbols:
        raise ModuleNotFoundError(f"{entry} is no definition of {PACKAGE}")
    return [entry]


def _file(module: str) -> Path | None:
    """Return a module's source file, or None where the name is no module of the package."""
    first, *rest = module.split(".")
    base = ROOT.joinpath(*rest)
    candidates = (base / "__init__.py", base.with_suffix(".py"))
    return next((path for path in candidates if path.is_file()), None) if first == PACKAGE else None


@cache
def _read(module: str) -> _Module:
    file = _file(module)
    if file is None:
        raise ModuleNotFoundError(f"{module} is no module of {PACKAGE}")
    tree = _without_words(ast.parse(file.read_text(encoding="utf-8")))
    read = _Module()
    for statement in tree.body:
        if isinstance(statement, ast.Import | ast.ImportFrom | ast.Pass):
            continue
        names = list(_defined(statement))
        for name in names:
            read.definitions.setdefault(name, []).append(statement)
        if not names:
            read.effects.append(statement)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == PACKAGE:
            _note_imports(node, node.module, read)
    return read


def _note_imports(node: ast.ImportFrom, origin: str, read: _Module) -> None:
    for alias in node.names:
        name, inside = alias.asname or alias.name, f"{origin}.{alias.name}"
        if _file(inside):
            read.modules[name] = inside
        elif _file(origin):
            read.symbols[name] = (origin, alias.name)


@cache
def _reached(entry: str) -> frozenset[str]:
    """Return the definitions that one names directly."""
    return frozenset(_names_in(entry))


def _names_in(entry: str) -> Iterator[str]:
    module, name = entry.split(":")
    read = _read(module)
    if name not in read.definitions:
        if name in read.symbols:  # imported here to be offered under this module's name
            yield ":".join(read.symbols[name])
        return
    for statement in (*read.definitions[name], *read.effects):
        for node in ast.walk(statement):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in read.modules:
                yield f"{read.modules[node.value.id]}:{node.attr}"
            elif isinstance(node, ast.Name) and node.id in read.symbols:
                yield ":".join(read.symbols[node.id])
            elif isinstance(node, ast.Name) and node.id in read.definitions:
                yield f"{module}:{node.id}"


@cache
def _said(entry: str) -> str:
    module, name = entry.split(":")
    read = _read(module)
    return "\n".join(ast.unparse(statement) for statement in (*read.definitions.get(name, ()), *read.effects))


def _defined(statement: ast.stmt) -> Iterator[str]:
    """Yield the names that a top-level statement binds, in blocks such as ``if`` and ``try`` too."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield statement.name
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _without_words(tree: ast.Module) -> ast.Module:
    """Return the tree without docstrings, descriptions of fields, and what only type checkers read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [part for part in node.body if not _is_words(part)] or [ast.Pass()]
        elif isinstance(node, ast.Call):
            node.keywords = [keyword for keyword in node.keywords if keyword.arg != "description"]
    return tree


def _is_words(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.If):
        return isinstance(statement.test, ast.Name) and statement.test.id == "TYPE_CHECKING"
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant) and isinstance(statement.value.value, str)
