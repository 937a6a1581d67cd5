"""The unchanged workflow on a real Slurm ends with the bytes of a local run, whatever happens to its jobs on the way."""

from __future__ import annotations

import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from heirloom import paths
from helpers import run_in
from slurm_lab import ALL, TRAINED, Cluster, change_config, ended, halt_training, is_training, log, prints, wait

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
        wait(lambda: "PENDING" in cluster.sh("squeue", "--states=all", "-h", "-j", number, "-o", "%T"))
        assert is_training(trainable)
        cluster.sh("scontrol", "update", f"JobId={number}", "StartTime=now")  # Slurm itself waits two minutes
        try:
            ended(run)
        finally:  # not before: what is left of the first job would be ended on the node, and the second with it
            cluster.lab("start-node", node)
            cluster.sh("scontrol", "update", f"NodeName={node}", "State=RESUME")
    assert "going on after step" in log(trainable)
    assert prints(trainable) == expected


def test_an_interrupted_submission_lets_no_other_in_cancels_its_jobs_and_goes_on_later(
    cluster: Cluster, trainable: Path, expected: dict[str, Any]
) -> None:
    with cluster.submitting(trainable, TRAINED, HEIRLOOM_SAVE_SECONDS="0") as run:
        wait(lambda: is_training(trainable))
        halt_training(trainable)  # so that it is not done before the second Snakemake has spoken
        refused = run_in(trainable, "snakemake", TRAINED, check=False)
        assert refused.returncode == 1
        assert "Directory cannot be locked" in refused.stderr
        run.send_signal(signal.SIGINT)
        ended(run, status=1)
    wait(lambda: not cluster.jobs("RUNNING,PENDING,COMPLETING"))
    assert not (trainable / TRAINED).exists()
    cluster.submit(trainable, TRAINED)
    assert "going on after step" in log(trainable)
    assert prints(trainable) == expected


def test_a_training_that_runs_out_of_time_goes_on_in_a_second_job(cluster: Cluster, trainable: Path, expected: dict[str, Any]) -> None:
    with cluster.submitting(trainable, "--retries", "1", "--", TRAINED, HEIRLOOM_SAVE_SECONDS="1") as run:
        wait(lambda: is_training(trainable))
        halt_training(trainable)  # as if it took for ever: Slurm looks at its clock twice a minute
        (number,) = cluster.jobs("RUNNING")
        cluster.sh("scontrol", "update", f"JobId={number}", "EndTime=now+1")
        said = ended(run)
    assert number in cluster.jobs("TIMEOUT")
    assert "asked to stop: what is done so far is saved" in said
    assert "going on after step" in log(trainable)
    assert prints(trainable) == expected


def test_a_job_that_runs_out_of_memory_is_given_more_at_its_second_attempt(
    cluster: Cluster, trainable: Path, expected: dict[str, Any]
) -> None:
    before = cluster.jobs()
    cluster.submit(trainable, "--retries", "1", "--set-resources", "train:mem_mb=400*attempt", "--", TRAINED)
    first, second = sorted({*cluster.jobs()} - {*before})
    assert [cluster.sh("squeue", "--states=all", "-h", "-j", str(number), "-o", "%m").strip() for number in (first, second)] == [
        "400M",
        "800M",
    ]
    (slurms,) = (trainable / "logs/slurm").rglob(f"{first}.log")
    assert "exceeded memory limit" in slurms.read_text()
    assert prints(trainable) == expected


def test_a_training_on_two_nodes_and_a_sampling_in_shards_give_the_bytes_of_two_processes_here(
    cluster: Cluster, trainable: Path, tmp_path: Path
) -> None:
    known = ("--rerun-triggers", "input", "--", TRAINED)  # the origin stays as it is, though it would now be trained otherwise
    here = shutil.copytree(trainable, tmp_path / "here", symlinks=True)
    change_config(here, num_processes=2)
    run_in(here, "snakemake", *known)
    synthetic = trainable / paths.fill(paths.SYNTHETIC, "transformer", "replace", 0, 1)
    synthetic.unlink()
    Path(paths.fingerprint(synthetic)).unlink()
    change_config(trainable, num_processes=2, num_nodes=2, num_gpus=1, shards=2)
    before = cluster.jobs()
    cluster.submit(trainable, *known, GLOO_SOCKET_IFNAME="lo")
    assert prints(trainable) == prints(here)
    new = {*cluster.jobs()} - {*before}
    asked = sorted(cluster.sh("squeue", "--states=all", "-h", "-j", str(number), "-o", "%D %b").strip() for number in new)
    assert asked == ["1 N/A", *3 * ["1 gres:gpu:1"], "2 gres:gpu:1"]  # mix; two shards and who gathers them; train


def test_bad_input_in_a_group_is_not_tried_again_and_is_named_in_the_last_line(cluster: Cluster, trainable: Path) -> None:
    raw = yaml.safe_load((trainable / "config.yaml").read_text())
    raw["experiments"]["transformer"]["rows"] = 21
    raw["experiments"]["transformer"]["family"]["training"]["generation"] |= {"learning_rate": 1e-30, "epochs": 1}
    (trainable / "config.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    before = cluster.jobs()
    said = cluster.submit(trainable, "--retries", "2", "--", TRAINED, status=1)
    (job,) = {*cluster.jobs()} - {*before}
    (slurms,) = (trainable / "logs/slurm").rglob(f"{job}.log")
    assert said.splitlines()[-1] == (
        "heirloom: train of experiment transformer, regime replace, seed 0, generation 1, failed:"
        " generation 1: no weight changed in 3 steps at learning_rate 1e-30: it is too small"
        f" (log: logs/train/transformer/replace/seed=0/gen=1.log, {slurms.relative_to(trainable)})"
    )
