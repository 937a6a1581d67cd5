"""The layers of the package: who may import whom at run time, at any depth of a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src/heirloom"

LAYERS = (
    "artefacts data runtime credentials errors globs numerals records spreadsheets strict_yaml words",
    "causes saved_files slice_arguments",
    "specs workflow config_faults variants populations population_faults row_counts compatibility schema config results digests",
    "sources theory measures stats families mixing dealing selection judges",
    "reading controls planned_files codehash environment tasks steps sealed_steps equal_steps preflight profiles",
    "lineage",
    "diffs export planning plugin_examples package_check",
    "report",
    "cli __main__ command_line failed_jobs torchrun snakefile projects",
)
"""The names at the top of the package, from the ground up. A layer imports itself and what lies below it."""


PAGE = Path(__file__).parents[1] / "docs/design/0001-layout.md"


def modules(root: Path) -> dict[str, Path]:
    """Return dotted name → file of each module, the package's own ``__init__`` left out: it opens what stands highest."""
    files = {".".join(file.relative_to(root).with_suffix("").parts): file for file in root.rglob("*.py")}
    return {name.removesuffix(".__init__"): file for name, file in files.items() if name != "__init__"}


def imports(file: Path, names: Mapping[str, Path]) -> Iterator[str]:
    """Yield the modules that a file imports when it runs; those of `TYPE_CHECKING` it does not."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing_only = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    left_out = {id(inner) for block in typing_only for statement in block.body for inner in ast.walk(statement)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "heirloom" and id(node) not in left_out:
            parent = (node.module or "").removeprefix("heirloom").lstrip(".")
            for alias in node.names:
                inner = f"{parent}.{alias.name}".lstrip(".")
                yield inner if inner in names else parent


MODULES = modules(PACKAGE)
IMPORTS = {name: set(imports(file, MODULES)) - {name} for name, file in MODULES.items()}


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Return the names on a circle of a graph; none if it has no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        names: list[str] = error.args[1]
        return names
    return []


def upward(graph: Mapping[str, set[str]]) -> list[str]:
    """Return the imports that lead from a layer to a higher one."""
    height = {name: number for number, layer in enumerate(LAYERS) for name in layer.split()}
    pairs = [(name, imported) for name, several in sorted(graph.items()) for imported in sorted(several) if imported]
    return [f"{a} -> {b}" for a, b in pairs if height[b.split(".")[0]] > height[a.split(".")[0]]]


def test_every_name_at_the_top_of_the_package_stands_in_one_layer() -> None:
    layer_names = [name for layer in LAYERS for name in layer.split()]
    assert sorted(layer_names) == sorted({name.split(".")[0] for name in MODULES})


def test_the_design_page_shows_the_layers() -> None:
    lines = [f"{number}  {layer}" for number, layer in enumerate(LAYERS, start=1)]
    assert "\n".join(reversed(lines)) in PAGE.read_text(encoding="utf-8")


def test_no_module_imports_itself_in_a_circle() -> None:
    assert circle(IMPORTS) == []


def test_no_package_imports_itself_in_a_circle() -> None:
    tops: dict[str, set[str]] = {}
    for name, imported in IMPORTS.items():
        top = name.split(".")[0]
        tops.setdefault(top, set()).update(one.split(".")[0] for one in imported if one and one.split(".")[0] != top)
    assert circle(tops) == []


def test_nothing_imports_a_higher_layer() -> None:
    assert upward(IMPORTS) == []


@pytest.mark.parametrize("graph", [{"specs.a": {"report.b"}, "report.b": {"specs.a"}}])
def test_a_circle_and_an_upward_import_would_be_seen(graph: dict[str, set[str]]) -> None:
    assert set(circle(graph)) == {"specs.a", "report.b"}
    assert upward(graph) == ["specs.a -> report.b"]
