"""`heirloom init`: what a new project has, what it refuses, and that real Snakemake, DVC and git take it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from heirloom import config as configuration
from heirloom.errors import HeirloomError
from heirloom.projects import create, snakemake, template
from helpers import ROOT, run_in


@pytest.mark.parametrize("example", [name for name in create.EXAMPLES if name != create.EXTERNAL])
def test_an_example_is_a_preset_of_this_repository_that_editors_know(tmp_path: Path, example: str) -> None:
    create.from_example(tmp_path / "p", example)
    first, _, rest = (tmp_path / "p/config.yaml").read_text().partition("\n")
    assert rest == (ROOT / template.EXAMPLES[example]).read_text()
    schema = tmp_path / "p" / first.rpartition("$schema=")[2]
    assert schema.read_bytes() == (ROOT / "schemas/config.schema.json").read_bytes()


def test_the_example_of_programs_has_them_beside_its_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create.from_example(tmp_path / "p", create.EXTERNAL)
    monkeypatch.chdir(tmp_path / "p")
    config = configuration.load(Path("config.yaml"))
    assert [experiment.family.name for experiment in config.experiments.values()] == ["external"]
    assert sorted(path.name for path in Path("programs").iterdir()) == sorted(
        path.name for path in (ROOT / "examples/vectors").iterdir() if path.suffix != ".yaml"
    )
    assert ".yaml" not in Path("programs/README.md").read_text().replace("config.yaml", "")


def test_the_settings_are_those_of_this_repository_but_for_folders_of_code(tmp_path: Path) -> None:
    create.project(tmp_path / "p", "schema_version: 1\n")
    for name in template.SETTINGS:
        ours, theirs = (ROOT / name).read_text(), (tmp_path / "p" / name).read_text()
        assert theirs == (ours if name != "dvc.yaml" else ours.replace("      - rules\n      - src\n", ""))
    stage = yaml.safe_load((tmp_path / "p/dvc.yaml").read_text())["stages"]["workflow"]
    assert stage["deps"] == ["Snakefile"]
    assert (tmp_path / "p/.git").is_dir()


@pytest.mark.parametrize("content", ["file", "folder"])
def test_what_stands_in_the_project_s_place_is_refused_and_stays(tmp_path: Path, content: str) -> None:
    place = tmp_path / "p"
    if content == "file":
        place.write_text("mine")
    else:
        (place / "notes").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(HeirloomError, match=r"p: is (a file|not empty \(notes\)); give the name of a new folder"):
        create.project(place, "")
    assert sorted(tmp_path.rglob("*")) == before


def test_snakemake_is_given_a_workflow_and_a_profile_where_the_folder_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert snakemake.command(["-n"])[3:] == [
        "--snakefile",
        str(ROOT / "Snakefile"),
        "--workflow-profile",
        str(ROOT / "profiles/default"),
        "-n",
    ]
    assert snakemake.command(["--snakefile=mine", "--workflow-profile", "p"])[3:] == ["--snakefile=mine", "--workflow-profile", "p"]
    create.project(tmp_path / "p", "")
    monkeypatch.chdir(tmp_path / "p")
    assert snakemake.command(["-n", "all"]) == [sys.executable, "-m", "snakemake", "-n", "all"]


@pytest.mark.slow
def test_a_new_project_runs_is_recorded_committed_and_has_nothing_more_to_do(tmp_path: Path) -> None:
    project = tmp_path / "p"
    source = {"name": "normal", "rows": 40}
    experiment = {"family": {"name": "gaussian"}, "source": source, "regimes": ["replace"], "generations": 1, "rows": 10}
    create.project(project, json.dumps({"schema_version": 1, "regimes": {"replace": {}}, "experiments": {"e": experiment}}))
    run_in(project, "heirloom", "run")
    assert sorted(path.name for path in project.glob("data/e/*/*.dvc")) == ["seed=0.dvc", "seed=0.dvc"]
    run_in(project, "git", "add", "--all")
    run_in(project, "git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--message", "a run")
    assert run_in(project, "dvc", "status").stdout == "Data and pipelines are up to date.\n"
    assert "Nothing to be done" in run_in(project, "snakemake", "-n").stdout
    assert "all as recorded" in run_in(project, "heirloom", "verify").stdout


@pytest.mark.slow
def test_a_project_s_snakefile_with_more_in_it_is_refused_like_any_other_that_imports_ours(tmp_path: Path) -> None:
    create.from_example(tmp_path / "p", "gaussian")
    with (tmp_path / "p/Snakefile").open("a") as snakefile:
        snakefile.write("\nonsuccess:\n    pass\n")
    process = subprocess.run(["snakemake", "-n"], cwd=tmp_path / "p", text=True, capture_output=True, check=False)
    assert process.returncode == 2
    assert process.stderr.splitlines()[-1].startswith("heirloom: this Snakefile is imported by another one")
