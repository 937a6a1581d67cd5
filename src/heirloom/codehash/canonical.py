"""The canonical text of a definition: its syntax tree with names resolved, so that it says the same wherever it stands.

A name of the package becomes a mark with the definition's address, which `heirloom.codehash` replaces by a
number. What is imported from elsewhere becomes its full dotted name, a local variable its number. All other
names are meaning and stay: parameters (they are passed by keyword), attributes, fields, methods, classes,
builtins.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from typing import cast

from heirloom.codehash.bindings import (
    GLOBAL,
    NONLOCAL,
    OWN,
    Bindings,
    Comprehension,
    attribute,
    bindings,
    import_targets,
    statements,
)
from heirloom.codehash.modules import exists, package, read, resolve

MARK = "\0"
"""Stands before and after an address in a text; no source file and no ``repr`` holds it."""

READS_FUNCTION_NAME = ".__name__ of a value"
"""Stands in the text of a definition that reads the name of something that may be a function."""

_SKIPPED = {"ctx", "kind", "type_comment", "type_ignores"}
_FUNCTION_NAMES = ("__name__", "__qualname__")
_OF_A_PLACE = {"__name__", "__file__", "__path__", "__package__", "__spec__"}
_NAMELESS = {
    "@functools.cache",
    "@functools.lru_cache",
    "@contextlib.contextmanager",
    "@torch.inference_mode",
    "@torch.no_grad",
}
"""Decorators to which a function's name means nothing; to others, such as a command of typer, it may."""

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class _Scope:
    """The names that are visible at a place, each with what stands for it; ``@`` and a target for an import."""

    module: str
    here: dict[str, str]
    inner: dict[str, str]
    """The names that functions in this scope see: those of here, but for a class's own."""
    numbers: Iterator[int] | None
    """Numbers for local names, or None where the code reads its local names as text."""


@cache
def pieces(entry: str) -> tuple[str, ...]:
    """Return the text of a definition in pieces: texts at even places, addresses of definitions between them.

    Parameters
    ----------
    entry
        ``module:name``; ``module:*`` for a module as an object; ``module:`` for what it does when it is imported.
    """
    module, name = entry.split(":")
    if name == "*":
        return tuple(_as_object(module).split(MARK))
    contents = read(module)
    nodes = contents.definitions[name] if name else contents.effects
    texts = [_text(node, _module_scope(module, node)) for node in nodes]
    return tuple("\n".join(texts).split(MARK))


def mark(target: str) -> str:
    """Return what stands for an import's target, with the attributes that follow it, in a text."""
    entry, rest = resolve(target)
    return f"{MARK}{entry}{MARK}{rest}" if entry else f"@{rest}"


def _as_object(module: str) -> str:
    """Return the text of a module that may be asked for any name at run time.

    Public names stand in it with what they are, those of imports where the module only offers them.
    """
    contents = read(module)
    marks = {name: f"{MARK}{module}:{name}{MARK}" for name in contents.definitions if name != "__all__"}
    offer = "\n".join(map(ast.unparse, contents.definitions.get("__all__", ())))
    references = {entry for name in contents.definitions for entry in pieces(f"{module}:{name}")[1::2]}
    for name, target in contents.imports.items():
        entry, _ = resolve(target)
        is_used = entry in references or entry.endswith(":*")
        if entry and (repr(name) in offer or not is_used):
            marks.setdefault(name, mark(target))
    public = [f"{name}={mark}" for name, mark in sorted(marks.items()) if name[0] != "_"]
    return ",".join([*public, *(mark for name, mark in marks.items() if name[0] == "_")])


@cache
def _module_names(module: str) -> dict[str, str]:
    contents = read(module)
    definitions = {name: f"{MARK}{module}:{name}{MARK}" for name in contents.definitions}
    return {name: f"@{target}" for name, target in contents.imports.items()} | definitions


def _module_scope(module: str, node: ast.stmt) -> _Scope:
    names = _module_names(module)
    return _Scope(module, names, names, None if _reads_local_names(node) else count())


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


def _text(node: ast.AST, scope: _Scope) -> str:
    special = _SPECIAL.get(type(node))
    return special(node, scope) if special else _plain(node, scope)


def _plain(node: ast.AST, scope: _Scope, **others: str) -> str:
    """Return the text of a node from its fields, some of which are given as texts; empty ones are left out."""
    parts = []
    for name, value in ast.iter_fields(node):
        if name in others:
            parts.append(f"{name}={others[name]}")
        elif name not in _SKIPPED and value is not None and value != []:
            parts.append(f"{name}={_value(value, scope)}")
    return f"{type(node).__name__}({','.join(parts)})"


def _value(value: object, scope: _Scope) -> str:
    if isinstance(value, ast.AST):
        return _text(value, scope)
    if isinstance(value, list):
        nodes = statements(value) if value and isinstance(value[0], ast.stmt) else value
        texts = [_value(node, scope) for node in nodes]
        return f"[{','.join(filter(None, texts))}]"
    return "absent" if value is None else repr(value)


def _stand_in(name: str, scope: _Scope) -> str:
    """Return what stands for a name in the text."""
    if name not in scope.here:
        return f"Name({name} of {scope.module})" if name in _OF_A_PLACE else f"Name({name})"
    text = scope.here[name]
    return mark(text[1:]) if text[0] == "@" else text


def _name(node: ast.Name, scope: _Scope) -> str:
    """Return what stands for a name: in a class's body the class's own name may not be bound yet, so an outer one counts, too."""
    here, outer = scope.here.get(node.id), scope.inner.get(node.id)
    if here == outer or isinstance(node.ctx, ast.Store):
        return _stand_in(node.id, scope)
    return f"{here} or {_stand_in(node.id, replace(scope, here=scope.inner))}"


def _attribute(node: ast.Attribute, scope: _Scope) -> str:
    attributes, root = [node.attr], node.value
    while isinstance(root, ast.Attribute):
        attributes.append(root.attr)
        root = root.value
    is_of_class = isinstance(root, ast.Call) and isinstance(root.func, ast.Name) and root.func.id == "type"
    more = READS_FUNCTION_NAME if node.attr in _FUNCTION_NAMES and not is_of_class else ""
    here, outer = "", ""
    if isinstance(root, ast.Name):
        here, outer = scope.here.get(root.id, ""), scope.inner.get(root.id, "")
    chain = attributes[::-1]
    if here[:1] == "@":
        return mark(attribute(here[1:], *chain)) + more
    if outer[:1] == "@" and here != outer:  # in a class's body, which binds the name
        return f"{here}.{'.'.join(chain)} or {mark(attribute(outer[1:], *chain))}{more}"
    return f"{_text(node.value, scope)}.{node.attr}{more}"


def _constant(node: ast.Constant, _scope: _Scope) -> str:
    return f"{node.value!r}{READS_FUNCTION_NAME if node.value in _FUNCTION_NAMES else ''}"


def _call(node: ast.Call, scope: _Scope) -> str:
    """Return the text of a call without what only describes: the help of a config field, the name of a logger."""
    function = _text(node.func, scope)
    if function == "@logging.getLogger":
        return function
    keywords = [keyword for keyword in node.keywords if keyword.arg != "description"]
    return f"Call({function},{_value(node.args, scope)},{_value(keywords, scope)})"


def _dict(node: ast.Dict, scope: _Scope) -> str:
    """Return the text of a mapping without names of modules: a registry is no dependence, `slices` names the module."""
    pairs = []
    for key, value in zip(node.keys, node.values, strict=True):
        match value:
            case ast.Constant(value=str(name)) if "." in name and exists(name):
                continue
        pairs.append(f"{_value(key, scope)}:{_text(value, scope)}")
    return f"Dict({','.join(pairs)})"


def _import(node: ast.Import | ast.ImportFrom, scope: _Scope) -> str:
    """Return the text of an import inside a definition; what stands for one thing only is spelt where it is used."""
    parts = []
    for alias, (name, target) in zip(node.names, import_targets(node, package(scope.module)), strict=True):
        text = scope.here.get(name, name)
        entry, rest = resolve(f"{alias.name}:" if isinstance(node, ast.Import) else target)
        origin = entry.split(":")[0]
        if text[:1] != "@":
            parts.append(f"{text}={mark(target)}")
        elif not entry:
            parts.append(rest)
        elif read(origin).effects:
            parts.append(f"{MARK}{origin}:{MARK}")
    return f"Import({','.join(parts)})" if parts else ""


def _function(node: _Function, scope: _Scope) -> str:
    decorators = [_text(part.func if isinstance(part, ast.Call) else part, scope) for part in node.decorator_list]
    name = _stand_in(node.name, scope) + ("" if _NAMELESS.issuperset(decorators) else node.name)
    inside = _function_scope(node.args, node.body, scope)
    return _plain(node, scope, name=name, body=_value(node.body, inside))


def _lambda(node: ast.Lambda, scope: _Scope) -> str:
    return _plain(node, scope, body=_text(node.body, _function_scope(node.args, [node.body], scope)))


def _class(node: ast.ClassDef, scope: _Scope) -> str:
    raw = {name: f"Name({name})" for name in bindings(node.body, package(scope.module))}
    inside = replace(scope, here=scope.inner | raw)
    return _plain(node, scope, name=f"{_stand_in(node.name, scope)}{node.name}", body=_value(node.body, inside))


def _function_scope(arguments: ast.arguments, body: Iterable[ast.AST], scope: _Scope) -> _Scope:
    parameters = [node.arg for node in ast.walk(arguments) if isinstance(node, ast.arg)]
    names = scope.inner | _local(bindings(body, package(scope.module)), scope)
    names |= {name: f"Name({name})" for name in parameters}
    return replace(scope, here=names, inner=names)


def _local(targets_of: Bindings, scope: _Scope) -> dict[str, str]:
    """Return what stands for the names that a function binds."""
    names = {}
    for name, targets in targets_of.items():
        if GLOBAL in targets:
            names[name] = _module_names(scope.module).get(name, f"Name({name})")
        elif len(targets) == 1 and OWN not in targets and NONLOCAL not in targets:
            names[name] = f"@{next(iter(targets))}"
        elif NONLOCAL not in targets:
            names[name] = _number(name, scope)
    return names


def _number(name: str, scope: _Scope) -> str:
    return f"Name({name})" if scope.numbers is None else f"%{next(scope.numbers)}"


def _comprehension(node: Comprehension, scope: _Scope) -> str:
    parts = [part for generator in node.generators for part in ast.walk(generator.target)]
    targets = dict.fromkeys(part.id for part in parts if isinstance(part, ast.Name))
    names = scope.inner | {name: _number(name, scope) for name in targets}
    inside = replace(scope, here=names, inner=names)
    first = _text(node.generators[0].iter, scope)  # it alone is evaluated outside
    rest = [_plain(part, inside, **({} if index else {"iter": first})) for index, part in enumerate(node.generators)]
    return _plain(node, inside, generators=",".join(rest))


def _name_field(node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar, scope: _Scope) -> str:
    return _plain(node, scope, name=_stand_in(node.name, scope) if node.name else "")


def _mapping(node: ast.MatchMapping, scope: _Scope) -> str:
    return _plain(node, scope, rest=_stand_in(node.rest, scope) if node.rest else "")


def _declaration(_node: ast.Global | ast.Nonlocal, _scope: _Scope) -> str:
    return "Declaration"


_SPECIAL = cast(
    "dict[type[ast.AST], Callable[[ast.AST, _Scope], str]]",
    {
        ast.Name: _name,
        ast.Attribute: _attribute,
        ast.Constant: _constant,
        ast.Call: _call,
        ast.Dict: _dict,
        ast.Import: _import,
        ast.ImportFrom: _import,
        ast.FunctionDef: _function,
        ast.AsyncFunctionDef: _function,
        ast.Lambda: _lambda,
        ast.ClassDef: _class,
        ast.ListComp: _comprehension,
        ast.SetComp: _comprehension,
        ast.DictComp: _comprehension,
        ast.GeneratorExp: _comprehension,
        ast.ExceptHandler: _name_field,
        ast.MatchAs: _name_field,
        ast.MatchStar: _name_field,
        ast.MatchMapping: _mapping,
        ast.Global: _declaration,
        ast.Nonlocal: _declaration,
    },
)
