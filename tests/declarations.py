"""What a machine can see of ideas that are declared more than once: guesses at attributes, and names and classes of families."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from heirloom.specs.family import SPECS

LIBRARY_OBJECTS = {
    "__init__.py": "modules, loaded when they are asked for",
    "causes.py": "signals that a platform lacks",
    "families/tokenizer_folder.py": "a configuration of transformers",
    "families/lm/library/lora.py": "a module of peft",
    "families/lm/library/model.py": "a configuration of transformers",
    "families/pretrained.py": "a configuration of transformers",
    "families/pretrained_tokenizer.py": "a tokenizer of transformers",
    "families/pretrained_weights.py": "a configuration of transformers",
    "snakefile/private.py": "the workflow of Snakemake",
    "runtime/heap.py": "the C library",
}
"""Modules of the package that ask objects of other libraries for what they may lack, and which objects."""

SHARED_NAMES = {
    "sources/__init__.py": {"bernoulli", "poisson"},
    "specs/vector_source.py": {"bernoulli", "poisson"},
    "theory/__init__.py": {"discrete"},
}
"""Modules in which a family's name stands for something else: a source, a module of theory."""


def guesses(package: Path) -> Iterator[tuple[str, str]]:
    """Yield (module, call) of every `hasattr`, and every `getattr` with a default, that may ask a config or a family."""
    for name, node in _nodes(package):
        match node:
            case ast.Call(func=ast.Name(id="hasattr")) | ast.Call(func=ast.Name(id="getattr"), args=[_, _, _]):
                if name not in LIBRARY_OBJECTS:
                    yield name, ast.unparse(node)
    for path in sorted((package.parents[1] / "rules").glob("*.smk")):
        yield from ((path.name, call) for call in re.findall(r"(?:getattr|hasattr)\(.*", path.read_text()))


def family_names(package: Path) -> Iterator[tuple[str, str]]:
    """Yield (module, string) of every string that is a family's name, wherever it is not the `name` of its own class."""
    for name, node in _nodes(package):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in SPECS:
            is_own = name == f"specs/{node.value}.py"
            if not is_own and node.value not in SHARED_NAMES.get(name, ()):
                yield name, node.value


def family_classes(package: Path) -> Iterator[tuple[str, str]]:
    """Yield (module, class) of every import of a family's class other than by the family itself and by the list of families."""
    for name, node in _nodes(package):
        if not isinstance(node, ast.ImportFrom) or name == "specs/family.py":
            continue
        for alias in node.names:
            family = next((key for key, spec in SPECS.items() if (node.module, alias.name) == (spec.__module__, spec.__name__)), None)
            if family and not name.startswith((f"families/{family}.py", f"families/{family}/")):
                yield name, alias.name


@cache
def _nodes(package: Path) -> list[tuple[str, ast.AST]]:
    """Return the nodes that can say such a thing, each with the module that it stands in."""
    files = [(path.relative_to(package).as_posix(), ast.parse(path.read_text())) for path in sorted(package.rglob("*.py"))]
    return [(name, node) for name, tree in files for node in ast.walk(tree) if isinstance(node, ast.Call | ast.Constant | ast.ImportFrom)]
