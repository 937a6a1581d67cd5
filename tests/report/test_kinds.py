"""Kinds of figures, each declared once: a module, a line in the list, and its name nowhere else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from docutils.core import publish_parts  # type: ignore[import-untyped]

from heirloom.report.figures import captions
from heirloom.report.figures.kinds import KINDS
from heirloom.report.summary_metrics import LABELS
from helpers import ROOT

PACKAGE = ROOT / "src/heirloom"
READERS = ("report", "cli", "snakefile")
"""The packages that could name a figure: those below know none."""


def literals(path: Path) -> set[str]:
    """Return the string literals of a Python file, the quoted words of other files, and the classes of a style sheet."""
    text = path.read_text()
    if path.suffix != ".py":
        return set(re.findall(r"""["'](\w+)""", text)) | set(re.findall(r"\.(\w+)", text) if path.suffix == ".css" else ())
    return {node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_a_kind_is_called_like_the_module_that_declares_it() -> None:
    assert all(kind.numbers.__module__ == f"heirloom.report.figures.{kind.name}" for kind in KINDS)
    machinery = {"__init__", "captions", "draw", "kind", "kinds", "plan"}
    modules = {path.stem for path in (PACKAGE / "report/figures").glob("*.py")} - machinery
    assert sorted(kind.name for kind in KINDS) == sorted(modules)


def test_the_name_of_a_kind_stands_in_its_module_alone() -> None:
    """Some kinds are called like the measure that they show, which is another thing and is named where it is."""
    files = [path for folder in READERS for path in (PACKAGE / folder).rglob("*.py")]
    files += [*(PACKAGE / "report/page/template").iterdir(), *(ROOT / "rules").glob("*.smk"), ROOT / "Snakefile"]
    words = [(path.stem, literals(path)) for path in files]
    for name in {kind.name for kind in KINDS} - LABELS.keys():
        assert [stem for stem, quoted in words if name in quoted] == [name]


def test_only_the_list_imports_the_module_of_a_kind() -> None:
    names = "|".join(kind.name for kind in KINDS)
    pattern = re.compile(rf"heirloom\.report\.figures\.(?:{names})\b|from heirloom\.report\.figures import [^\n]*\b(?:{names})\b")
    assert [path.name for path in PACKAGE.rglob("*.py") if pattern.search(path.read_text())] == []


def test_snakemake_reads_an_explanation_from_a_file_that_follows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    kind = KINDS[0]
    file = Path(captions.file(kind))
    assert file == tmp_path / f".heirloom/captions/{kind.name}.rst"
    file.write_text("of an older Heirloom")
    assert captions.file(kind) == str(file)
    assert file.read_text() == kind.explanation


def test_a_kind_says_in_one_line_what_it_shows_and_in_restructured_text_how_to_read_it() -> None:
    for kind in KINDS:
        assert re.fullmatch(r"[^\n]+\.", kind.caption)
        assert "system-message" not in publish_parts(kind.explanation, writer="html")["body"]
