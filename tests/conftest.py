"""What tests share: a working folder with the workflow and a small corpus in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOW = ("Snakefile", "rules", "profiles", "docs/report", "dvc.yaml", ".dvcignore", ".gitignore", "src")

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


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a folder with the workflow, the tiny config as config.yaml and a corpus, ready for ``snakemake``."""
    for name in WORKFLOW:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).exists():
            target.symlink_to(ROOT / name)
    shutil.copy(ROOT / "tests/config.tiny.yaml", tmp_path / "config.yaml")
    write_corpus(tmp_path / "corpus")
    return tmp_path


@pytest.fixture
def run(workspace: Path) -> Run:
    """Return a function that runs a command in the workspace and gives its output; it fails the test unless ``check=False``."""

    def command(*arguments: str, check: bool = True, timeout: int = 300) -> subprocess.CompletedProcess[str]:
        bin_folder = Path(sys.executable).parent
        env = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"}
        env.pop("DVC_STAGE", None)
        done = subprocess.run(arguments, cwd=workspace, env=env, text=True, capture_output=True, timeout=timeout, check=False)
        if check and done.returncode:
            pytest.fail(f"{' '.join(arguments)}\n{done.stdout[-3000:]}\n{done.stderr[-6000:]}")
        return done

    return command


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Return a folder with a small corpus."""
    write_corpus(tmp_path / "corpus")
    return tmp_path / "corpus"
