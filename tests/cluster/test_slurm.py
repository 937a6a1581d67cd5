"""The unchanged workflow on a real Slurm ends with the bytes of a local run, whatever happens to its jobs on the way."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from heirloom import paths
from slurm_lab import ALL, TRAINED, Cluster, ended, is_training, log, prints, wait

pytestmark = [pytest.mark.slow, pytest.mark.system]


def test_every_step_as_a_job_of_its_own_gives_the_bytes_of_a_local_run(cluster: Cluster, workspace: Path, expected: dict[str, Any]) -> None:
    before = cluster.jobs("COMPLETED")
    cluster.submit(workspace, ALL, HEIRLOOM_GROUP_SECONDS="0")
    assert prints(workspace) == expected
    # real data of both, their origins' three steps, a chain, the four steps of a generation, the tables
    assert len(cluster.jobs("COMPLETED")) - len(before) == 2 + 2 * 3 + 1 + 4 + 1


def test_a_cheap_lineage_is_one_job(cluster: Cluster, trainable: Path, expected: dict[str, Any]) -> None:
    for regime in ("origin", "replace"):
        shutil.rmtree(trainable / paths.LINEAGE.format(experiment="transformer", regime=regime, seed=0))
    before = cluster.jobs("COMPLETED")
    cluster.submit(trainable, paths.fingerprint(paths.fill(paths.METRICS, "transformer", "replace", 0, 1)))
    missing = paths.fingerprint(paths.fill(paths.METRICS, "transformer", "origin", 0, 0))
    assert prints(trainable) == {path: sha256 for path, sha256 in expected.items() if path != missing}  # nobody has asked for it
    assert len(cluster.jobs("COMPLETED")) - len(before) == 2


def test_a_wrong_partition_is_refused_at_once_in_slurms_own_words(cluster: Cluster, workspace: Path) -> None:
    began = time.monotonic()
    resources = ("--default-resources", "slurm_partition=nowhere", "mem_mb=600", "runtime=5")
    said = cluster.submit(workspace, *resources, "--", ALL, status=1)
    assert "invalid partition specified: nowhere" in said
    assert time.monotonic() - began < 60
    assert not prints(workspace)


def test_a_node_lost_while_training_costs_time_and_no_bytes(cluster: Cluster, trainable: Path, expected: dict[str, Any]) -> None:
    with cluster.submitting(trainable, TRAINED, HEIRLOOM_SAVE_SECONDS="0") as run:
        wait(lambda: is_training(trainable))
        number, node = cluster.sh("squeue", "--states=RUNNING", "-h", "-o", "%i %N").split()
        cluster.lab("kill-node", node)
        cluster.sh("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")
        cluster.lab("start-node", node)
        cluster.sh("scontrol", "update", f"NodeName={node}", "State=RESUME")
        wait(lambda: "PENDING" in cluster.sh("squeue", "--states=all", "-h", "-j", number, "-o", "%T"))
        assert is_training(trainable)
        cluster.sh("scontrol", "update", f"JobId={number}", "StartTime=now")  # Slurm itself waits two minutes
        ended(run)
    assert "going on after step" in log(trainable)
    assert prints(trainable) == expected


def test_an_interrupted_submission_cancels_its_jobs_and_goes_on_later(cluster: Cluster, trainable: Path, expected: dict[str, Any]) -> None:
    with cluster.submitting(trainable, TRAINED, HEIRLOOM_SAVE_SECONDS="0") as run:
        wait(lambda: is_training(trainable))
        run.send_signal(signal.SIGINT)
        ended(run, status=1)
    wait(lambda: not cluster.jobs("RUNNING,PENDING,COMPLETING"))
    assert not (trainable / TRAINED).exists()
    cluster.submit(trainable, TRAINED)
    assert "going on after step" in log(trainable)
    assert prints(trainable) == expected
