"""The unchanged workflow on a real Slurm ends with the bytes of a local run, whatever happens to its jobs on the way."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slurm_lab import Cluster, prints

pytestmark = [pytest.mark.slow, pytest.mark.system, pytest.mark.xdist_group("slurm")]

UNGROUPED = ("--groups", *(f"{step}={step}" for step in ("mix", "train", "sample", "evaluate")), "--")


def wait(condition: Callable[[], Any], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def test_every_step_as_a_job_of_its_own_gives_the_bytes_of_a_local_run(cluster: Cluster, workspace: Path, expected: dict[str, Any]) -> None:
    before = cluster.jobs("COMPLETED")
    cluster.submit(workspace, *UNGROUPED)
    assert prints(workspace) == expected
    assert cluster.jobs("COMPLETED") - before == 18


def test_a_cheap_lineage_is_one_job(cluster: Cluster, workspace: Path, expected: dict[str, Any]) -> None:
    before = cluster.jobs("COMPLETED")
    cluster.submit(workspace)
    assert prints(workspace) == expected
    assert cluster.jobs("COMPLETED") - before == 8  # of each experiment real data, origin, one lineage; the tables and the figures


def test_an_interrupted_submission_cancels_its_jobs_and_goes_on_later(cluster: Cluster, workspace: Path, expected: dict[str, Any]) -> None:
    run = subprocess.Popen(
        cluster.command(),
        cwd=workspace,
        env=cluster.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait(lambda: cluster.jobs("RUNNING"))
    run.send_signal(signal.SIGINT)
    assert run.wait(timeout=120) == 1
    wait(lambda: not cluster.jobs("RUNNING,PENDING"))
    cluster.submit(workspace)
    assert prints(workspace) == expected


def test_a_wrong_partition_is_refused_at_once(cluster: Cluster, workspace: Path) -> None:
    began = time.monotonic()
    said = cluster.submit(workspace, "--default-resources", "slurm_partition=nowhere", "mem_mb=600", "runtime=5", status=1)
    assert "invalid partition" in said
    assert time.monotonic() - began < 120
    assert not prints(workspace)


def test_a_lost_node_costs_time_and_no_bytes(cluster: Cluster, workspace: Path, expected: dict[str, Any]) -> None:
    run = subprocess.Popen(
        cluster.command(), cwd=workspace, env=cluster.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    wait(lambda: cluster.jobs("RUNNING"))
    number, node = cluster.sh("squeue", "--states=RUNNING", "-h", "-o", "%i %N").split()[:2]
    cluster.lab("kill-node", node)
    cluster.sh("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")
    cluster.lab("start-node", node)
    cluster.sh("scontrol", "update", f"NodeName={node}", "State=RESUME")
    wait(lambda: "PENDING" in cluster.sh("squeue", "--states=all", "-h", "-j", number, "-o", "%T"))
    cluster.sh("scontrol", "update", f"JobId={number}", "StartTime=now")
    said, _ = run.communicate(timeout=600)
    assert run.returncode == 0, said[-4000:]
    assert prints(workspace) == expected
