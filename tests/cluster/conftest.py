"""A real Slurm for the tests in this folder, and workspaces whose workflow is submitted to it."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers import environment, run_in
from slurm_lab import ALL, Cluster, prints, untrained, write_workspace

DAEMONS = ("slurmctld", "slurmd", "munged", "sbatch")
SYSTEM = "/usr/sbin:/sbin"
FOREIGN = ("SLURM_", "SBATCH_", "SRUN_")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Yield a running cluster; without Slurm's programs skip, but fail in CI, which installs them."""
    if missing := [name for name in DAEMONS if not shutil.which(name, path=f"{os.environ['PATH']}:{SYSTEM}")]:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"no Slurm here: {', '.join(missing)} not found")
    folder = tmp_path_factory.mktemp("slurm")
    env = {name: value for name, value in environment().items() if not name.startswith(FOREIGN)}
    own = {"LAB_DIR": str(folder), "LAB_PORT": str(_free_port()), "SLURM_CONF": f"{folder}/slurm.conf"}
    found = Cluster({**env, **own, "PATH": f"{folder}/bin:{env['PATH']}:{SYSTEM}"})
    try:
        found.lab("start")
        yield found
    finally:
        found.lab("stop")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a workspace whose steps have all run on this machine, without Slurm."""
    folder = write_workspace(tmp_path_factory.mktemp("local") / "work")
    run_in(folder, "snakemake", ALL)
    return folder


@pytest.fixture(scope="session")
def expected(finished: Path) -> dict[str, Any]:
    """Return the fingerprints of a local run."""
    return prints(finished)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Return a workspace in which nothing has run."""
    return write_workspace(tmp_path / "work")


@pytest.fixture
def trainable(finished: Path, tmp_path: Path) -> Path:
    """Return a finished workspace in which one checkpoint is still to be trained."""
    return untrained(finished, tmp_path / "work")
