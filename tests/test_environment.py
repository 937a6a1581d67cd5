"""What a manifest says of machine, kernels, libraries and variables: what moves bytes, and nothing that varies."""

from __future__ import annotations

import ast
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from heirloom.artefacts.files import read_json
from heirloom.artefacts.manifest import Input
from heirloom.environment import LIBRARIES, VARIABLES, environment
from heirloom.steps.common import finish
from heirloom.steps.slices import Slice

PACKAGE = Path(__file__).parents[1] / "src/heirloom"
FOLDERS = ("artefacts", "data", "families", "measures", "runtime", "sources", "specs", "stats", "steps", "tasks", "theory")
STEPS = ("*.py", *(f"{folder}/**/*.py" for folder in FOLDERS))
"""Where the code lies that makes bytes."""
CHANGE_NO_BYTES = {
    "dvc",
    "httpx2",
    "huggingface_hub",
    "pandas",
    "psutil",
    "pydantic",
    "pydantic_core",
    "rich",
    "snakemake",
    "threadpoolctl",
    "yaml",
}

PROBE = """
import json
from heirloom.environment import environment
before = environment(can_use_gpu=False)
import torch
print(json.dumps([before, environment(can_use_gpu=True), environment(can_use_gpu=True)]))
"""


def probe(**variables: str) -> list[dict[str, Any]]:
    """Return the environments of a process before and after it loads torch."""
    unset = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment = unset | {"HEIRLOOM_DEVICE": "cpu", "OMP_NUM_THREADS": "1"} | variables
    output = subprocess.run([sys.executable, "-c", PROBE], env=environment, text=True, capture_output=True, check=True).stdout
    return list(json.loads(output))


def test_libraries_and_kernels_are_those_that_the_process_has_loaded_and_a_repetition_says_the_same() -> None:
    values_before, values_after, again = probe()
    assert set(values_before["libraries"]) == {"numpy"}
    assert set(values_after["libraries"]) == {"numpy", "torch"}
    assert values_after["libraries"]["torch"] == metadata.version("torch")
    assert set(values_before["kernels"]) <= {"openblas"}
    assert set(values_after["kernels"]) == {*values_before["kernels"], "onednn", "torch"}
    assert values_after["variables"] == {}
    assert values_after == again


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the names of instruction sets are those of x86")
def test_kernels_that_a_variable_forbids_are_not_named_and_the_variable_is() -> None:
    environment = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "default", "OPENBLAS_CORETYPE": "Sandybridge"}
    _, values_after, _ = probe(**environment)
    assert values_after["variables"] == environment
    assert values_after["kernels"] == {"onednn": "none", "openblas": "Sandybridge", "torch": "DEFAULT"}


def test_nothing_in_it_names_the_host() -> None:
    assert platform.node() not in json.dumps(environment(can_use_gpu=False))


def test_a_package_that_was_read_but_not_imported_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rows.txt").write_text("one")
    names = ("gensim==4.4.0/test/articles.bz2", "own.txt")
    finish(Slice(step="real", code="", num_threads=1), {}, ["rows.txt"], [Input("source", name, "0" * 64) for name in names])
    manifest = read_json("rows.manifest.json")
    assert manifest["environment"]["libraries"]["gensim"] == "4.4.0"
    assert [source["path"] for source in manifest["inputs"]] == [*names]


def test_every_library_that_a_step_can_import_is_declared() -> None:
    files = [file for pattern in STEPS for file in PACKAGE.glob(pattern)]
    modules = {name.split(".")[0] for file in files for name in imported(ast.parse(file.read_text()))}
    assert modules - set(sys.stdlib_module_names) - {"heirloom"} == set(LIBRARIES) | CHANGE_NO_BYTES


def imported(tree: ast.Module) -> list[str]:
    """Return the modules that a file imports, at any depth."""
    imported_names = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    return imported_names + [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
