"""Recording on real git, real DVC and real Snakemake, in a toy project with the real paths."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import typer

from heirloom.artefacts.files import replacing
from heirloom.errors import HeirloomError
from heirloom.lineage import dvc, provenance, unrecorded
from heirloom.lineage.record import RecordReport, record
from heirloom.lineage.restore import restore
from helpers import ROOT
from toy_project import (
    ALL,
    CONFIG,
    LINEAGE,
    MODEL,
    UP_TO_DATE,
    Shell,
    cache_is_intact,
    change_rows,
    clone,
    commit,
    forget,
    ledger,
    listed,
    planned,
    record_by_itself,
    set_generations,
    snakemake,
)

pytestmark = pytest.mark.slow


def test_after_a_run_everything_is_recorded_and_dvc_and_git_are_clean(recorded: RecordReport, sh: Shell) -> None:
    assert recorded == RecordReport(recorded=ALL, left_out=(), new_costs=3, committed=True, unrecorded="")
    assert sh("dvc", "status") == UP_TO_DATE
    assert "No changes" in sh("dvc", "data", "status")
    assert sh("git", "status", "--short") == ""
    tracked = sh("git", "ls-files", "data", "results", "dvc.lock", "dvc.yaml").split()
    results = [f"results/{name}" for name in ("lineage.tsv", "metrics.json", "provenance.jsonl")]
    assert tracked == ["data/README.md", *(f"{lineage}.dvc" for lineage in ALL), "dvc.lock", "dvc.yaml", *results]
    assert {name for name in listed(LINEAGE) if "checkpoint/" in name} == {f"gen={g}/checkpoint/model.safetensors" for g in (1, 2)}


def test_the_ledger_names_each_artefact_with_its_parents(recorded: RecordReport) -> None:
    lines = ledger()
    assert list(lines) == sorted(lines)
    assert len(lines) == 7
    origin = lines["data/toy/origin/seed=0/gen=0/checkpoint"]
    assert lines[f"{LINEAGE}/gen=1/checkpoint"][3] == f"parent={origin[1]}={origin[0]}"
    assert lines["data/toy/real/train.parquet"][2:] == [str(Path("data/toy/real/train.parquet").stat().st_size), ""]


def test_a_forced_rerun_leaves_git_and_dvc_unchanged_and_is_linked_to_the_cache_again(recorded: RecordReport, sh: Shell) -> None:
    big = Path("data/toy/real/train.parquet")
    snakemake(sh, "--forceall")
    assert record(CONFIG, complete=True).recorded == ()
    assert sh("git", "status", "--short") == ""
    assert sh("dvc", "status") == UP_TO_DATE
    assert big.stat().st_nlink >= 2
    assert cache_is_intact()


def test_nothing_new_is_said_without_starting_dvc(recorded: RecordReport, monkeypatch: pytest.MonkeyPatch) -> None:
    record(CONFIG, complete=True)  # the copy has other inodes than what was recorded
    monkeypatch.setattr("heirloom.lineage.dvc._run", None)
    began = time.perf_counter()
    report = record(CONFIG, complete=True)
    assert report == RecordReport(recorded=(), left_out=(), new_costs=0, committed=False, unrecorded="")
    assert report.line == "nothing new to record"
    assert time.perf_counter() - began < 1.5


def test_one_more_generation_changes_one_lineage_and_costs_of_jobs_run_elsewhere_are_kept(recorded: RecordReport, sh: Shell) -> None:
    shutil.rmtree("logs")
    set_generations(3)
    snakemake(sh)
    assert record(CONFIG, complete=True) == RecordReport((str(LINEAGE),), left_out=(), new_costs=1, committed=True, unrecorded="")
    assert sh("dvc", "status") == UP_TO_DATE
    changed = [line for line in sh("git", "diff", "-U0", "results/lineage.tsv").splitlines() if line.startswith(("+d", "-d"))]
    assert [line.split("\t")[0] for line in changed] == [f"+{LINEAGE}/gen=3/checkpoint", f"+{LINEAGE}/gen=3/metrics.json"]
    rows = pq.read_table("results/costs.parquet").to_pylist()
    rows_of_toy = [(row["step"], row["regime"], row["generation"]) for row in rows]
    assert rows_of_toy == [("train", "origin", 0), ("train", "replace", 1), ("train", "replace", 2), ("train", "replace", 3)]
    assert all(0 < row["seconds"] < 60 and len(row["commit"]) == 40 for row in rows)
    assert [len(row["changes"]) for row in rows] == [0, 0, 0, 16]
    assert sh("git", "check-ignore", "results/costs.parquet")


def test_the_bytes_lie_on_disk_once_and_writers_cannot_reach_the_cache(recorded: RecordReport) -> None:
    assert MODEL.stat().st_nlink == 2
    with replacing(MODEL) as temporary:
        temporary.write_text("another model")
    assert MODEL.stat().st_nlink == 1
    assert cache_is_intact()


def test_what_a_killed_record_has_hidden_from_dvc_is_recorded_by_the_next(recorded: RecordReport) -> None:
    names = listed(LINEAGE)
    forget()
    ignore = Path("data/.dvcignore")
    ignore.write_bytes(b"/mine/\n" + dvc._HIDDEN + b"/toy/replace/seed=0/gen=2/\n")  # as the kill leaves it, while gen=2 is half made
    record(CONFIG, complete=True)
    assert (listed(LINEAGE), ignore.read_bytes()) == (names, b"/mine/\n")


def test_a_failed_first_run_is_recorded_up_to_its_last_complete_generation(toy: None, sh: Shell) -> None:
    snakemake(sh, "--keep-going", status=1, TOY_FAILS_AT="gen=2/metrics")  # else what ran before the failure is chance
    report = record(CONFIG, complete=False)
    assert report.left_out == (f"{LINEAGE}/gen=2",)
    assert not report.committed
    assert not any(name.startswith("gen=2/") for name in listed(LINEAGE))
    assert "gen=1/checkpoint/model.safetensors" in listed(LINEAGE)
    assert f"{LINEAGE}/gen=2/checkpoint" not in ledger()
    assert not Path("data/.dvcignore").exists()
    snakemake(sh)
    assert record(CONFIG, complete=True).left_out == ()
    assert "gen=2/checkpoint/model.safetensors" in listed(LINEAGE)
    assert sh("dvc", "status") == UP_TO_DATE


def test_a_failed_rerun_keeps_what_was_recorded_of_the_failed_generation(recorded: RecordReport, sh: Shell) -> None:
    ledger_before = ledger()
    change_rows()
    snakemake(sh, "--keep-going", status=1, TOY_FAILS_AT="gen=2/metrics")  # else what ran before the failure is chance
    report = record(CONFIG, complete=False)
    ledger_after = ledger()
    assert report.left_out == (f"{LINEAGE}/gen=2",)
    assert ledger_after[f"{LINEAGE}/gen=1/checkpoint"] != ledger_before[f"{LINEAGE}/gen=1/checkpoint"]
    assert ledger_after[f"{LINEAGE}/gen=2/checkpoint"] == ledger_before[f"{LINEAGE}/gen=2/checkpoint"]
    assert "gen=2/checkpoint/model.safetensors" in listed(LINEAGE)


def test_a_failed_rerun_that_is_given_up_leaves_nothing_to_do_once_dvc_has_brought_the_data_back(recorded: RecordReport, sh: Shell) -> None:
    change_rows()
    snakemake(sh, "--keep-going", status=1, TOY_FAILS_AT="metrics")  # checkpoints are made, and Snakemake has other records of them
    change_rows("rows: 11", "rows: 10")
    sh("dvc", "checkout", "-q", "--force")
    assert planned(sh) == {}


def test_what_is_made_again_with_the_same_bytes_and_not_recorded_keeps_its_records(recorded: RecordReport) -> None:
    restore()
    artefact = f"{LINEAGE}/gen=1/checkpoint"
    file = provenance._file(provenance.METADATA, artefact)
    file.write_text(file.read_text().replace("rows=10", "rows=12"))  # later than the artefact's fingerprint: it tells of a newer job
    (LINEAGE / "gen=1/another").touch()
    assert restore() == 0
    os.utime(file, ns=(0, 0))
    (LINEAGE / "gen=1/another").unlink()
    assert restore() == 1


def test_a_generation_with_a_job_under_way_is_left_out(recorded: RecordReport) -> None:
    mark = provenance._file(provenance.INCOMPLETE, f"{LINEAGE}/gen=2/checkpoint")
    mark.write_text("{}")
    assert record(CONFIG, complete=False).left_out == (f"{LINEAGE}/gen=2",)


def test_a_partial_checkout_loses_nothing_that_it_does_not_hold(recorded: RecordReport, sh: Shell) -> None:
    files_before, lines = listed(LINEAGE), ledger()
    MODEL.unlink()
    shutil.rmtree(LINEAGE / "gen=1/checkpoint")
    shutil.rmtree(".heirloom")
    set_generations(3)
    sh("dvc", "checkout", "-q", str(MODEL))
    snakemake(sh, "--allowed-rules", "train", "evaluate", "headlines", "all")
    assert not (LINEAGE / "gen=1/checkpoint").exists()
    assert record(CONFIG, complete=True).recorded == (str(LINEAGE),)
    assert listed(LINEAGE) >= files_before
    assert "gen=3/checkpoint/model.safetensors" in listed(LINEAGE)
    assert lines.items() <= ledger().items()


def test_a_lineage_of_which_something_is_missing_keeps_its_record(recorded: RecordReport, sh: Shell) -> None:
    lines, pointer = Path("results/lineage.tsv").read_text(), Path(f"{LINEAGE}.dvc").read_text()
    shutil.rmtree(LINEAGE / "gen=1/checkpoint")
    files_before = listed(LINEAGE)
    fault = f"{LINEAGE}/gen=1/checkpoint: missing"
    assert record(CONFIG, complete=True).absent == (f"{fault}, though results/lineage.tsv names it",)
    assert listed(LINEAGE) == files_before
    shutil.rmtree(".dvc/cache")  # DVC would record the lineage anew, as it lies here
    shutil.rmtree(".heirloom")
    report = record(CONFIG, complete=True)
    assert (report.missing, report.committed) == ((fault,), False)
    assert report.line == f"not recorded: {fault}; heirloom repair repairs it"
    Path(f"{LINEAGE}.dvc").unlink()
    assert record(CONFIG, complete=True).missing == (fault,)
    assert Path("results/lineage.tsv").read_text() == lines
    assert sh("heirloom", "repair").splitlines()[-1].endswith("1 artefact redone; 0 not repaired")
    assert record(CONFIG, complete=True).missing == ()
    assert Path(f"{LINEAGE}.dvc").read_text() == pointer
    assert listed(LINEAGE) == files_before


def test_damage_is_not_recorded_as_another_version(recorded: RecordReport, sh: Shell) -> None:
    files_before = listed(LINEAGE)
    note = LINEAGE / "gen=1/checkpoint.fingerprint.json"
    text = note.read_text()
    note.unlink()
    note.write_text(text.replace('"size": 1', '"size": 2'))
    report = record(CONFIG, complete=True)
    assert report.recorded == ()
    manifest = f"{LINEAGE}/gen=1/checkpoint.manifest.json"
    assert report.missing == (f"{manifest}: records other bytes than {note}",)
    assert listed(LINEAGE) == files_before
    assert sh("git", "status", "--short") == ""


def test_without_git_the_run_is_written_down_and_the_report_says_what_to_do(recorded: RecordReport, sh: Shell) -> None:
    forget()
    shutil.rmtree(".git")
    report = record(CONFIG, complete=True)
    assert report.line == "not recorded: this folder is no git repository; git init, then heirloom record"
    assert len(ledger()) == 7
    output = sh("heirloom", "restore", status=2)
    assert output == "heirloom: not restored: this folder is no git repository; git init, then heirloom restore\n"
    assert not Path(f"{LINEAGE}.dvc").exists()
    sh("git", "init", "-q")
    assert record(CONFIG, complete=True).recorded == ALL


def test_without_dvc_the_run_is_written_down_and_the_report_says_what_to_do(recorded: RecordReport, sh: Shell, tmp_path: Path) -> None:
    forget()
    others = tmp_path / "packages"
    others.mkdir()
    for installed in Path(typer.__file__).parents[1].iterdir():
        if not installed.name.startswith("dvc"):
            (others / installed.name).symlink_to(installed)
    path = f"{others}{os.pathsep}{ROOT / 'src'}"
    output = sh(sys.executable, "-S", "-m", "heirloom", "record", status=2, PYTHONPATH=path)
    assert output == "heirloom: not recorded: DVC is not installed; pip install dvc, then heirloom record\n"
    assert len(ledger()) == 7
    assert not Path(f"{LINEAGE}.dvc").exists()
    assert record(CONFIG, complete=True).recorded == ALL


def test_a_failure_of_dvc_is_one_line_and_the_next_record_makes_it_good(recorded: RecordReport) -> None:
    forget()
    good = Path("dvc.yaml").read_text()
    Path("dvc.yaml").write_text("stages: 3\n")
    with pytest.raises(HeirloomError, match=r"^dvc --wait-for-lock add .*dvc\.yaml.*heirloom record again$"):
        record(CONFIG)
    Path("dvc.yaml").write_text(good)
    assert record(CONFIG).recorded == ALL


def test_only_the_default_config_is_committed_as_the_workflow_of_dvc_yaml(recorded: RecordReport) -> None:
    forget()
    shutil.copy(CONFIG, "other.yaml")
    report = record(Path("other.yaml"), complete=True)
    assert report.recorded == ALL
    assert not report.committed
    assert not Path("dvc.lock").exists()
    with pytest.raises(HeirloomError, match=r"^none\.yaml: no such config file$"):
        record(Path("none.yaml"))


def test_dvc_repro_runs_the_workflow_and_records_inside_it(toy: None, sh: Shell) -> None:
    record_by_itself()
    sh("dvc", "repro")
    assert sh("dvc", "status") == UP_TO_DATE
    assert "gen=2/checkpoint/model.safetensors" in listed(LINEAGE)


def test_metadata_of_snakemake_has_the_format_that_provenance_reads_and_writes(recorded: RecordReport) -> None:
    from snakemake.persistence import RECORD_FORMAT_VERSION, MetadataRecord

    assert RECORD_FORMAT_VERSION == provenance.FORMAT_VERSION
    assert all(record.keys() < provenance._KEYS for record in provenance.live()["data/toy/real"].values())
    raw = provenance._json(provenance._file(provenance.METADATA, "data/toy/real/train.parquet"))
    assert raw is not None
    assert set(raw) == set(MetadataRecord.model_fields)
    assert {"starttime", "endtime", "job_hash", "external_jobid", "rule", "shellcmd", "log"} <= set(raw)
    long = "data/toy/real/" + "long" * 200
    provenance._file(Path("x"), long).parent.mkdir(parents=True)
    provenance._file(Path("x"), long).write_text("{}")
    assert [output for output, _ in provenance._files(Path("x"))] == [long]


def test_jobs_of_one_rule_keep_different_ids_and_outputs_of_one_job_the_same(recorded: RecordReport) -> None:
    ids = {output: row["job_hash"] for unit in ("gen=1", "gen=2") for output, row in provenance.read(str(LINEAGE / unit)).items()}
    checkpoints = [ids[f"{LINEAGE}/gen={generation}/checkpoint"] for generation in (1, 2)]
    assert len(set(checkpoints)) == 2
    assert ids[f"{LINEAGE}/gen=1/checkpoint.manifest.json"] == checkpoints[0]


def test_a_clone_has_nothing_to_do_and_nothing_to_record(recorded: RecordReport, sh: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    clone(sh, monkeypatch)
    assert planned(sh) == {}
    assert record(CONFIG).recorded == ()
    assert sh("git", "status", "--short") == ""
    set_generations(3)
    assert planned(sh) == {"train": 1, "evaluate": 1, "headlines": 1, "all": 1}
    change_rows()
    assert planned(sh) == {"train": 4, "evaluate": 4, "headlines": 1, "all": 1}
    change_rows("rows: 11", "rows: 10")
    snakemake(sh)
    assert record(CONFIG, complete=True).recorded == (str(LINEAGE),)


def test_an_old_commit_brings_its_records_back(recorded: RecordReport, sh: Shell) -> None:
    change_rows()
    snakemake(sh)
    shutil.rmtree(".heirloom")
    assert planned(sh) == {}  # what this machine has made and not recorded keeps its own records
    record(CONFIG, complete=True)
    commit(sh)
    sh("git", "checkout", "-q", "HEAD~1")
    sh("dvc", "checkout", "-q")
    assert planned(sh) == {}
    assert record(CONFIG, complete=True).recorded == ()
    assert sh("git", "status", "--short") == ""


def test_restoring_nothing_takes_under_a_tenth_of_a_second(recorded: RecordReport) -> None:
    assert restore() == 0
    began = time.perf_counter()
    assert restore() == 0
    assert time.perf_counter() - began < 0.1


def test_a_record_of_a_part_leaves_the_stage_to_the_next_run_of_the_whole(recorded: RecordReport) -> None:
    assert not unrecorded.is_stage_marked()
    for part in ({}, {"complete": True, "of_targets": True}):
        assert record(CONFIG, **part).line == "nothing new to record"
        assert unrecorded.is_stage_marked()
        record(CONFIG, complete=True)
        assert not unrecorded.is_stage_marked()
