"""A throw-away Slurm of two nodes, the workflow submitted to it, and the workspace that its tests run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from helpers import ROOT, make_workspace

HERE = ROOT / "tests/cluster"


@dataclass(frozen=True)
class Cluster:
    """The throw-away cluster, and the environment in which its commands are found."""

    environment: Mapping[str, str]

    def sh(self, *arguments: str) -> str:
        """Return what a command prints; it fails the test unless it succeeds."""
        done = subprocess.run(arguments, env=self.environment, text=True, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def lab(self, *arguments: str) -> None:
        """Start, stop or lose nodes."""
        subprocess.run(["bash", HERE / "lab.sh", *arguments], env=self.environment, check=True, timeout=90)

    def command(self, *arguments: str) -> list[str]:
        """Return the command line that submits the workflow of the working folder."""
        profiles = ("--profile", "profiles/slurm", "--profile", "profiles/slurm-lab")
        return [sys.executable, str(HERE / "fast.py"), *profiles, *arguments]

    def submit(self, folder: Path, *arguments: str, status: int = 0, timeout: int = 900) -> str:
        """Submit the workflow of a folder, wait for its end, and return what was printed."""
        done = subprocess.run(
            self.command(*arguments), cwd=folder, env=self.environment, text=True, capture_output=True, timeout=timeout, check=False
        )
        assert done.returncode == status, done.stdout[-3000:] + done.stderr[-6000:]
        return done.stdout + done.stderr

    def jobs(self, state: str) -> int:
        """Return how many jobs are or were in a state."""
        return len(self.sh("squeue", f"--states={state}", "-h", "-o", "%i").split())


def prints(folder: Path) -> dict[str, Any]:
    """Return the fingerprint of every artefact of a workspace."""
    files = sorted((folder / "data").rglob("*.fingerprint.json"))
    return {file.relative_to(folder).as_posix(): json.loads(file.read_text()) for file in files}


def write_workspace(folder: Path) -> Path:
    """Write a workspace with two small experiments of the tiny config: vectors, and text with a transformer."""
    make_workspace(folder)
    config = folder / "config.yaml"
    raw = yaml.safe_load(config.read_text())
    raw["experiments"] = {name: raw["experiments"][name] for name in ("steps", "transformer")}
    raw["experiments"]["steps"]["generations"] = 1
    raw["experiments"]["transformer"] |= {"generations": 1, "regimes": ["replace"]}
    config.write_text(yaml.safe_dump(raw, sort_keys=False))
    return folder
