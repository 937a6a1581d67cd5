"""A working folder with the workflow and a small corpus in it, and commands run there as a user would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from heirloom.artefacts import paths
from heirloom.artefacts.files import read_json
from heirloom.artefacts.manifest import seal

ROOT = Path(__file__).parents[1]
WORKFLOW = ("Snakefile", "rules", "profiles", "docs/report", "dvc.yaml", ".dvc/config", ".dvc/plots", ".dvcignore", ".gitignore", "src")

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def write_corpus(folder: Path) -> None:
    """Write a dozen documents of small, varied, deterministic prose."""
    folder.mkdir(parents=True)
    names = ["river", "castle", "garden", "winter", "harbour", "teacher", "letter", "forest", "market", "engine", "violin", "island"]
    for number, name in enumerate(names):
        sentences = [
            f"The {name} of chapter {number + line} was {other} and the {names[(number * line) % 12]} saw {line * number} of them."
            for line, other in enumerate(names * 3)
        ]
        (folder / f"{number:02}.txt").write_text("\n".join(sentences), encoding="utf-8")


def make_workspace(folder: Path) -> Path:
    """Fill a folder with the workflow, the tiny config as config.yaml and a corpus, ready for ``snakemake``."""
    for name in WORKFLOW:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            shutil.copy(ROOT / name, target)
    shutil.copy(ROOT / "tests/config.tiny.yaml", folder / "config.yaml")
    write_corpus(folder / "corpus")
    return folder


def assert_made_alike(one: str | Path, other: str | Path) -> None:
    """Check that two artefacts have the same bytes and manifests that differ in their place alone."""
    for spelled in (str, paths.fingerprint):
        assert Path(spelled(str(one))).read_bytes() == Path(spelled(str(other))).read_bytes()
    manifests = (read_json(paths.manifest(artefact)) for artefact in (one, other))
    first, second = ({key: value for key, value in content.items() if key not in ("path", "digest")} for content in manifests)
    assert first == second


def seal_alone(*artefacts: str | Path) -> None:
    """Write the notes beside artefacts that no step has made: a job's manifest, which tells nothing of the job."""
    for path in artefacts:
        seal([path], {"slice": {}, "inputs": []})


def environment() -> dict[str, str]:
    """Return the environment of a user who has activated the tests' interpreter."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**{name: value for name, value in os.environ.items() if name != "DVC_STAGE"}, "PATH": path, "COLUMNS": "200"}


def run_in(folder: Path, *arguments: str, check: bool = True, timeout: int = 1200) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder and return its output; it fails the test unless ``check=False``."""
    process = subprocess.run(arguments, cwd=folder, env=environment(), text=True, capture_output=True, timeout=timeout, check=False)
    if check and process.returncode:
        pytest.fail(f"{' '.join(arguments)}\n{process.stdout[-3000:]}\n{process.stderr[-6000:]}")
    return process
