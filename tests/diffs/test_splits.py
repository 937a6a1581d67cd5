"""Folders and repositories of several splits or configurations: compared part by part, as `datasets` resolves them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from huggingface_hub import constants

import heirloom
from command_runs import invoked
from heirloom.artefacts.manifest import seal
from heirloom.diffs.parts import paired
from heirloom.diffs.result import DatasetDiff
from heirloom.errors import HeirloomError

COMMIT = "0123456789abcdef" * 2 + "01234567"
CARD = """---
configs:
- config_name: default
  data_files:
  - {split: train, path: data/first-*}
  - {split: test, path: data/second-*}
---
"""


def texts(first: int, last: int) -> list[str]:
    return [f"text number {n}" for n in range(first, last)]


def write(folder: Path, card: str = "", more: Mapping[str, Sequence[str]] | None = None, **files: Sequence[str]) -> Path:
    """Write Parquet files, by their names without the suffix, and perhaps a card."""
    for name, rows in {**(more or {}), **files}.items():
        path = folder / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"text": list(rows)}), path)
    if card:
        (folder / "README.md").write_text(card)
    return folder


def compared(a: Path | str, b: Path | str) -> DatasetDiff:
    found = heirloom.diff(a, b)
    assert found.splits
    return found


def run(*arguments: object) -> tuple[int, str]:
    return invoked("diff", *arguments)


@pytest.mark.parametrize("card", ["", CARD], ids=["names", "card"])
def test_rows_that_moved_from_test_to_train_are_a_difference_split_by_split(tmp_path: Path, card: str) -> None:
    train, test = ("data/first", "data/second") if card else ("data/train", "data/test")

    def laid_out(name: str, *shards: Sequence[str]) -> Path:
        names = (f"{train}-00000-of-00002", f"{train}-00001-of-00002", f"{test}-00000-of-00001")
        return write(tmp_path / name, card, dict(zip(names, shards, strict=True)))

    a = laid_out("a", texts(0, 50), texts(50, 100), texts(100, 120))
    b = laid_out("b", texts(20, 70), texts(70, 120), texts(0, 20))
    found = compared(a, b)
    assert [(split.name, split.rows_a, split.rows_b) for split in found.splits] == [("train", 100, 100), ("test", 20, 20)]
    assert [split.diff and split.diff.rows and split.diff.rows.kept for split in found.splits] == [80, 0]
    assert str(found) == (
        "different: train differs, test differs; 20 rows of train in A are in test in B; 20 rows of test in A are in train in B"
    )
    c = laid_out("c", texts(0, 70), texts(70, 100), texts(100, 120))
    assert str(compared(a, c)) == "same: all 2 splits hold the same rows"
    assert run(a, c)[0] == 0


def test_every_format_shows_the_splits_and_the_exit_code_tells(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a", train=["x", "y"], test=["z"]), write(tmp_path / "b", train=["x"], test=["z"])
    for form in ("terminal", "json", "markdown", "html"):
        assert run(a, b, "--format", form, "--output", tmp_path / form) == (1, "")
        assert "train differs" in (tmp_path / form).read_text()
    found = json.loads((tmp_path / "json").read_text())
    assert [(split["name"], split["diff"]["verdict"]["answer"]) for split in found["splits"]] == [("train", "different"), ("test", "same")]
    assert (found["same"], found["schema_version"], found["moved"]) == (False, 2, [])
    assert run(a, b, "-q") == (1, f"{a} and {b} differ in the bytes of train\n")
    assert run(a, a, "-q") == (0, f"{a} and {a} are the same bytes\n")
    assert run(a, b, "--against-control") == (2, f"--against-control: {a} and {b} are no generations of a lineage, so they have no control")
    frame = compared(a, b).to_pandas().set_index(["section", "name"])
    assert frame.loc[("train: rows", "removed"), "a"] == 1
    assert frame.loc[("identity", "rows"), "b"] == 2
    assert compared(a, b)._repr_html_().count("<h2>") > 3


def test_a_split_that_one_side_lacks_is_a_difference(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a", train=texts(0, 5), test=texts(5, 8)), write(tmp_path / "b", train=texts(0, 8))
    found = compared(a, b)
    assert str(found) == "different: train differs, test only in A; 3 rows of test in A are in train in B"
    assert str(compared(b, a)) == "different: train differs, test only in B; 3 rows of train in A are in test in B"
    assert run(write(tmp_path / "c", train=["x"]), write(tmp_path / "d", test=["x"]))[0] == 1


def test_configurations_are_compared_each_by_itself(tmp_path: Path) -> None:
    card = "---\nconfigs:\n- config_name: en\n  data_dir: en\n- config_name: de\n  data_dir: de\n---\n"
    files = {"en/train-0": ["one"], "de/train-0": ["eins"], "de/test-0": ["zwei"]}
    a = write(tmp_path / "a", card, files)
    b = write(tmp_path / "b", card, {**files, "de/train-0": ["drei"]})
    assert [split.name for split in compared(a, b).splits] == ["en/train", "de/train", "de/test"]
    assert str(compared(a, b)) == "different: de/train differs"
    # a folder for each configuration, as the hub's own conversion to Parquet lays them out, and no card
    bare = {"en/train/0000": ["one"], "de/train/0000": ["eins"], "de/test/0000": ["zwei"]}
    found = compared(
        write(tmp_path / "c", "", bare), write(tmp_path / "d", "", {**bare, "en/train/0000": ["eins"], "de/train/0000": ["one"]})
    )
    assert {split.name for split in found.splits if split.diff and not split.diff.same} == {"en/train", "de/train"}
    assert compared(a, tmp_path / "c").same


def test_a_part_is_named_after_a_colon_and_a_single_file_is_compared_with_one(tmp_path: Path) -> None:
    a = write(tmp_path / "a", train=["x", "y"], test=["z"])
    single = write(tmp_path, b=["y", "x"]) / "b.parquet"
    assert heirloom.diff(f"{a}:train", single).same
    assert str(heirloom.diff(f"{a}:train", f"{a}:test")).startswith("different: ")
    assert run(a, single) == (2, f"{a} holds several datasets; name one of them: {a}:test, {a}:train")
    assert run(f"{a}:dev", single) == (2, f"{a} has no 'dev'; it has train, test")
    wordless = write(tmp_path / "wordless", "", {"part-0": ["x"], "more/part-1": ["y"]})
    assert heirloom.diff(wordless, single).same


def test_files_that_no_split_holds_are_compared_as_well_and_notes_beside_them_are_none(tmp_path: Path) -> None:
    a = write(tmp_path / "a", train=["x"], test=["z"], extra=["p"])
    b = write(tmp_path / "b", train=["x"], test=["z"], extra=["q"])
    for note in ("dev.json", "notes.json", "more.json", "stats.csv"):
        (a / note).write_text("{}")
    assert str(compared(a, b)) == "different: other files differs"


def test_the_splits_of_a_saved_dataset_dict_are_compared(tmp_path: Path) -> None:
    for name, test in (("a", "z"), ("b", "other")):
        parts = {"train": datasets.Dataset.from_dict({"text": ["x"]}), "test": datasets.Dataset.from_dict({"text": [test]})}
        datasets.DatasetDict(parts).save_to_disk(str(tmp_path / name))
    assert str(compared(tmp_path / "a", tmp_path / "b")) == "different: test differs"


@pytest.mark.parametrize(
    ("files", "card", "said"),
    [
        (
            {"a.txt": "text\nx\n"},
            "---\nconfigs:\n- config_name: default\n  data_files: a.txt\n---\n",
            "its files are text; allowed are Parquet, Arrow, CSV and JSON lines",
        ),
        ({}, "---\nconfigs:\n- config_name: en\n  data_dir: en\n---\n", "datasets cannot tell what it holds: "),
        ({}, "---\nconfigs: [\n---\n", "datasets cannot tell what it holds: "),
    ],
    ids=["text", "no files", "no YAML"],
)
def test_a_folder_that_cannot_be_resolved_is_one_line(tmp_path: Path, files: dict[str, str], card: str, said: str) -> None:
    folder = write(tmp_path / "a", card, train=["x"])
    for name, text in files.items():
        (folder / name).write_text(text)
    code, told = run(folder, folder)
    assert (code, "\n" in told) == (2, False)
    assert told.startswith(f"{folder}: {said}")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay out commits of two repositories as huggingface_hub does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    for name, test in (("stories", "z"), ("tales", "other")):
        repository = tmp_path / f"hub/datasets--me--{name}"
        write(repository / "snapshots" / COMMIT, "", {"data/train-00000-of-00001": ["x", "y"], "data/test-00000-of-00001": [test]})
        (repository / "refs").mkdir()
        (repository / "refs/main").write_text(COMMIT)


@pytest.mark.usefixtures("hub")
def test_repositories_of_the_hub_are_compared_split_by_split_and_with_folders(tmp_path: Path) -> None:
    assert str(compared("me/stories", "me/tales")) == "different: test differs"
    assert compared("me/stories", "me/tales").splits[0].diff.identity.a.name == f"me/stories@{COMMIT[:12]}:train"  # type: ignore[union-attr]
    assert compared(f"me/stories@{COMMIT}", write(tmp_path / "local", train=["y", "x"], test=["z"])).same
    assert heirloom.diff("me/stories:train", f"me/tales@{COMMIT}:train").same
    code, told = run("me/nothing", "me/tales")
    assert (code, "\n" in told) == (2, False)
    assert told.startswith("me/nothing: no file, folder or reference here, and no dataset of the hub: ")


def test_a_reference_is_never_looked_up_at_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = write(tmp_path / "data/lm/real", train=["x"], test=["y"])
    for name in ("train", "test"):
        seal([folder / f"{name}.parquet"], {"slice": {"step": "real"}, "inputs": {}})
    places: Any = paired("lm/real:train", "lm/real:test")
    assert [place.name for place in places[""]] == ["lm/real:train", "lm/real:test"]
    for missing in ("lm/real:valid", "lm/replace/0/1", "data/nothing"):
        with pytest.raises(HeirloomError, match=r"no such artefact|no such file"):
            paired("lm/real:train", missing)
