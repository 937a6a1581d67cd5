"""A run says before its first job which data it replaces that nobody could bring back."""

from __future__ import annotations

from pathlib import Path

from heirloom.artefacts import kinds, paths
from heirloom.lineage import replaced
from heirloom.lineage.record import RecordReport
from toy_project import LINEAGE, Shell

MODEL = kinds.CHECKPOINT.path("toy", "replace", 0, 2)
OTHER = kinds.CHECKPOINT.path("toy", "origin", 0, 0)
AFTER = "; a regime of another name keeps both"
NOWHERE = f"warning: this run replaces {LINEAGE}, recorded nowhere: to keep it stop now, and run heirloom record{AFTER}"
NO_COMMIT = "which no commit has: git add data results && git commit keeps it, until the run ends"


def test_what_a_commit_has_and_what_is_not_there_yet_needs_no_warning(recorded: RecordReport) -> None:
    assert replaced.warning([MODEL, OTHER, paths.manifest(MODEL)]) == ""
    assert replaced.warning([kinds.CHECKPOINT.path("toy", "replace", 0, 9), "results/metrics.parquet"]) == ""


def test_what_dvc_has_and_no_commit_can_be_committed_while_the_run_goes_on(recorded: RecordReport, sh: Shell) -> None:
    sh("git", "rm", "-q", "-r", "--cached", "data")
    sh("git", "commit", "-q", "-m", "without pointers")
    assert replaced.warning([MODEL]) == f"warning: this run replaces {LINEAGE}, {NO_COMMIT}{AFTER}"
    assert f"{OTHER.partition('/gen=')[0]} (and 1 more), {NO_COMMIT}" in replaced.warning([MODEL, OTHER])


def test_what_has_changed_since_it_was_recorded_is_recorded_nowhere(recorded: RecordReport) -> None:
    Path(paths.fingerprint(MODEL)).unlink()
    assert replaced.warning([MODEL]) == ""  # no whole artefact
    Path(paths.fingerprint(MODEL)).write_text('{"sha256": "of another version"}')
    assert replaced.warning([MODEL]) == NOWHERE
