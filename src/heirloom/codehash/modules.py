"""The package's modules, read from their files: what each defines, does and imports, and what a dotted name is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from heirloom.codehash.bindings import attribute, bindings, import_targets, is_for_type_checkers, statements

PACKAGE = "heirloom"
ROOT = Path(__file__).parents[1]


@dataclass
class Module:
    """What a module defines by name, does when it is imported, and imports: a name to its target.

    A target is ``module:attribute`` or ``module:`` (`bindings.import_targets`).
    """

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    effects: list[ast.stmt] = field(default_factory=list)
    imports: dict[str, str] = field(default_factory=dict)


def package(module: str) -> str:
    """Return the package that a module's relative imports are relative to."""
    return module if _is_folder(module) else module.rpartition(".")[0]


def _is_folder(module: str) -> bool:
    """Return whether a module is a folder, as Python sees it: a file of that name goes before a folder without ``__init__.py``.

    Such a folder is left behind, with compiled files, where a package has become a file.
    """
    base = _base(module)
    return (base / "__init__.py").is_file() or (base.is_dir() and not base.with_suffix(".py").is_file())


@cache
def exists(module: str) -> bool:
    """Return whether a dotted name is a module or a folder of modules of the package."""
    parts = module.split(".")
    if parts[0] != PACKAGE or not all(part.isidentifier() for part in parts):
        return False
    return _base(module).is_dir() or _base(module).with_suffix(".py").is_file()


@cache
def contents(module: str) -> Module:
    """Return what a module says; a folder without ``__init__.py`` says nothing.

    Raises
    ------
    ModuleNotFoundError
        If the package has no such module.
    """
    if not exists(module):
        raise ModuleNotFoundError(f"{module} is no module of {PACKAGE}")
    base = _base(module)
    file = base / "__init__.py" if _is_folder(module) else base.with_suffix(".py")
    if not file.is_file():
        return Module()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    result = Module()
    for statement in statements(tree.body):
        _note(statement, module, result)
    for statement in filter(is_for_type_checkers, tree.body):
        _note_types(statement, module, result)
    return result


@cache
def resolve(target: str) -> tuple[str, str]:
    """Return the definition that a target stands for, and the attributes of it that follow.

    Parameters
    ----------
    target
        An import's target with the attributes that follow it in the code, such as
        ``heirloom:theory.regimes.mixture``. What stands before the colon is a module, even where its
        package offers something else under that name.

    Returns
    -------
    ``module:name`` (``module:*`` for a module as a whole), or an empty text for what is not the package's;
    and the rest with its dots
    """
    module, _, chain = target.partition(":")
    parts = chain.split(".") if chain else []
    external = "", ".".join([module, *parts])
    if not exists(module):
        return external
    for index, part in enumerate(parts):
        attributes = parts[index + 1 :]
        definitions, imports = contents(module).definitions, contents(module).imports
        address = f"{module}:{part}"
        if part in definitions:
            return address, "".join(f".{name}" for name in attributes)
        if imports.get(part, address) != address:
            return resolve(attribute(imports[part], *attributes))
        if not exists(f"{module}.{part}"):
            return (f"{module}:__getattr__", f".{part}") if "__getattr__" in definitions else external
        module = f"{module}.{part}"
    return f"{module}:*", ""


def _base(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")[1:])


def _note(statement: ast.stmt, module: str, result: Module) -> None:
    """Note a statement under the names that it defines, or as an import, or as something that the module does."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        for name, target in _targets(statement, module):
            result.imports[name] = target
            if name in result.definitions:
                result.definitions[name].append(statement)
        return
    names = bindings([statement], package(module))
    for name in names:
        definition = result.definitions.setdefault(name, [*_earlier_import(name, result)])
        definition.append(statement)
    if not names or _has_effect(statement) or _registers(statement, result):
        result.effects.append(statement)


def _earlier_import(name: str, result: Module) -> Iterator[ast.stmt]:
    """Yield the import of a name that is bound anew: the new value may be made of the old."""
    if name in result.imports:
        origin, _, imported_name = result.imports[name].partition(":")
        alias = ast.alias(name=imported_name or origin, asname=name)
        yield ast.ImportFrom(module=origin, names=[alias], level=0) if imported_name else ast.Import(names=[alias])


def _targets(statement: ast.Import | ast.ImportFrom, module: str) -> Iterator[tuple[str, str]]:
    for name, target in import_targets(statement, package(module)):
        if name != "*":
            yield name, target
        elif exists(target.rstrip(":")):
            origin = contents(target.rstrip(":"))
            for public in {**origin.imports, **origin.definitions}:
                if public[0] != "_":
                    yield public, f"{target}{public}"


def _note_types(statement: ast.stmt, module: str, result: Module) -> None:
    """Note what type checkers import from elsewhere; what they import from the package is no dependence."""
    assert isinstance(statement, ast.If)
    for name, targets in bindings(statement.body, package(module)).items():
        for target in targets:
            if target and not exists(target.split(":")[0]):
                result.imports.setdefault(name, target)


def _has_effect(statement: ast.stmt) -> bool:
    """Return whether a statement does more than define names: a loop, a call in a block, a write into an object."""
    match statement:
        case ast.For() | ast.While() | ast.With() | ast.Delete():
            return True
        case ast.If() | ast.Try():
            parts = [node for node in ast.walk(statement) if isinstance(node, ast.stmt) and node is not statement]
            return any(map(_has_effect, parts))
        case ast.Expr():
            return not isinstance(statement.value, ast.Constant)
        case ast.Assign():
            return any(isinstance(target, ast.Attribute | ast.Subscript) for target in statement.targets)
        case ast.AugAssign() | ast.AnnAssign():
            return isinstance(statement.target, ast.Attribute | ast.Subscript)
    return False


def _registers(statement: ast.stmt, result: Module) -> bool:
    """Return whether a definition is handed to a decorator of the package, which may note it in a registry."""
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    for decorator in statement.decorator_list:
        root: ast.expr = decorator
        while isinstance(root, ast.Attribute | ast.Call):
            root = root.value if isinstance(root, ast.Attribute) else root.func
        name = root.id if isinstance(root, ast.Name) else ""
        origin = result.imports.get(name, "").split(":")[0]
        if name in result.definitions or exists(origin):
            return True
    return False
