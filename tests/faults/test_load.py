"""Load: lineages of a thousand generations are walked without deep calls, and what is printed stays readable."""

from __future__ import annotations

import cProfile
import json
import pstats
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import long_lineages
import small_lineages
from heirloom.artefacts import kinds, paths
from heirloom.cli.commands import app
from heirloom.cli.listing import MOST_LINES
from heirloom.errors import LONGEST_LINE
from heirloom.lineage import completeness, dvc, ledger, survey, verify
from heirloom.lineage.record import RecordReport
from heirloom.workflow import folders
from long_lineages import reference

GENERATIONS = 1_200
"""Deeper than Python's stack, which holds a thousand calls."""
LAST = reference(GENERATIONS)


@pytest.fixture(scope="module")
def long_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with one long lineage; no test writes to it."""
    folder = tmp_path_factory.mktemp("long")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        long_lineages.write(GENERATIONS)
    return folder


@pytest.fixture
def here(long_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the project the working folder."""
    monkeypatch.chdir(long_project)
    return long_project


def printed(*arguments: str, status: int = 0) -> list[str]:
    """Return the lines that a command prints."""
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == status, result.output
    return result.output.splitlines()


@pytest.mark.usefixtures("here")
def test_generations_that_are_a_thousand_steps_from_real_data_are_compared_and_explained() -> None:
    answer = json.loads("\n".join(printed("diff", reference(GENERATIONS - 1), LAST, "--format", "json", status=1)))
    assert answer["identity"]["b"]["rows"] == long_lineages.ROWS
    assert "differ" in printed("why-not", reference(GENERATIONS - 1), LAST)[0]


@pytest.mark.usefixtures("here")
def test_a_trace_prints_its_first_lines_and_says_how_much_it_leaves_out() -> None:
    lines = printed("trace", LAST)
    assert lines[0].startswith(f"long/replace/0/{GENERATIONS}  sample ")
    num_artefacts = 3 * GENERATIONS + 1  # without the last generation's training set and model
    assert lines[MOST_LINES:] == [f"[the ancestry has {num_artefacts:,} artefacts in all: --full prints all]"]
    assert len("\n".join(lines)) < 40_000
    assert sum(line.endswith("(see above)") for line in printed("trace", reference(40), "--full")) == 40


@pytest.mark.usefixtures("here")
def test_programs_get_the_whole_of_a_long_ancestry() -> None:
    artefacts = json.loads("\n".join(printed("trace", LAST, "--format", "json")))["artefacts"]
    assert len(artefacts) == 3 * GENERATIONS + 1


@pytest.mark.usefixtures("here")
def test_the_ancestry_of_a_row_and_descendants_are_cut_alike() -> None:
    row = printed("trace", f"{LAST}#1")
    assert len(row) == MOST_LINES + 1
    assert row[-1] == f"[{5 + 2 * GENERATIONS - MOST_LINES:,} more lines: --full prints all]"
    descendants = printed("descendants", "long/real:train")
    assert len(descendants) == MOST_LINES + 2
    assert descendants[-2] == f"[{3 * GENERATIONS + 2 - MOST_LINES:,} more lines: --full prints all]"
    assert len(printed("descendants", "long/real:train", "--full")) == 3 * GENERATIONS + 3


def test_a_record_names_one_unit_of_those_that_it_leaves_out() -> None:
    units = tuple(f"data/long/replace/seed=0/gen={generation}" for generation in range(GENERATIONS))
    line = RecordReport((), units, 0, committed=False, unrecorded="").line
    assert line == "nothing new to record; left out, not complete: data/long/replace/seed=0/gen=0 (and 1199 more)"
    assert len(line) < LONGEST_LINE


def calls(work: Callable[[], object]) -> int:
    """Return how many calls of functions some work takes: a measure of it that does not depend on the machine."""
    profile = cProfile.Profile()
    profile.runcall(work)
    return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]


@pytest.mark.parametrize("work", ["verify", "losses", "notes"])
def test_three_times_as_many_generations_take_three_times_the_work(work: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = []
    for generations in (60, 180):
        (tmp_path / str(generations)).mkdir()
        monkeypatch.chdir(tmp_path / str(generations))
        long_lineages.write(generations)
        ledger.write(folders.all_units(), [])
        counts.append(calls(WORK[work]))
    assert counts[1] < 3.1 * counts[0]


def verify_all() -> None:
    assert not [mismatch for report in verify.verify(fast=True) for mismatch in report.mismatches]


def losses() -> None:
    lineage = kinds.LINEAGE.path(long_lineages.EXPERIMENT, long_lineages.REGIME, 0)
    listing = {file.as_posix(): dvc.md5(file) for file in Path(lineage).rglob("*") if file.is_file()}
    del listing[paths.fingerprint(kinds.TRAIN.path(long_lineages.EXPERIMENT, long_lineages.REGIME, 0, 1))]  # so that the others are read
    Path(f"{lineage}.dvc").touch()
    assert completeness.losses(lineage, [], None, listing) == {}


def damaged_notes() -> None:
    files, entries = survey.digests(folders.all_units()), survey.entries_of_ledger()
    for unit, entries_of_unit in folders.by_unit(entries).items():
        assert survey.by_notes(unit, files, entries_of_unit, small_lineages.declared()) == []


WORK = {"verify": verify_all, "losses": losses, "notes": damaged_notes}
