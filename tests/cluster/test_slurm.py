"""The unchanged workflow on a real Slurm ends with the bytes of a local run, whatever happens to its jobs on the way."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from heirloom import sealed_steps
from heirloom.artefacts import kinds, paths
from helpers import ROOT, make_workspace, run_in
from slurm_lab import ALL, TRAINED, Cluster, change_config, ended, failing_twice, halt_training, is_training, log, prints, wait

pytestmark = [pytest.mark.slow, pytest.mark.system]


def test_every_step_as_a_job_of_its_own_gives_the_bytes_of_a_local_run(cluster: Cluster, workspace: Path, expected: dict[str, Any]) -> None:
    before = cluster.jobs("COMPLETED")
    cluster.submit(workspace, ALL, HEIRLOOM_GROUP_SECONDS="0")
    assert prints(workspace) == expected
    # real data of both, their origins' three steps, a chain, the four steps of a generation, the tables
    assert len(cluster.jobs("COMPLETED")) - len(before) == 2 + 2 * 3 + 1 + 4 + 1


def test_a_cheap_lineage_is_one_job(cluster: Cluster, trainable: Path, expected: dict[str, Any]) -> None:
    for regime in ("origin", "replace"):
        shutil.rmtree(trainable / kinds.LINEAGE.path(experiment="transformer", regime=regime, seed=0))
    before = cluster.jobs("COMPLETED")
    cluster.submit(trainable, paths.fingerprint(kinds.METRICS.path("transformer", "replace", 0, 1)))
    missing = paths.fingerprint(kinds.METRICS.path("transformer", "origin", 0, 0))
    assert prints(trainable) == {path: sha256 for path, sha256 in expected.items() if path != missing}  # nobody has asked for it
    assert len(cluster.jobs("COMPLETED")) - len(before) == 2


def test_a_group_that_fails_and_is_put_back_makes_no_finished_step_again(
    cluster: Cluster, trainable: Path, expected: dict[str, Any]
) -> None:
    synthetic, train = (trainable / kind.path("transformer", "replace", 0, 1) for kind in (kinds.SYNTHETIC, kinds.TRAIN))
    shutil.rmtree(synthetic.parent)
    measures = paths.fingerprint(kinds.METRICS.path("transformer", "replace", 0, 1))
    before = cluster.jobs()
    with cluster.submitting(trainable, "--retries", "1", "--", measures, PATH=failing_twice(trainable, cluster)) as run:
        wait((trainable / "failed").exists)
        first = [(trainable / sealed_steps.FOLDER / file.relative_to(trainable)).stat().st_ino for file in (synthetic, train)]
        wait((trainable / "waiting").exists)  # the training of the second job
        assert [file.stat().st_ino for file in (synthetic, train)] == first
        number = max(cluster.jobs("RUNNING"))
        cluster.sh("scontrol", "requeue", str(number))
        wait(lambda: "PENDING" in cluster.sh("squeue", "--states=all", "-h", "-j", str(number), "-o", "%T"))
        cluster.sh("scontrol", "update", f"JobId={number}", "StartTime=now")  # Slurm itself waits two minutes
        ended(run)
    assert [file.stat().st_ino for file in (synthetic, train)] == first
    assert len({*cluster.jobs()} - {*before}) == 2  # attempts: Slurm has put back the second under its number
    assert log(trainable, "sample", kinds.SYNTHETIC).startswith("taken from .heirloom/steps/data/transformer/replace/seed=0/gen=1/")
    assert prints(trainable) == expected
    assert not (trainable / sealed_steps.FOLDER).exists()


def test_a_wrong_partition_is_refused_at_once_in_slurms_own_words(cluster: Cluster, workspace: Path) -> None:
    began = time.monotonic()
    resources = ("--default-resources", "slurm_partition=nowhere", "mem_mb=600", "runtime=5")
    said = cluster.submit(workspace, *resources, "--", ALL, status=1)
    assert "invalid partition specified: nowhere" in said
    assert time.monotonic() - began < 60
    assert not prints(workspace)


def test_without_accounting_a_run_is_refused_with_the_line_that_lets_its_first_job_end(cluster: Cluster, workspace: Path) -> None:
    profile, command = workspace / "profiles/slurm/config.yaml", ("heirloom", "check", "--profile")
    profile.write_text(profile.read_text().replace("slurm_partition: compute", "slurm_partition: test"))
    target, ready = paths.fingerprint(kinds.REAL_TRAIN.path("gaussian")), ("--workflow-profile", "profiles/slurm")
    refused = subprocess.run(command, cwd=workspace, env=cluster.environment, capture_output=True, text=True, check=False)
    reason = (
        "Slurm keeps no accounting here (sacct: Slurm accounting storage is disabled), and Snakemake would wait for ever for its first "
        'job; add to the profile the line "slurm-status-command: squeue"'
    )
    assert (refused.returncode, refused.stderr) == (2, f"heirloom: profiles/slurm: {reason}\n")
    assert reason in cluster.submit(workspace, target, profiles=ready, status=1)
    assert not cluster.jobs("RUNNING,PENDING")
    profile.write_text(profile.read_text().replace("# slurm-status-command: squeue", "slurm-status-command: squeue"))
    said = subprocess.run(command, cwd=workspace, env=cluster.environment, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[1:] == ["profiles/slurm: Slurm says when a job has ended; a node sees this folder and finds heirloom"]
    cluster.submit(workspace, target, profiles=ready)
    assert (workspace / target).exists()
    profile.write_text(profile.read_text().replace("status-checks: 20", "status-checks: 2000"))
    forgotten = subprocess.run(command, cwd=workspace, env=cluster.environment, capture_output=True, text=True, check=False).stderr
    assert forgotten.endswith(
        'add to the profile the line "slurm-init-seconds-before-status-checks: 1200" (Slurm forgets an ended job after 3600 s, MinJobAge)\n'
    )


def test_the_page_on_clusters_leads_to_a_first_submission_without_an_edit(cluster: Cluster, workspace: Path) -> None:
    def heirloom(*arguments: str, status: int = 0) -> list[str]:
        done = subprocess.run(("heirloom", *arguments), cwd=workspace, env=cluster.environment, capture_output=True, text=True, check=False)
        assert done.returncode == status, done.stderr
        return (done.stdout + done.stderr).splitlines()

    assert heirloom("profile") == [
        "slurm_partition: test  (Slurm's default, or its first; there is gpu, too)",
        "slurm-status-command: squeue  (sacct: Slurm accounting storage is disabled)",
        "next: heirloom check --profile profiles/site && snakemake --workflow-profile profiles/site",
    ]
    assert heirloom("check", "--profile")[1:] == [
        "profiles/site: Slurm says when a job has ended; a node sees this folder and finds heirloom"
    ]
    target = paths.fingerprint(kinds.REAL_TRAIN.path("gaussian"))
    cluster.submit(workspace, target, profiles=("--workflow-profile", "profiles/site"))
    assert (workspace / target).exists()
    profile = workspace / "profiles/site/config.yaml"
    profile.write_text(profile.read_text().replace("slurm_partition: test", "slurm_partition: tset"))
    assert heirloom("check", "--profile", status=2)[-1] == (
        "heirloom: profiles/site: slurm_partition: tset: no such partition for you here; there is test, gpu; did you mean test?"
    )


def test_a_folder_that_no_node_sees_is_refused_before_a_submission(cluster: Cluster, workspace: Path) -> None:
    profile = workspace / "profiles/slurm/config.yaml"
    text = profile.read_text().replace("slurm_partition: compute", "slurm_partition: test")
    profile.write_text(text.replace("# slurm-status-command: squeue", "slurm-status-command: squeue"))
    disk = workspace.parent / "disk"
    disk.mkdir()
    script = f"mount -t tmpfs none {disk} && cp -r {workspace} {disk} && cd {disk}/work && exec heirloom check --profile"
    command = ("unshare", "--mount", "sh", "-c", script)
    if subprocess.run(command[:2], input="", check=False, capture_output=True).returncode:
        pytest.skip("no mount namespaces here")
    refused = subprocess.run(command, env=cluster.environment, capture_output=True, text=True, check=False)
    assert refused.stderr == (
        f"heirloom: profiles/slurm: a node of the cluster does not see {disk}/work: work in a folder on a disk that all nodes share\n"
    )


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
    synthetic = trainable / kinds.SYNTHETIC.path("transformer", "replace", 0, 1)
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
        " generation 1: no weight changed in 3 steps, the first at learning rate 8.7e-31: learning_rate is too small"
        f" (log: logs/train/transformer/replace/seed=0/gen=1.log, {slurms.relative_to(trainable)})"
    )


def test_programs_of_ones_own_give_the_bytes_of_a_local_run(cluster: Cluster, tmp_path: Path) -> None:
    local = make_workspace(tmp_path / "local")
    shutil.copytree(ROOT / "examples/vectors", local / "examples/vectors", ignore=shutil.ignore_patterns("__pycache__"))
    raw = yaml.safe_load((local / "examples/vectors/vectors.yaml").read_text())
    raw["experiments"]["vectors"] |= {"regimes": ["replace"], "seeds": [0], "generations": 1}
    (local / "config.yaml").write_text(yaml.safe_dump(raw, sort_keys=False))
    submitted = tmp_path / "submitted"
    shutil.copytree(local, submitted, symlinks=True)
    measures = paths.fingerprint(kinds.METRICS.path("vectors", "replace", 0, 1))
    run_in(local, "snakemake", measures)
    before = cluster.jobs("COMPLETED")
    cluster.submit(submitted, measures)
    assert len(cluster.jobs("COMPLETED")) > len(before)
    assert prints(submitted) == prints(local)
    assert (submitted / "logs/train/vectors/replace/seed=0/gen=1.log").read_text().splitlines()[-1] == "fitted to 100 rows"
