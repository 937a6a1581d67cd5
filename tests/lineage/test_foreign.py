"""Data of another commit, which `git checkout` alone leaves here: nothing says of them that they are this commit's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from heirloom import config as configuration
from heirloom.artefacts.files import read_json
from heirloom.artefacts.fingerprints import recorded_sha256
from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, foreign, pointers
from heirloom.lineage.record import RecordReport, record
from toy_project import CONFIG, LINEAGE, MODEL, Shell, change_rows, commit, ledger, listed, planned, set_generations, snakemake

pytestmark = pytest.mark.slow

UNITS = ["data/toy/origin/seed=0/gen=0", f"{LINEAGE}/gen=1", f"{LINEAGE}/gen=2"]
TOY_LINE = (
    "not recorded: toy/origin/0/0:checkpoint: here lie data of another commit (and 2 more); heirloom restore brings those of this one"
)
ROWS = "data/steps/replace/seed=0/gen=1/synthetic.parquet"
WAYS = "heirloom restore brings those of this one, heirloom record keeps them if the config asks for them"


def record_another_version(sh: Shell) -> None:
    """Run the toy with another setting, and record and commit that."""
    change_rows()
    snakemake(sh)
    record(CONFIG, complete=True)
    commit(sh)


def test_data_of_another_commit_are_not_recorded_and_what_is_recorded_stays(recorded: RecordReport, sh: Shell) -> None:
    record_another_version(sh)
    sh("git", "checkout", "-q", "HEAD~1")
    lines, files = ledger(), listed(LINEAGE)
    assert sh("heirloom", "record", status=1) == f"{TOY_LINE}\n"
    assert record(CONFIG, complete=True).line == TOY_LINE  # and does not take them for its own the next time
    assert (ledger(), listed(LINEAGE), sh("git", "status", "--short")) == (lines, files, "")
    assert sh("heirloom", "restore").startswith("restored; ")
    assert record(CONFIG, complete=True).line == "nothing new to record"
    assert planned(sh) == {}


def test_data_that_git_has_given_up_after_they_were_recorded_are_those_of_another_version(recorded: RecordReport, sh: Shell) -> None:
    change_rows()
    snakemake(sh)
    record(CONFIG, complete=True)
    sh("git", "checkout", "-q", "--", ".")
    assert record(CONFIG).line == TOY_LINE


def test_a_lineage_whose_listing_is_not_here_is_not_recorded_without_what_another_commit_covers(recorded: RecordReport, sh: Shell) -> None:
    record_another_version(sh)
    sh("git", "checkout", "-q", "HEAD~1")
    sh("dvc", "checkout", "-q", f"{LINEAGE}/gen=1")  # the other generation stays that of the other commit
    shutil.rmtree(".heirloom")
    md5 = pointers.parse(Path(f"{LINEAGE}.dvc").read_bytes(), str(LINEAGE)).md5
    dvc.cache_path(md5).unlink()
    lines = ledger()
    report = record(CONFIG)
    assert ([one.path for one in report.foreign], report.recorded) == (
        [f"{unit}/checkpoint" for unit in UNITS if not unit.endswith("gen=1")],
        (),
    )
    assert (ledger(), sh("git", "status", "--short")) == (lines, "")


def test_a_run_under_the_settings_of_an_earlier_commit_gives_its_bytes_and_they_are_recorded(recorded: RecordReport, sh: Shell) -> None:
    before = recorded_sha256(MODEL.parent)
    record_another_version(sh)
    change_rows("rows: 11", "rows: 10")
    snakemake(sh)
    report = record(CONFIG, complete=True)
    assert (report.foreign, report.recorded) == ((), ("data/toy/origin/seed=0", str(LINEAGE)))
    assert ledger()[f"{LINEAGE}/gen=2/checkpoint"][1] == before


def test_one_lineage_of_another_commit_that_dvc_has_brought_is_recorded(recorded: RecordReport, sh: Shell) -> None:
    record_another_version(sh)
    sh("git", "checkout", "-q", "HEAD~1", "--", *(f"{lineage}.dvc" for lineage in ("data/toy/origin/seed=0", LINEAGE)))
    sh("dvc", "checkout", "-q")
    assert foreign.in_units(UNITS) == {}
    assert record(CONFIG).foreign == ()
    assert ledger()[f"{LINEAGE}/gen=2/checkpoint"][1] == recorded_sha256(MODEL.parent)


def test_what_only_another_commit_has_is_left_out_and_the_report_says_so(recorded: RecordReport, sh: Shell) -> None:
    set_generations(3)
    snakemake(sh)
    record(CONFIG, complete=True)
    commit(sh)
    sh("git", "checkout", "-q", "HEAD~1")
    lines = ledger()
    fault = "toy/replace/0/3:checkpoint: recorded by another commit and not by this one"
    assert sh("heirloom", "record") == f"nothing new to record; left out, {fault}\n"
    assert (ledger(), sh("git", "status", "--short")) == (lines, "")
    with pytest.raises(HeirloomError) as caught:
        foreign.check([f"{LINEAGE}/gen=3"])
    assert str(caught.value) == f"{fault}; {WAYS}"


@pytest.fixture(scope="module")
def branches(published: Path, tmp_path_factory: pytest.TempPathFactory, sh: Shell) -> Path:
    """Return a clone of the real workflow at `main`, whose data are those of the branch `rows`: they have other rows; only ever copied."""
    folder = tmp_path_factory.mktemp("branches") / "clone"
    sh("git", "clone", "-q", str(published / "project.git"), str(folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        sh("dvc", "pull", "-q")
        sh("git", "checkout", "-q", "-b", "rows")
        change_rows("    rows: 20", "    rows: 30")
        sh("snakemake")
        commit(sh)
        sh("git", "checkout", "-q", "main")
    return folder


@pytest.fixture
def left(branches: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sh: Shell) -> None:
    """Make a copy of that clone, links and all, the working folder."""
    sh("cp", "-a", str(branches), str(tmp_path / "clone"))
    monkeypatch.chdir(tmp_path / "clone")


COMMANDS = {
    "hf": ("export", "hf", "steps/replace/0/1", "OUT"),
    "checkpoint": ("export", "hf", "steps/replace/0/1:checkpoint", "OUT"),
    "lineage": ("export", "hf", "steps/replace/0", "OUT"),
    "croissant": ("export", "croissant", "steps/replace/0/1", "OUT"),
    "crate": ("export", "crate", "steps/replace/0", "OUT"),
    "attestations": ("export", "attestations", "steps/replace/0", "OUT"),
    "audit": ("audit", "--jobs", "1"),
    "figures": ("plot",),
    "page": ("report",),
    "full summary": ("summary", "--full"),
}


@pytest.mark.usefixtures("left")
def test_nothing_is_said_of_a_commit_while_the_data_are_those_of_another(sh: Shell, tmp_path: Path) -> None:
    said = {}
    for name, command in COMMANDS.items():
        said[name] = sh("heirloom", *(str(tmp_path / "out") if word == "OUT" else word for word in command), status=2)
    assert not (tmp_path / "out").exists()
    endings = {name: line.partition(": here ")[2] for name, line in said.items()}
    assert endings == dict.fromkeys(COMMANDS, f"lie data of another commit; {WAYS}\n")
    assert said["hf"].startswith("heirloom: steps/replace/0/1: here")
    assert said["checkpoint"].startswith("heirloom: steps/replace/0/1:checkpoint: here")
    settings = "the data are of other settings: steps.rows 30 → 20; snakemake makes them anew"
    assert sh("heirloom", "summarise", status=2) == f"heirloom: config.yaml: {settings}\n"
    line = sh("heirloom", "record", status=1)
    assert line.startswith("not recorded: steps/origin/0/0:checkpoint: here lie data of another commit")
    assert sh("git", "status", "--short") == ""


@pytest.mark.usefixtures("left")
def test_what_was_refused_is_done_once_the_data_are_restored_and_the_short_summary_is_of_the_commit_all_along(
    sh: Shell, tmp_path: Path
) -> None:
    before = sh("heirloom", "summary")
    sh("heirloom", "restore")
    assert sh("heirloom", "summary") == before
    for name in ("hf", "figures", "page", "full summary"):
        sh("heirloom", *(str(tmp_path / name) if word == "OUT" else word for word in COMMANDS[name]))
    assert sh("git", "status", "--short") == "?? results/claims.csv\n"  # which the page brings


@pytest.mark.usefixtures("left")
def test_data_of_another_commit_whose_settings_the_config_takes_over_are_recorded(sh: Shell) -> None:
    sh("git", "checkout", "-q", "rows", "--", "config.yaml")
    assert foreign.in_units([str(Path(ROWS).parent)], configuration.load(CONFIG)) == {}
    assert record(CONFIG).foreign == ()
    assert ledger()[ROWS][1] == recorded_sha256(ROWS)
    assert read_json(Path(ROWS).with_name("synthetic.manifest.json"))["slice"]["rows"] == 30
