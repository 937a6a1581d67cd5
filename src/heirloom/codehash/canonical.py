"""The canonical text of a definition: its syntax tree with names resolved, so that it says the same wherever it stands.

A name of the package becomes a mark with the definition's address, which `heirloom.codehash` replaces by a
number. What is imported from elsewhere becomes its full dotted name, a local variable its number. All other
names are meaning and stay: parameters (they are passed by keyword), attributes, fields, methods, classes,
builtins.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import cast

from heirloom.codehash.bindings import Comprehension, attribute, import_targets, statements
from heirloom.codehash.modules import contents, exists, package, resolve
from heirloom.codehash.scopes import MARK, Scope, class_scope, comprehension_scope, definition_marks, function_scope, module_scope

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
    texts = [_text(node, module_scope(module, node)) for node in _nodes(entry)]
    return tuple("\n".join(texts).split(MARK))


def function_names(entry: str) -> list[str]:
    """Return the names of the functions that a definition is made of, which its text leaves out."""
    nodes = [node for statement in _nodes(entry) for node in ast.walk(statement)]
    return [node.name for node in nodes if isinstance(node, _Function)]


def mark(target: str) -> str:
    """Return what stands for an import's target, with the attributes that follow it, in a text."""
    entry, attributes = resolve(target)
    return f"{MARK}{entry}{MARK}{attributes}" if entry else f"@{attributes}"


def _nodes(entry: str) -> list[ast.stmt]:
    """Return the statements of a definition; a module as an object has none of its own."""
    module, name = entry.split(":")
    if not name:
        return contents(module).effects
    return contents(module).definitions.get(name, [])


def _as_object(module: str) -> str:
    """Return the text of a module that may be asked for any name at run time.

    Public names stand in it with what they are, those of imports where the module only offers them.
    """
    definitions, imports = contents(module).definitions, contents(module).imports
    marks = definition_marks(module)
    marks.pop("__all__", None)
    offer = "\n".join(map(ast.unparse, definitions.get("__all__", ())))
    references = set[str]()
    for name in definitions:
        references.update(pieces(f"{module}:{name}")[1::2])
    for name, target in imports.items():
        entry, _ = resolve(target)
        is_used = entry in references or entry.endswith(":*")
        is_offered = repr(name) in offer or not is_used
        if entry and is_offered:
            marks.setdefault(name, mark(target))
    public = [f"{name}={text}" for name, text in sorted(marks.items()) if name[0] != "_"]
    private = [text for name, text in marks.items() if name[0] == "_"]
    return ",".join(public + private)


def _text(node: ast.AST, scope: Scope) -> str:
    special = _SPECIAL.get(type(node))
    return special(node, scope) if special else _plain(node, scope)


def _plain(node: ast.AST, scope: Scope, **texts: str) -> str:
    """Return the text of a node from its fields, some of which are given as texts; empty ones are left out."""
    parts = []
    for name, value in ast.iter_fields(node):
        if name in texts:
            parts.append(f"{name}={texts[name]}")
        elif name not in _SKIPPED and value is not None and value != []:
            parts.append(f"{name}={_field_text(value, scope)}")
    return f"{type(node).__name__}({','.join(parts)})"


def _field_text(value: object, scope: Scope) -> str:
    """Return a field of a node as text: a node by `_text`, a list in brackets without empty texts, and what is absent by that word."""
    if isinstance(value, ast.AST):
        return _text(value, scope)
    if isinstance(value, list):
        nodes = statements(value) if value and isinstance(value[0], ast.stmt) else value
        texts = [_field_text(node, scope) for node in nodes]
        return f"[{','.join(filter(None, texts))}]"
    return "absent" if value is None else repr(value)


def _stand_in(name: str, scope: Scope) -> str:
    """Return what stands for a name in the text."""
    if name not in scope.names:
        return f"Name({name} of {scope.module})" if name in _OF_A_PLACE else f"Name({name})"
    text = scope.names[name]
    return mark(text[1:]) if text[0] == "@" else text


def _name(node: ast.Name, scope: Scope) -> str:
    """Return what stands for a name; in a class's body an outer name counts, too: its own may not be bound yet."""
    inner, outer = scope.names.get(node.id), scope.names_of_functions.get(node.id)
    if inner == outer or isinstance(node.ctx, ast.Store):
        return _stand_in(node.id, scope)
    outer_scope = replace(scope, names=scope.names_of_functions)
    return f"{inner} or {_stand_in(node.id, outer_scope)}"


def _attribute(node: ast.Attribute, scope: Scope) -> str:
    attributes, root = [node.attr], node.value
    while isinstance(root, ast.Attribute):
        attributes.append(root.attr)
        root = root.value
    is_of_class = isinstance(root, ast.Call) and isinstance(root.func, ast.Name) and root.func.id == "type"
    suffix = READS_FUNCTION_NAME if node.attr in _FUNCTION_NAMES and not is_of_class else ""
    inner, outer = "", ""
    if isinstance(root, ast.Name):
        inner, outer = scope.names.get(root.id, ""), scope.names_of_functions.get(root.id, "")
    chain = attributes[::-1]
    if inner[:1] == "@":
        return mark(attribute(inner[1:], *chain)) + suffix
    if outer[:1] == "@" and inner != outer:  # in a class's body, which binds the name
        return f"{inner}.{'.'.join(chain)} or {mark(attribute(outer[1:], *chain))}{suffix}"
    return f"{_text(node.value, scope)}.{node.attr}{suffix}"


def _constant(node: ast.Constant, _scope: Scope) -> str:
    suffix = READS_FUNCTION_NAME if node.value in _FUNCTION_NAMES else ""
    return f"{node.value!r}{suffix}"


def _call(node: ast.Call, scope: Scope) -> str:
    """Return the text of a call without what only describes: the help of a config field, the name of a logger."""
    function = _text(node.func, scope)
    if function == "@logging.getLogger":
        return function
    keywords = [keyword for keyword in node.keywords if keyword.arg != "description"]
    return f"Call({function},{_field_text(node.args, scope)},{_field_text(keywords, scope)})"


def _dict(node: ast.Dict, scope: Scope) -> str:
    """Return the text of a mapping without names of modules: a registry is no dependence, `slices` names the module."""
    pairs = []
    for key, value in zip(node.keys, node.values, strict=True):
        match value:
            case ast.Constant(value=str(name)) if "." in name and exists(name):
                continue
        pairs.append(f"{_field_text(key, scope)}:{_text(value, scope)}")
    return f"Dict({','.join(pairs)})"


def _import(node: ast.Import | ast.ImportFrom, scope: Scope) -> str:
    """Return the text of an import inside a definition; what stands for one thing only is spelt where it is used."""
    parts = []
    for alias, (name, target) in zip(node.names, import_targets(node, package(scope.module)), strict=True):
        text = scope.names.get(name, name)
        entry, external_name = resolve(f"{alias.name}:" if isinstance(node, ast.Import) else target)
        origin = entry.split(":")[0]
        if text[:1] != "@":
            parts.append(f"{text}={mark(target)}")
        elif not entry:
            parts.append(external_name)
        elif contents(origin).effects:
            parts.append(f"{MARK}{origin}:{MARK}")
    return f"Import({','.join(parts)})" if parts else ""


def _function(node: _Function, scope: Scope) -> str:
    decorators = [_text(part.func if isinstance(part, ast.Call) else part, scope) for part in node.decorator_list]
    name = _stand_in(node.name, scope)
    if not _NAMELESS.issuperset(decorators):
        name += node.name
    body_scope = function_scope(node.args, node.body, scope)
    return _plain(node, scope, name=name, body=_field_text(node.body, body_scope))


def _lambda(node: ast.Lambda, scope: Scope) -> str:
    body_scope = function_scope(node.args, [node.body], scope)
    return _plain(node, scope, body=_text(node.body, body_scope))


def _class(node: ast.ClassDef, scope: Scope) -> str:
    name = f"{_stand_in(node.name, scope)}{node.name}"
    body_scope = class_scope(node.body, scope)
    return _plain(node, scope, name=name, body=_field_text(node.body, body_scope))


def _comprehension(node: Comprehension, scope: Scope) -> str:
    inner_scope = comprehension_scope(node, scope)
    outermost, *inner_generators = node.generators
    iterable = _text(outermost.iter, scope)  # it alone is evaluated outside
    clauses = [_plain(outermost, inner_scope, iter=iterable), *(_plain(clause, inner_scope) for clause in inner_generators)]
    return _plain(node, inner_scope, generators=",".join(clauses))


def _name_field(node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar, scope: Scope) -> str:
    return _plain(node, scope, name=_stand_in(node.name, scope) if node.name else "")


def _mapping(node: ast.MatchMapping, scope: Scope) -> str:
    return _plain(node, scope, rest=_stand_in(node.rest, scope) if node.rest else "")


def _declaration(_node: ast.Global | ast.Nonlocal, _scope: Scope) -> str:
    return "Declaration"


_SPECIAL = cast(
    "dict[type[ast.AST], Callable[[ast.AST, Scope], str]]",
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
