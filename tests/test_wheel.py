"""The wheel: it carries the package and the workflow's own files as git has them, and plans a project that lies outside a clone."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from heirloom.projects import template
from helpers import ROOT, environment

pytestmark = pytest.mark.slow

CONFIG = {
    "regimes": {"replace": {}},
    "experiments": {
        "e": {
            "family": {"name": "gaussian"},
            "source": {"name": "normal", "rows": 40},
            "regimes": ["replace"],
            "generations": 1,
            "rows": 10,
        }
    },
}


def pip(*arguments: str | Path) -> None:
    """Run the tests' pip without a network."""
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], check=True, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the wheel that is built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (file,) = folder.glob("heirloom_lineage-*.whl")
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the commands of a new environment with the wheel in it, and with the libraries of the tests' own environment."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder)
    pip("--python", folder / "bin/python", "install", "--no-deps", "--no-index", wheel)
    (place,) = folder.glob("lib/python*/site-packages")
    (place / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "bin"


def files_of(folder: Path, place: str) -> Iterator[tuple[str, bytes]]:
    """Yield each file below a folder as it is called in the wheel, with its bytes."""
    for file in folder.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts:
            yield f"{place}/{file.relative_to(folder).as_posix()}", file.read_bytes()


def test_the_wheel_holds_the_package_and_the_workflow_byte_for_byte(wheel: Path) -> None:
    tree = dict(files_of(ROOT / "src/heirloom", "heirloom")) | {"heirloom/snakefile/Snakefile": (ROOT / "Snakefile").read_bytes()}
    for name in ("rules", "docs/report"):
        tree |= files_of(ROOT / name, f"heirloom/snakefile/{name}")
    tree |= files_of(ROOT / "examples", "heirloom/examples")
    for name in (*template.SETTINGS, *template.EXAMPLES.values()):
        tree[f"heirloom/projects/template/{name}"] = (ROOT / name).read_bytes()
    with zipfile.ZipFile(wheel) as archive:
        carried = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    assert sorted(carried) == sorted(tree)
    assert [name for name, content in tree.items() if carried[name] != content] == []


def test_a_project_that_the_wheel_makes_is_planned_by_the_wheel_s_own_snakefile(installed: Path, tmp_path: Path) -> None:
    variables = {name: value for name, value in environment().items() if name != "PYTHONPATH"}
    variables["PATH"] = f"{installed}:{variables['PATH']}"

    def output_of(folder: Path, *arguments: str) -> str:
        command = [str(installed / "python"), *arguments]
        return subprocess.run(command, cwd=folder, env=variables, check=True, capture_output=True, text=True).stdout

    project = tmp_path / "project"
    output_of(tmp_path, "-m", "heirloom", "init", "project", "--example", "gaussian")
    snakefile = output_of(project, "-c", "from heirloom.workflow.files import snakefile; print(snakefile())").strip()
    assert Path(snakefile).is_relative_to(installed.parent)
    (project / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    plans = [output_of(project, "-m", "heirloom", "run", "-n"), output_of(project, "-m", "snakemake", "-n")]
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare/config.yaml").write_text(yaml.safe_dump(CONFIG))
    plans.append(output_of(tmp_path / "bare", "-m", "heirloom", "run", "-n"))
    steps = {"real_vectors": "1", "mix": "2", "train": "2", "sample": "1", "evaluate": "2", "summarise": "1", "plot": "1"}
    for plan in plans:
        counts = dict(line.split() for line in plan.partition("Job stats:")[2].splitlines() if len(line.split()) == 2)
        assert {rule: counts.get(rule) for rule in steps} == steps
