"""The shape of the house: what the design promises and a machine can see."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "src/heirloom").rglob("*.py"))


def ids(path: Path) -> str:
    return path.relative_to(ROOT / "src").as_posix()


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_a_module_has_one_idea_and_says_which(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 300
    assert path.name == "__init__.py" or ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", MODULES, ids=ids)
def test_a_function_fits_on_a_screen_and_a_public_one_is_documented(path: Path) -> None:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            lines = (node.end_lineno or 0) - node.lineno + 1 - len((ast.get_docstring(node) or "").splitlines())
            assert lines <= 45, f"{node.name}: {lines} lines"
    for node in (inner for outer in (tree, *tree.body) if isinstance(outer, ast.Module | ast.ClassDef) for inner in outer.body):
        if isinstance(node, ast.FunctionDef):
            assert node.name.startswith("_") or ast.get_docstring(node), node.name


def test_randomness_comes_from_streams_only_and_nothing_is_unpickled() -> None:
    forbidden = re.compile(r"manual_seed|default_rng|random\.seed|import random|import pickle|torch\.load\(|trust_remote_code=True")
    assert [ids(path) for path in MODULES if forbidden.search(path.read_text())] == ["heirloom/runtime/streams.py"]


def test_light_commands_import_no_heavy_library() -> None:
    import subprocess
    import sys

    code = (
        "import sys; import heirloom.cli.commands, heirloom.snakefile.run, heirloom.steps.chain, heirloom.lineage.restore;"
        "print([name for name in ('torch', 'transformers', 'pandas', 'altair', 'gensim', 'datasets') if name in sys.modules])"
    )
    process = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert process.stdout.strip() == "[]"


def test_a_newcomer_reads_at_most_1200_lines() -> None:
    places = ["config.yaml", "Snakefile", "rules/", "mixing.py", "families/base.py", "families/gaussian.py"]
    readme = (ROOT / "README.md").read_text()
    order = ", ".join(["this page", *(f"`{place}`" for place in places)])
    assert f"Read in this order: {order}." in " ".join(readme.split())
    at_the_top = [*(ROOT / place for place in places[:2]), *ROOT.glob("rules/*.smk")]
    in_the_package = [ROOT / "src/heirloom" / place for place in places[3:]]
    lines = [file.read_text().count("\n") for file in (*at_the_top, *in_the_package)]
    assert readme.count("\n") <= 120
    assert readme.count("\n") + sum(lines) <= 1200


def test_the_map_of_the_layout_and_the_tree_agree() -> None:
    text = (ROOT / "docs/design/0001-layout.md").read_text()
    block = text[text.index("## Map") :].split("```")[1]
    names_on_map = set(re.findall(r"[\w.]+(?:\.py|\.yaml|/)|\bSnakefile\b", block))
    top = {path.name + ("/" if path.is_dir() else "") for path in ROOT.iterdir()} | {"src/heirloom/"}
    package = {path.name + ("/" if path.is_dir() else "") for path in (ROOT / "src/heirloom").iterdir()}
    inner = {path.name for path in MODULES} | {path.name for path in (ROOT / "configs").iterdir()} | {"workflow/", "heirloom/", "src/"}
    assert names_on_map - top - package - inner == set(), "named but not there"
    unnamed = {n for n in package if not n.startswith("_")} - names_on_map - {"errors.py", "py.typed"}
    assert unnamed == set(), "there but not named"
