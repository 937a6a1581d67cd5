"""Malformed datasets in `heirloom diff`: each ends in one line or in an answer, within bounds of time and memory."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import heirloom
from faults.drive_tables import Run, runs
from faults.malformed_tables import HOSTILE, TITLE, cases
from heirloom.diffs import strangers
from heirloom.diffs.sides import Side
from heirloom.errors import BAD_INPUT, HeirloomError, listed

CASES = list(cases())
FORMS = {"parquet": 150, "arrow": 100, "csv": 40, "json": 60, "saved": 45, "heirloom": 70, "dvc": 45, "hub": 45, "place": 25}
PART = CASES[::16]
HEIRLOOM = (sys.executable, "-m", "heirloom", "diff")


def described(found: Run) -> str:
    return f"{found.case} {found.sides}: {found.faults} {found.err[-300:]}"


def test_there_are_as_many_cases_as_are_promised_each_with_a_name_of_its_own() -> None:
    counts = Counter(case.form for case in CASES)
    assert {form: counts[form] for form, fewest in FORMS.items() if counts[form] < fewest} == {}
    assert len({str(case) for case in CASES}) == len(CASES) >= 350
    assert {case.kind for case in CASES} == {"truncation", "type", "size", "depth", "encoding"}


def test_a_part_of_the_malformed_datasets_ends_in_one_line_or_an_answer() -> None:
    assert [described(found) for found in runs(PART) if found.faults] == []


@pytest.mark.faults
@pytest.mark.parametrize("form", FORMS)
def test_malformed_datasets_end_in_one_line_or_an_answer(form: str) -> None:
    chosen = [case for case in CASES if case.form == form]
    assert [described(found) for found in runs(chosen) if found.faults] == []


@pytest.mark.faults
@pytest.mark.parametrize("options", [("--full",), ("--format", "markdown"), ("--format", "html"), ("--format", "json"), ("--counts",)])
def test_no_spelling_of_an_answer_steers_a_terminal(options: tuple[str, ...]) -> None:
    chosen = [case for case in CASES if case.kind == "encoding" and case.form in ("parquet", "json", "place")]
    assert [described(found) for found in runs(chosen, options) if found.faults] == []


@pytest.mark.parametrize(
    "name", ["json-encoding-jsonl escapes in cells", "csv-type-csv a field too many", "arrow-truncation-stream text half"]
)
def test_the_command_itself_says_the_same(name: str, tmp_path: Path) -> None:
    case = next(case for case in CASES if str(case) == name)
    case.write(tmp_path)
    run = subprocess.run([*HEIRLOOM, case.good, case.bad], cwd=tmp_path, text=True, capture_output=True, check=False)
    forked = next(found for found in runs([case]) if found.sides == (case.good, case.bad))
    errors, errors_of_fork = (re.sub(r"Row #\d+: ", "", text) for text in (run.stderr, forked.err))  # Arrow counts where it has one thread
    assert (run.returncode, errors, run.stdout == forked.out) == (forked.status, errors_of_fork, True)


def test_a_terminal_is_neither_named_nor_coloured_nor_turned_by_what_a_dataset_holds(tmp_path: Path) -> None:
    for name, text in (("a", HOSTILE), (f"b{TITLE}", f"{HOSTILE} more")):
        pq.write_table(pa.table({"text": [text, f"one {name}"], HOSTILE: [1, 2]}), tmp_path / f"{name}.parquet")
    shown = on_a_terminal([*HEIRLOOM, "a.parquet", f"b{TITLE}.parquet", "--full"], tmp_path)
    assert "more" in shown
    assert [sign for sign in (TITLE, "\x07", "\x1b[2J", "\x9b", "\u202e", "\x08") if sign in shown] == []


def on_a_terminal(command: list[str], folder: Path) -> str:
    """Return what a command shows on a terminal."""
    ours, its = pty.openpty()
    process = subprocess.Popen(command, cwd=folder, stdin=its, stdout=its, stderr=its)
    os.close(its)
    shown = b""
    try:
        while piece := os.read(ours, 1 << 16):
            shown += piece
    except OSError:  # the other end is closed
        pass
    process.wait()
    os.close(ours)
    return shown.decode()


def test_a_child_that_dies_is_one_line(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["one"]}), tmp_path / "a.parquet")
    side = Side("a.parquet", tmp_path / "a.parquet")

    def end() -> bool:
        os.kill(os.getpid(), signal.SIGKILL)
        return True

    with pytest.raises(HeirloomError, match=r"^a.parquet: what read it was killed by signal 9 \(SIGKILL\): memory ran out"):
        strangers.in_child(end, [side])


def test_rows_that_no_memory_holds_are_refused_before_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = [Side(name, tmp_path / name) for name in ("a.parquet", "b.parquet")]
    for side in sides:
        pq.write_table(pa.table({"text": ["one"] * 100_000}), side.path)
    monkeypatch.setenv("HEIRLOOM_FILE_MB", "18")
    strangers.check_rows(sides, 90)
    monkeypatch.setenv("HEIRLOOM_FILE_MB", "17.9")
    said = "a.parquet, b.parquet: comparing 200,000 rows takes 18 MB of memory; allowed are 18 MB: HEIRLOOM_FILE_MB raises the limit"
    with pytest.raises(HeirloomError, match=said):
        strangers.check_rows(sides, 90)


def test_a_cell_that_takes_more_memory_than_is_granted_is_one_line(tmp_path: Path) -> None:
    for name in ("a", "b"):
        pq.write_table(pa.table({"text": [f"{name} " * 20_000_000]}), tmp_path / f"{name}.parquet")
    refused = subprocess.run([*HEIRLOOM, "a.parquet", "b.parquet"], cwd=tmp_path, text=True, capture_output=True, check=False)
    ways = "leave it out by --ignore text, or allow more by --max-cell-bytes 40000000"
    assert refused.stderr == f"heirloom: a.parquet: a cell of column text has 40,000,000 bytes; allowed are 16,777,216: {ways}\n"
    allowed = [*HEIRLOOM, "a.parquet", "b.parquet", "--max-cell-bytes", "40000000"]
    small = {**os.environ, "HEIRLOOM_FILE_MB": "150"}
    stopped = subprocess.run(allowed, cwd=tmp_path, text=True, capture_output=True, check=False, env=small)
    assert (stopped.returncode, stopped.stderr) == (
        BAD_INPUT,
        "heirloom: a.parquet: reading it takes more than 150 MB of memory; HEIRLOOM_FILE_MB raises the limit\n",
    )


def test_a_long_list_of_names_is_cut_and_a_short_one_is_whole() -> None:
    assert listed(["one", "two"]) == "one, two"
    assert listed([]) == ""
    assert listed(range(300_000)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 299,990 more"
    assert listed(["n" * 300], 1) == f"{'n' * 200} [300 characters]"


def test_cells_that_python_has_no_value_for_are_shown_as_they_are_stored(tmp_path: Path) -> None:
    a, b = tmp_path / "a.parquet", tmp_path / "b.parquet"
    pq.write_table(pa.table({"id": [1], "day": pa.array([2**31 - 1], pa.int32()).cast(pa.date32())}), a)
    pq.write_table(pa.table({"id": [1], "day": pa.array([0], pa.int32()).cast(pa.date32())}), b)
    (column,) = heirloom.diff(a, b, on="id").columns
    assert column.examples == ("2147483647 as date32[day] → 1970-01-01",)


def test_a_saved_dataset_names_splits_beside_it_alone(tmp_path: Path) -> None:
    case = next(case for case in CASES if str(case) == "saved-type-a split is a path above")
    case.write(tmp_path)
    with pytest.raises(HeirloomError, match=r"dataset_dict.json: no split of these is a folder beside it: '../../../../etc/passwd'"):
        heirloom.diff(tmp_path / case.good, tmp_path / case.bad)


MEASURED = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(done.returncode)
"""
"""A small process in between: the peak that the kernel tells of a process begins with that of the one that started it."""


def peak(command: list[str], folder: Path) -> tuple[str, float]:
    """Return what a command says of bad input, and the most memory in MB that it or a process of its held."""
    done = subprocess.run([sys.executable, "-c", MEASURED, *command], cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == BAD_INPUT
    return done.stderr, int(done.stdout) / 1000


@pytest.mark.faults
def test_cells_of_200_mb_are_refused_within_the_bound(tmp_path: Path) -> None:
    for name in ("a", "b"):
        cells = pa.array([f"{name} word " * 25_000_000], pa.large_string())
        pq.write_table(pa.table({"text": cells}), tmp_path / f"{name}.parquet")
    said, megabytes = peak([*HEIRLOOM, "a.parquet", "b.parquet"], tmp_path)
    assert "a cell of column text has 175,000,000 bytes; allowed are 16,777,216" in said
    assert megabytes < 2200


@pytest.mark.faults
def test_a_row_of_60_million_tokens_is_refused_within_the_bound(tmp_path: Path) -> None:
    for name, first in (("a", 0), ("b", 1)):
        tokens = pa.concat_arrays([pa.array([first], pa.int32()), pa.repeat(pa.scalar(7, pa.int32()), 60_000_000)])
        row = pa.LargeListArray.from_arrays(pa.array([0, len(tokens)], pa.int64()), tokens)
        pq.write_table(pa.table({"tokens": row}), tmp_path / f"{name}.parquet")
    said, megabytes = peak([*HEIRLOOM, "a.parquet", "b.parquet"], tmp_path)
    assert "a cell of column tokens has" in said
    assert megabytes < 2200


@pytest.mark.faults
def test_50_million_rows_are_refused_within_the_bound(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with pq.ParquetWriter(tmp_path / f"{name}.parquet", pa.schema([("text", pa.string())])) as writer:
            for _ in range(50):
                writer.write_batch(pa.record_batch([pa.repeat(name, 1_000_000)], ["text"]))
    said, megabytes = peak([*HEIRLOOM, "a.parquet", "b.parquet"], tmp_path)
    assert "comparing 100,000,000 rows takes 9,000 MB of memory; allowed are 2,000 MB: HEIRLOOM_FILE_MB raises the limit" in said
    assert megabytes < 2200
