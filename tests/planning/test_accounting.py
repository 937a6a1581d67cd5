"""What a profile says of the questions that Snakemake's plugin asks Slurm; the cluster itself is asked in `tests/cluster`."""

from __future__ import annotations

from pathlib import Path

import pytest

from heirloom import command_line, profiles
from heirloom.errors import HeirloomError
from heirloom.planning import accounting
from heirloom.snakefile import rule
from helpers import ROOT


def test_the_profile_for_clusters_is_ready_for_one_without_accounting() -> None:
    text = (ROOT / accounting.PROFILE / "config.yaml").read_text()
    assert "\n# slurm-status-command: squeue" in text


def test_what_a_profile_sets_is_read_as_snakemake_reads_it(tmp_path: Path) -> None:
    text = (ROOT / accounting.PROFILE / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(text.replace("# slurm-status-command: squeue", "slurm-status-command: squeue"))
    settings = accounting.settings(tmp_path)
    assert settings is not None
    assert (settings.status_command, settings.init_seconds_before_status_checks) == ("squeue", 20)


def test_a_profile_of_another_executor_asks_no_cluster() -> None:
    profile = ROOT / "profiles/default"
    assert accounting.check_profile(profile) == f"{profile}: its executor is not slurm, and no cluster is asked"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("executor: slurm\nslurm-status-command: sstat\n", "Invalid status command. Allowed values are 'sacct' or 'squeue'."),
        ("executor: slurm\nslurm-init-seconds-before-status-checks: soon\n", r"a whole number of seconds is wanted \(given: soon\)"),
        ("- executor\n", "doesn't appear to contain 'key: value' pairs"),
        ("a: b: c\n", "mapping values are not allowed here"),
    ],
)
def test_a_profile_that_cannot_be_read_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(HeirloomError, match=f"{tmp_path}.*{words}") as refused:
        accounting.check_profile(tmp_path)
    assert "\n" not in str(refused.value)


def test_a_profile_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(
        HeirloomError, match=r"absent: no profile; a folder with a config.yaml for Snakemake is wanted, such as profiles/slurm"
    ):
        accounting.check_profile(tmp_path / "absent")


def test_one_line_of_the_profile_sets_the_container_of_all_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / accounting.PROFILE / "config.yaml").read_text()
    (tmp_path / "config.yaml").write_text(text)
    monkeypatch.setenv(command_line.CONTAINER, "")
    assert "software-deployment-method" not in profiles.keys(str(tmp_path))
    assert rule.container_of_all_jobs() is None
    (tmp_path / "config.yaml").write_text(text.replace('container_of_all_jobs("")', 'container_of_all_jobs("/shared/heirloom.sif")'))
    assert profiles.keys(str(tmp_path))["software-deployment-method"] == "apptainer"
    assert rule.container_of_all_jobs() == "/shared/heirloom.sif"


def test_the_sites_own_profile_is_checked_where_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert accounting.usual_profile() == accounting.PROFILE
    accounting.SITE.mkdir(parents=True)
    assert accounting.usual_profile() == accounting.SITE
