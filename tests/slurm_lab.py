"""A throw-away Slurm of two nodes, the workflow submitted to it, and the workspaces that its tests run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from heirloom.artefacts import kinds, paths
from heirloom.artefacts.kinds import Kind
from helpers import ROOT, make_workspace

HERE = ROOT / "tests/cluster"
ALL = "results/metrics.json"
"""Every step and the tables; figures are drawn from those, by no cluster's rules."""
CHECKPOINT = kinds.CHECKPOINT.path("transformer", "replace", 0, 1)
TRAINED = paths.fingerprint(CHECKPOINT)
PROFILES = ("--profile", "profiles/slurm", "--workflow-profile", "profiles/slurm-lab")
SECONDS = 600
"""Longest that one call of Snakemake may take: its plugin can wait for ever."""

FAILING_TWICE = """#!/bin/sh
if [ "$1" = train ] && mkdir failed 2>/dev/null; then exit 1; fi
if [ "$1" = train ] && mkdir waiting 2>/dev/null; then exec sleep 600; fi
exec {heirloom} "$@"
"""


@dataclass(frozen=True)
class Cluster:
    """The throw-away cluster, and the environment in which its commands are found."""

    environment: Mapping[str, str]

    def sh(self, *arguments: str) -> str:
        """Return what a command prints; it fails the test unless it succeeds."""
        process = subprocess.run(arguments, env=self.environment, text=True, capture_output=True, timeout=60, check=False)
        assert process.returncode == 0, f"{arguments}\n{process.stdout}\n{process.stderr}"
        return process.stdout

    def lab(self, *arguments: str) -> None:
        """Start, stop or lose nodes."""
        subprocess.run(["bash", HERE / "lab.sh", *arguments], env=self.environment, check=True, timeout=90)

    @contextmanager
    def submitting(
        self, folder: Path, *arguments: str, profiles: tuple[str, ...] = PROFILES, **environment: str
    ) -> Iterator[subprocess.Popen[str]]:
        """Yield a running Snakemake that submits the workflow of a folder; it is killed if it outlives the block."""
        run = subprocess.Popen(
            [sys.executable, str(HERE / "fast.py"), *profiles, *arguments],
            cwd=folder,
            env={**self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield run
        finally:
            run.kill()
            run.communicate()

    def submit(self, folder: Path, *arguments: str, status: int = 0, profiles: tuple[str, ...] = PROFILES, **environment: str) -> str:
        """Submit the workflow of a folder, wait for its end, and return what was printed."""
        with self.submitting(folder, *arguments, profiles=profiles, **environment) as run:
            return ended(run, status)

    def jobs(self, state: str = "all") -> list[int]:
        """Return the numbers of the jobs that are or were in a state."""
        return sorted(int(number) for number in self.sh("squeue", f"--states={state}", "-h", "-o", "%i").split())


def ended(run: subprocess.Popen[str], status: int = 0) -> str:
    """Wait for the end of a Snakemake and return what it printed; another exit status fails the test."""
    output, _ = run.communicate(timeout=SECONDS)
    assert run.returncode == status, output[-9000:]
    return output


def wait(condition: Callable[[], Any], seconds: float = 180) -> None:
    """Return when a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def prints(folder: Path) -> dict[str, Any]:
    """Return the fingerprint of every artefact of a workspace."""
    files = sorted((folder / "data").rglob("*.fingerprint.json"))
    return {file.relative_to(folder).as_posix(): json.loads(file.read_text()) for file in files}


def write_workspace(folder: Path) -> Path:
    """Write a workspace with two small experiments of the tiny config: a chain of vectors, and text with a transformer.

    The transformer's second training takes some seconds: long enough to be disturbed.
    """
    make_workspace(folder)
    config = folder / "config.yaml"
    raw = yaml.safe_load(config.read_text())
    raw["experiments"] = {name: raw["experiments"][name] for name in ("gaussian", "transformer")}
    del raw["experiments"]["gaussian"]["grid"]
    raw["experiments"]["gaussian"]["regimes"] = ["keep"]
    raw["experiments"]["transformer"] |= {"generations": 1, "regimes": ["replace"]}
    raw["experiments"]["transformer"]["family"]["training"]["generation"]["epochs"] = 400
    config.write_text(yaml.safe_dump(raw, sort_keys=False))
    return folder


def untrained(finished: Path, folder: Path) -> Path:
    """Copy a finished workspace, and leave out the checkpoint of generation 1: one job is missing."""
    shutil.copytree(finished, folder, symlinks=True)
    shutil.rmtree(folder / CHECKPOINT)
    for spelled in (paths.fingerprint, paths.manifest):
        (folder / spelled(CHECKPOINT)).unlink()
    return folder


def change_config(folder: Path, **transformer: Any) -> None:
    """Change keys of the transformer's experiment in a workspace's config."""
    config = folder / "config.yaml"
    raw = yaml.safe_load(config.read_text())
    raw["experiments"]["transformer"] |= transformer
    config.write_text(yaml.safe_dump(raw, sort_keys=False))


def halt_training(folder: Path) -> None:
    """Stop the one training that runs in a workspace, until something sends SIGCONT."""
    (number,) = (int(path.name) for path in Path("/proc").glob("[0-9]*") if _trains(path, folder))
    os.kill(number, signal.SIGSTOP)


def _trains(process: Path, folder: Path) -> bool:
    try:
        command_line = (process / "cmdline").read_bytes().split(b"\0")
        return b"train" in command_line[1:3] and CHECKPOINT.encode() in command_line and (process / "cwd").resolve() == folder.resolve()
    except OSError:  # it has ended
        return False


def is_training(folder: Path) -> bool:
    """Return whether a training of the workspace has saved something to go on from."""
    return any((folder / paths.state(CHECKPOINT)).glob("*/training.*.safetensors"))


def log(folder: Path, step: str = "train", kind: Kind = kinds.CHECKPOINT) -> str:
    """Return what the last job of a step of generation 1 logged: of the training, unless another is named."""
    return (folder / paths.log(step, kind.path("transformer", "replace", 0, 1))).read_text()


def failing_twice(folder: Path, cluster: Cluster) -> str:
    """Return a PATH on which `heirloom` fails at its first training of a workspace, and at its second waits to be killed.

    The files `failed` and `waiting` say that it has come so far.
    """
    program = folder / "bin/heirloom"
    program.parent.mkdir()
    program.write_text(FAILING_TWICE.format(heirloom=shutil.which("heirloom", path=cluster.environment["PATH"])))
    program.chmod(0o755)
    return f"{program.parent}:{cluster.environment['PATH']}"
