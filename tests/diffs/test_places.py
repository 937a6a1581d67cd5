"""Sides of any sort: CSV, JSON lines and Arrow files, versions in git and DVC, addresses, and tables in memory."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import heirloom
from command_runs import invoked
from heirloom.diffs import text_files
from heirloom.diffs.sides import locate
from heirloom.errors import HeirloomError

Write = Callable[..., Path]

ROWS = {"id": [1, 2, 3], "text": ["one row", "two, rows", "three\nrows"], "score": [0.5, None, 2.0], "good": [True, False, True]}


def run(*arguments: object) -> tuple[int, str]:
    return invoked(*arguments)


def git(folder: Path, *arguments: str) -> None:
    names = ("-c", "user.name=n", "-c", "user.email=n@n", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *names, *arguments], cwd=folder, check=True, capture_output=True)


def test_csv_json_lines_and_arrow_hold_the_same_rows_as_parquet(write: Write, tmp_path: Path) -> None:
    parquet = write("a", **ROWS)
    frame = pd.DataFrame(ROWS)
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "a.csv.gz", index=False)
    frame.to_csv(tmp_path / "a.tsv", index=False, sep="\t")
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    frame.to_feather(tmp_path / "a.feather")
    for name in ("a.csv", "a.csv.gz", "a.tsv", "a.jsonl", "a.feather"):
        found = heirloom.diff(parquet, tmp_path / name)
        assert (name, found.same) == (name, True)
    assert [str(field.type) for field in locate(tmp_path / "a.csv").schema] == ["int64", "string", "double", "bool"]


def test_a_csv_column_has_the_type_of_all_its_cells_and_not_of_the_first(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('n,code,note\n1,007,""\n2,008,\nx,009,z\n')
    side = locate(tmp_path / "a.csv")
    assert [str(field.type) for field in side.schema] == ["string", "string", "string"]
    (batch,) = side.batches(["code", "note"])
    assert batch.to_pydict() == {"code": ["007", "008", "009"], "note": ["", None, "z"]}


def test_a_line_that_is_longer_than_a_block_is_read(tmp_path: Path) -> None:
    cells = ["x" * 10, "y" * 5000, "z"]
    file = tmp_path / "a.csv"
    file.write_text("text\n" + "".join(f"{cell}\n" for cell in cells))
    batches = list(text_files._csv_batches(file, ["text"], block_bytes=64))
    assert [text for batch in batches for text in batch.column(0).to_pylist()] == cells


def test_json_lines_whose_later_rows_have_other_fields_are_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "BLOCK_BYTES", 40)
    rows: list[dict[str, object]] = [{"text": "a", "n": 1}, {"text": "b", "n": 1.5}, {"text": "c", "more": {"deep": [1, 2]}}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (batch,) = pa.Table.from_batches(locate(tmp_path / "a.jsonl").batches(["text", "n", "more"])).combine_chunks().to_batches()
    assert batch.to_pylist() == [{"text": "a", "n": 1, "more": None}, {"text": "b", "n": 1.5, "more": None}, {**rows[2], "n": None}]


SHAPES: dict[str, Callable[[str], object]] = {
    "text": lambda moment: {"text": moment},
    "a column": lambda moment: {"text": "x", "when": moment},
    "a field": lambda moment: {"id": 1, "in": {"deep": {"when": moment}}},
    "a list": lambda moment: {"id": 1, "in": [[{"when": [moment]}]]},
}
ONE_MOMENT = [
    ("2020-01-02T09:30:00Z", "2020-01-02T10:30:00+01:00"),
    ("2020-01-03T09:30:00Z", "2020-01-03 09:30"),
    ("2020-01-02T09:30:00", "2020-01-02 09:30:00"),
    ("2020-01-02", "2020-01-02 00:00:00"),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("one", "other"), ONE_MOMENT)
def test_two_spellings_of_one_moment_in_json_are_two_texts(shape: str, one: str, other: str, tmp_path: Path) -> None:
    for name, moment in (("a", one), ("b", other)):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(SHAPES[shape](moment)))
    assert heirloom.diff(tmp_path / "a.jsonl", tmp_path / "a.jsonl").same
    assert not heirloom.diff(tmp_path / "a.jsonl", tmp_path / "b.jsonl").same


def test_a_json_column_of_moments_goes_on_with_other_text_in_a_later_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "BLOCK_BYTES", 40)
    rows = [{"when": "2020-01-02T09:30:00Z"}, {"when": None}, {"when": "2020-01-02"}, {"when": "soon"}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    batches = locate(tmp_path / "a.jsonl").batches(["when"])
    assert pa.Table.from_batches(batches).to_pylist() == rows


BEYOND = {
    "beyond 64 bits": ('{"n": 18446744073709551617}', "18446744073709551617, which is read as 1.8446744073709552e+19"),
    "below": ('{"n": -9223372036854775809}', "-9223372036854775809, which is read as -9.223372036854776e+18"),
    "deep": ('{"n": {"ids": [1, 36893488147419103233]}}', "36893488147419103233, which is read as 3.6893488147419103e+19"),
    "beside a fraction": ('{"n": 9007199254740993} {"n": 1.5}', "9007199254740993, which is read as 9007199254740992.0"),
}


@pytest.mark.parametrize("case", BEYOND)
def test_a_whole_number_of_json_that_would_be_read_as_another_is_refused(case: str, tmp_path: Path) -> None:
    text, said = BEYOND[case]
    file = tmp_path / "a.jsonl"
    file.write_text(text.replace("} {", "}\n{"))
    line = f"{file}: column n holds the whole number {said}; as text it can be compared"
    assert run("diff", file, file) == (2, line)


def test_whole_numbers_of_json_that_are_read_as_they_are_stay_numbers(tmp_path: Path) -> None:
    rows = [{"id": 2**63 - 1, "n": 1e300}, {"id": -(2**63), "n": 2**60}, {"id": 0, "n": 0.1}]
    for name, last in (("a", 0), ("b", 1)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, [*rows[:2], {"id": last, "n": 0.1}])))
    assert heirloom.diff(tmp_path / "a.jsonl", tmp_path / "a.jsonl").same
    assert not heirloom.diff(tmp_path / "a.jsonl", tmp_path / "b.jsonl").same


def test_a_file_of_text_that_is_no_table_is_one_line(tmp_path: Path, write: Write) -> None:
    a = write("a", text=["x"])
    (tmp_path / "bad.jsonl").write_text('{"text": "x"}\n{"text": 5}\n')
    (tmp_path / "bad.csv").write_text("text,n\nx\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "bytes.csv").write_bytes(b"text\n\xff\xfe\n")
    said_of = {"bad.jsonl": "as jsonl", "bad.csv": "as csv", "empty.csv": "without a column", "bytes.csv": "not UTF-8 text"}
    for name, said in said_of.items():
        code, printed = run("diff", a, tmp_path / name)
        assert (code, said in printed, "\n" in printed.strip()) == (2, True, False)


def commit(folder: Path, name: str, table: pa.Table, tag: str) -> None:
    """Track a file as `dvc add` does: its bytes in the cache, its pointer in git."""
    pq.write_table(table, folder / name)
    content = (folder / name).read_bytes()
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    cached = folder / ".dvc/cache/files/md5" / md5[:2] / md5[2:]
    cached.parent.mkdir(parents=True, exist_ok=True)
    cached.write_bytes(content)
    pointer = f"outs:\n- md5: {md5}\n  size: {len(content)}\n  hash: md5\n  path: {Path(name).name}\n"
    (folder / f"{name}.dvc").write_text(pointer)
    git(folder, "add", ".")
    git(folder, "commit", "-m", tag)
    git(folder, "tag", tag)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository of two DVC projects, one of which tracks a corpus in two versions; no Heirloom project."""
    top = tmp_path / "repository"
    for project in ("one", "two"):
        (top / project / ".dvc").mkdir(parents=True)
        (top / project / ".dvc/config").write_text("[core]\n    analytics = false\n    no_scm = false\n")
        (top / project / ".dvc/.gitignore").write_text("/cache\n/tmp\n/config.local\n")
    (top / "one/data").mkdir()
    (top / "one/data/.gitignore").write_text("/corpus.parquet\n")
    git(top, "init", "-b", "main")
    commit(top / "one", "data/corpus.parquet", pa.table({"text": ["a b c", "d e f"]}), "v1")
    commit(top / "one", "data/corpus.parquet", pa.table({"text": ["a b c", "d e f", "g h i"]}), "v2")
    return top


def test_a_tracked_file_is_compared_with_itself_at_a_tag_from_any_folder(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder, path in (
        (repository, "one/data/corpus.parquet"),
        (repository / "one/data", "corpus.parquet"),
        (repository / "one", "data/corpus.parquet"),
    ):
        monkeypatch.chdir(folder)
        found = heirloom.diff(f"{path}@v1", path)
        assert found.rows is not None
        assert (found.rows.kept, found.rows.added) == (2, 1)
    assert heirloom.diff("data/corpus.parquet@v2", "data/corpus.parquet").same
    assert run("diff", "data/corpus.parquet", "--since", "v1", "--format", "json")[0] == 1
    message = "--since v1: compares one dataset with itself; data/corpus.parquet@v2 is one too many, or has a revision already"
    assert run("diff", "data/corpus.parquet@v2", "--since", "v1") == (2, message)


def test_a_log_lists_every_version_with_its_rows(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository / "one")
    git(repository, "commit", "--allow-empty", "-m", "nothing")
    code, printed = run("log", "data/corpus.parquet")
    rows = [line.split(maxsplit=5) for line in printed.splitlines()]
    assert (code, [row[2:4] for row in rows]) == (0, [["tag", "rows"], ["v2", "3"], ["v1", "2"]])
    assert [row[5] for row in rows[1:]] == ["1 row more", "first recorded"]
    assert run("log", "nothing.parquet") == (2, "nothing.parquet: no commit records it")


def test_bytes_that_are_lost_are_not_called_untracked(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(repository)
    shutil.rmtree(repository / "one/.dvc/cache")
    code, printed = run("diff", "one/data/corpus.parquet@v1", "one/data/corpus.parquet")
    reasons = ("tracked by one/data/corpus.parquet.dvc, but", "is neither in DVC's cache nor on its default remote")
    assert (code, [reason in printed for reason in reasons]) == (2, [True, True])
    message = "two/data/corpus.parquet@v1: neither git nor DVC tracks that path at that revision"
    assert run("diff", "two/data/corpus.parquet@v1", "one/data/corpus.parquet") == (2, message)
    code, printed = run("diff", "one/data/corpus.parquet@v9", "one/data/corpus.parquet")
    assert (code, printed) == (2, "'v9': no such git revision here; git log --oneline lists them")


def test_a_file_and_a_folder_that_git_itself_tracks_have_revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    git(tmp_path, "init", "-b", "main")
    Path("rows").mkdir()
    for tag, text in (("v1", "text\na\n"), ("v2", "text\nb\n")):
        Path("rows/part.csv").write_text(text)
        git(tmp_path, "add", ".")
        git(tmp_path, "commit", "-m", tag)
        git(tmp_path, "tag", tag)
    assert heirloom.diff("rows/part.csv@v2", "rows/part.csv").same
    assert not heirloom.diff("rows@v1", "rows").same
    shutil.rmtree("rows")
    assert not heirloom.diff("rows@v1", "rows@v2").same


def test_an_address_is_fetched_and_one_that_cannot_be_is_one_line(write: Write, tmp_path: Path) -> None:
    a = write("a", text=["x"])
    assert heirloom.diff(f"file://{a}", a).same
    code, printed = run("diff", f"file://{tmp_path}/gone.parquet", a)
    assert (code, "cannot be fetched" in printed) == (2, True)
    code, printed = run("diff", "nosuch://a.parquet", a)
    assert (code, "nosuch://a.parquet: cannot be fetched (ValueError: " in printed) == (2, True)


def test_tables_in_memory_are_compared_like_files(write: Write) -> None:
    from datasets import Dataset

    frame = pd.DataFrame(ROWS)
    parquet = write("a", **ROWS)
    for data in (frame, frame[frame["id"] > 0].sample(frac=1, random_state=1), pa.table(ROWS), Dataset.from_dict(ROWS)):
        assert heirloom.diff(data, parquet).same
    named = frame.set_index("id")
    changed = named.assign(score=pd.Series([0.5, float("nan"), 3.0], index=named.index))
    found = heirloom.diff(named, changed, on="id")
    assert (found.identity.a.name, [column.line for column in found.columns]) == ("A", ["score differs in 1 of 3 rows"])
    with pytest.raises(HeirloomError, match="A: DataFrame cannot be read as a table"):
        heirloom.diff(pd.DataFrame({"x": [1, "a"]}), frame)
    with pytest.raises(HeirloomError, match="B: int cannot be read as a table"):
        heirloom.diff(frame, 5)


def test_the_index_of_a_frame_is_compared_by_its_name_or_said_to_be_left_out() -> None:
    one, other = (pd.DataFrame({"x": [1, 2]}, index=index) for index in ([5, 6], [7, 8]))
    why = "is left out, because it has no name (rename_axis('id') gives it one)"
    assert str(heirloom.diff(one, other)) == f"same: the same bytes, 2 rows; the index of A and B {why}"
    assert str(heirloom.diff(pd.DataFrame({"x": [1, 2]}), other)) == f"same: the same bytes, 2 rows; the index of B {why}"
    half_named = other.set_index(pd.MultiIndex.from_tuples([(1, 2), (3, 4)], names=["id", None]))
    assert str(heirloom.diff(half_named, half_named)) == f"same: the same bytes, 2 rows; the index of A and B {why}"
    assert not heirloom.diff(one.rename_axis("id"), other.rename_axis("id")).same
    assert str(heirloom.diff(one.reset_index(drop=True), pa.table({"x": [1, 2]}))) == "same: the same 2 rows in the same order"


@pytest.mark.parametrize("cell", [10**30, -(2**63) - 1, [10**30], {"deep": 10**30}])
def test_a_whole_number_beyond_64_bits_is_refused_by_its_column(cell: object) -> None:
    said = "a whole number beyond 64 bits; as text it can be compared"
    with pytest.raises(HeirloomError) as refused:
        heirloom.diff(pd.DataFrame({"text": ["x"], "n": [cell]}), pd.DataFrame({"n": [1]}))
    assert str(refused.value) == f"A: column n holds {said}"
    with pytest.raises(HeirloomError) as refused:
        heirloom.diff(pa.table({"n": [1]}), {"n": [cell]})
    assert str(refused.value) == f"B: the dict holds {said}"
