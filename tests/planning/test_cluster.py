"""What a profile says of a cluster, checked against programs that answer as Slurm's do; a real Slurm answers in `tests/cluster`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from heirloom.errors import HeirloomError
from heirloom.planning import cluster
from heirloom.projects import site_profile
from helpers import ROOT

PROFILE: dict[str, Any] = {
    "executor": "slurm",
    "default-resources": ["slurm_partition=batch", "mem_mb=1000"],
    "set-resources": ["train:slurm_partition='gpu'"],
}
NO_SACCT = "echo 'Slurm accounting storage is disabled' >&2; exit 1"


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs, alone on the path: two partitions, a node that sees everything, no accounting."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "which").symlink_to(shutil.which("which") or "/usr/bin/which")  # Snakemake's plugin looks for programs with it
    monkeypatch.setenv("PATH", str(folder))
    program(folder, "sinfo", "printf 'gpu\\nbatch*\\ngpu\\n'")
    program(folder, "srun", "exit 0")
    program(folder, "sacct", NO_SACCT)
    program(folder, "sacctmgr", "exit 1")
    program(folder, "scontrol", "echo 'MinJobAge = 30 sec'")
    return folder


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_the_default_partition_is_first_and_what_nobody_says_is_not_known(programs: Path) -> None:
    assert cluster.partitions() == ["batch", "gpu"]
    assert cluster.accounts() == []
    program(programs, "sacctmgr", "printf 'physics\\nphysics\\nbiology\\n'")
    assert cluster.accounts() == ["physics", "biology"]
    (programs / "sinfo").unlink()
    assert cluster.partitions() == []


def test_a_profile_that_fits_is_looked_at_by_a_job_with_its_partition_and_account_and_precommand(programs: Path) -> None:
    program(programs, "srun", f'printf "%s\\n" "$@" > {programs}/asked')
    profile = PROFILE | {"default-resources": ["slurm_partition=batch", "slurm_account=physics"], "precommand": "module load python"}
    assert cluster.check(profile) == "a node sees this folder and finds heirloom"
    asked = (programs / "asked").read_text().splitlines()
    assert asked[:2] == ["--partition=batch", "--account=physics"]
    assert asked[-2].startswith("module load python && { test -e ")
    assert asked[-1] == str(Path.cwd())


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("slurm_partition=bach", "slurm_partition: bach: no such partition for you here; there is batch, gpu; did you mean batch?"),
        ("slurm_account=chemistry", "slurm_account: chemistry: no such account for you here; there is physics"),
    ],
)
def test_a_name_that_the_cluster_does_not_have_is_refused_with_those_that_it_has(programs: Path, entry: str, message: str) -> None:
    program(programs, "sacctmgr", "echo physics")
    with pytest.raises(HeirloomError) as refused:
        cluster.check({"default-resources": [entry]})
    assert str(refused.value) == message
    with pytest.raises(HeirloomError):
        cluster.check({"set-resources": [f"train:{entry}"]})


@pytest.mark.parametrize(
    ("status", "message"), [(73, f"does not see {Path.cwd()}: work in a folder on a disk"), (74, "finds no heirloom: install it on a disk")]
)
def test_a_node_without_this_folder_or_without_heirloom_is_refused(programs: Path, status: int, message: str) -> None:
    program(programs, "srun", f"exit {status}")
    with pytest.raises(HeirloomError, match=message):
        cluster.check(PROFILE)


def test_a_cluster_that_is_full_or_has_no_srun_leaves_the_question_open(programs: Path) -> None:
    program(programs, "srun", "echo 'srun: error: Unable to allocate resources: Requested nodes are busy' >&2; exit 1")
    assert cluster.check(PROFILE).startswith("nobody could look whether a node sees this folder (srun: error: Unable to allocate")
    (programs / "srun").unlink()
    assert cluster.check(PROFILE) == "no srun here, so nobody has looked whether the nodes see this folder"


def test_a_sites_profile_has_what_the_cluster_says_and_the_reasons_and_is_never_overwritten(programs: Path, tmp_path: Path) -> None:
    program(programs, "sacctmgr", "echo physics")
    template = (ROOT / "profiles/slurm/config.yaml").read_text()
    choices = site_profile.write(tmp_path / "site", template)
    assert [(choice.key, choice.value) for choice in choices] == [
        ("slurm_partition", "batch"),
        ("slurm_account", "physics"),
        ("slurm-status-command", "squeue"),
        ("slurm-init-seconds-before-status-checks", "10"),
    ]
    old, new = template.splitlines(), (tmp_path / "site/config.yaml").read_text().splitlines()
    changed = [after.split("#")[0].strip() for before, after in zip(old, new, strict=True) if before != after]
    assert changed == [
        "slurm-init-seconds-before-status-checks: 10",
        "slurm-status-command: squeue",
        "slurm_partition: batch",
        "slurm_account: physics",
    ]
    with pytest.raises(HeirloomError, match="is there already"):
        site_profile.write(tmp_path / "site", template)


def test_where_slurm_answers_nothing_the_profile_stays_and_names_the_line_to_edit(programs: Path) -> None:
    program(programs, "sinfo", "exit 1")
    program(programs, "sacct", "exit 0")
    text, (choice,) = site_profile.filled((ROOT / "profiles/slurm/config.yaml").read_text())
    assert text == (ROOT / "profiles/slurm/config.yaml").read_text()
    assert choice.reason == "sinfo names no partition here: write yours"


def test_where_slurm_is_not_no_profile_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    message = r"^Slurm is not on this machine \(no program sinfo on the search path\): run this where you submit jobs"
    with pytest.raises(HeirloomError, match=message):
        site_profile.write(tmp_path / "site", (ROOT / "profiles/slurm/config.yaml").read_text())
    assert not (tmp_path / "site").exists()
