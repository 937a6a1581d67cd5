"""`heirloom diff` as a user runs it: exit codes, formats, files, series; and what git shows of a recorded dataset."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import heirloom
from command_runs import invoked
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.manifest import seal
from heirloom.data.dataset import Dataset
from heirloom.data.rows import vector_table
from heirloom.diffs.sides import generations
from heirloom.errors import HeirloomError
from heirloom.runtime.streams import Stream
from heirloom.stats.samples import Floats

Write = Callable[..., Path]

WORDS = [f"word{chr(97 + n)}" for n in range(26)]


def run(*arguments: object) -> tuple[int, str]:
    return invoked("diff", *arguments)


def lineage(regime: str, generations_: int, words_lost: int) -> None:
    """Write a lineage of text that loses some words each generation; generation 0 belongs to the origin."""
    import pyarrow as pa

    for generation in range(generations_ + 1):
        left = WORDS[: len(WORDS) - generation * words_lost]
        picks = Stream((regime, generation)).generator().integers(0, len(left), (80, 10)).tolist()
        kind = kinds.SYNTHETIC if generation else kinds.TRAIN
        path = Path(kind.path("lm", regime, 0, generation))
        path.parent.mkdir(parents=True, exist_ok=True)
        table = pa.table({"text": [" ".join(left[pick] for pick in row) for row in picks], "parent": list(range(80))})
        pa.parquet.write_table(table, path)
        seal([path], {"slice": {"step": "sample", "generation": generation, "regime": regime if generation else "origin"}, "inputs": {}})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet  # noqa: F401

    monkeypatch.chdir(tmp_path)
    lineage("control", 3, 0)
    lineage("replace", 3, 4)


def test_exit_codes_are_those_of_diff(write: Write) -> None:
    a, b = write("a", text=["one", "two"]), write("b", text=["one", "three"])
    assert run(a, a)[0] == 0
    assert run(a, b)[0] == 1
    assert run(a, "nowhere")[0] == 2
    assert run(a)[0] == 2


def test_every_format_is_written_to_a_file_and_says_the_same(write: Write, tmp_path: Path) -> None:
    a, b = write("a", text=["one", "two"]), write("b", text=["one", "three"])
    for form in ("terminal", "json", "markdown", "html"):
        code, printed = run(a, b, "--format", form, "--output", tmp_path / form)
        assert (code, printed) == (1, "")
        assert "different" in (tmp_path / form).read_text()
    assert json.loads((tmp_path / "json").read_text())["rows"]["added_examples"] == ["three"]
    assert run(a, b, "--format", "csv") == (
        2,
        "--format csv is for a series such as lm/replace/0/0..5; allowed here: terminal, json, markdown, html",
    )


def test_examples_are_as_many_as_asked_for(write: Write) -> None:
    a, b = write("a", text=["one", "two", "six"]), write("b", text=["three", "four", "five"])
    for most in (0, 2):
        found = json.loads(run(a, b, "--format", "json", "--max-examples", most)[1])
        assert [len(found["rows"][name]) for name in ("removed_examples", "added_examples")] == [most, most]


@pytest.mark.usefixtures("project")
def test_references_say_where_ancestries_part_without_reading_a_row() -> None:
    assert run("lm/replace/0/1", "lm/replace/0/1", "--brief") == (0, "lm/replace/0/1 and lm/replace/0/1 are the same bytes\n")
    code, printed = run("lm/replace/0/1", "lm/control/0/2", "-q")
    assert code == 1
    assert printed == (
        "lm/replace/0/1 and lm/control/0/2 differ; the ancestries part at the step sample: generation 1 → 2, regime replace → control\n"
    )


@pytest.mark.usefixtures("project")
def test_bytes_that_their_fingerprint_does_not_tell_of_are_never_called_the_same() -> None:
    copy = Path("data/copy.parquet")
    for name in (paths.fingerprint, str):
        Path(name(copy)).write_bytes(Path(name(kinds.SYNTHETIC.path("lm", "replace", 0, 1))).read_bytes())
    assert run("lm/replace/0/1", copy)[0] == 0
    copy.write_bytes(Path(kinds.SYNTHETIC.path("lm", "replace", 0, 2)).read_bytes())
    note = paths.fingerprint(copy)
    message = f"{copy}: not the bytes that {note} records; copy both again, or remove {note} and it is read as it is"
    assert run("lm/replace/0/1", copy) == (2, message)


@pytest.mark.usefixtures("project")
def test_the_control_tells_what_resampling_alone_does() -> None:
    code, printed = run("lm/replace/0/1", "lm/replace/0/3", "--against-control", "--format", "json")
    assert code == 1
    found = json.loads(printed)
    assert (found["control"]["a"], found["control"]["b"]) == ("lm/control/0/1", "lm/control/0/3")
    assert found["verdict"]["direction"] == "narrower"
    ratio = found["control"]["ratio"]
    assert ratio is None or ratio > 3
    assert run("lm/replace/0/1", "lm/control/0/1", "--against-control")[0] == 2


def declare(regime: str, mixing: dict[str, object]) -> None:
    """Write the manifests of a lineage's training sets."""
    for generation in (1, 2, 3):
        path = Path(kinds.TRAIN.path("lm", regime, 0, generation))
        path.write_bytes(b"rows")
        seal([path], {"slice": {"step": "mix", "generation": generation, "regime": regime, "rows": 80, "mixing": mixing}, "inputs": {}})


@pytest.mark.usefixtures("project")
def test_the_control_stands_on_the_short_screen_too() -> None:
    code, printed = run("lm/replace/0/1", "lm/replace/0/3", "--against-control")
    assert code == 1
    assert "Against the control:" in printed
    assert "(lm/control/0/1 against lm/control/0/3: " in printed
    assert "Against the control" not in run("lm/replace/0/1", "lm/replace/0/3")[1]


@pytest.mark.parametrize(
    ("reference", "example"),
    [
        ("lm/replace/0/2", "lm/replace/0/0..5"),
        ("lm/replace/0/2:train", "lm/replace/0/0..5:train"),
        ("lm/replace/0", "lm/replace/0/0..5"),
        ("rows.parquet", "lm/replace/0/0..5"),
    ],
)
def test_one_dataset_alone_is_refused_with_a_series_of_its_own_lineage(reference: str, example: str) -> None:
    assert run(reference) == (2, f"{reference}: a second dataset is missing; a series is written {example}")


@pytest.mark.usefixtures("project")
def test_the_control_is_the_one_that_is_trained_on_as_many_rows() -> None:
    accumulate: dict[str, object] = {"original": {"share": 1.0, "draw": "fixed"}, "synthetic": "all", "budget": "grows"}
    lineage("base", 3, 0)
    declare("replace", accumulate)
    declare("control", {"pool": 1.0, "synthetic": "none"})
    asked = ("lm/replace/0/1", "lm/replace/0/3", "--against-control", "--format", "json")
    cure = "give it `control_grows: {growth: 1.0, pool: 1.0, synthetic: none}`"
    assert run(*asked) == (2, f"--against-control: no regime of lm is trained on real rows alone, as many as replace; {cure}")
    declare("base", {"pool": 1.0, "synthetic": "none", "growth": 1.0})
    found = json.loads(run(*asked)[1])
    assert (found["control"]["a"], found["control"]["b"]) == ("lm/base/0/1", "lm/base/0/3")


@pytest.mark.usefixtures("project")
def test_a_series_is_a_matrix_and_a_path_with_the_dead_named() -> None:
    code, printed = run("lm/replace/0/0..3", "--format", "json")
    assert code == 1
    found = json.loads(printed)
    assert found["names"] == ["lm/origin/0/0", "lm/replace/0/1", "lm/replace/0/2", "lm/replace/0/3"]
    matrix = found["distances"]
    assert all(matrix[i][i] == 0 for i in range(4))
    assert all(matrix[i][j] == matrix[j][i] for i in range(4) for j in range(4))
    assert matrix[0][3] > matrix[0][2] > matrix[0][1] > 0
    assert [step["died"] for step in found["path"]] == [0, 4, 4, 4]
    assert set(found["path"][1]["died_examples"]) == set(WORDS[-4:])
    assert (found["verdicts"][0][3], found["verdicts"][3][0]) == ("narrower", "broader")
    lines = run("lm/replace/0/0..3", "--format", "csv")[1].splitlines()
    assert (lines[0], len(lines)) == ("a,b,distance,verdict", 17)


@pytest.mark.usefixtures("project")
def test_any_list_of_datasets_is_a_matrix_without_a_path(write: Write) -> None:
    copy = write("copy", text=[" ".join(WORDS)] * 80, parent=list(range(80)))
    code, printed = run("lm/replace/0/1", "lm/control/0/1", copy, "--format", "json")
    answer = json.loads(printed)
    assert (code, answer["names"], answer["path"]) == (1, ["lm/replace/0/1", "lm/control/0/1", str(copy)], [])
    assert [len(row) for row in answer["distances"]] == [3, 3, 3]
    code, printed = run("lm/replace/0/1", "--across", "regime", "--format", "json")
    assert (code, json.loads(printed)["names"]) == (1, ["lm/control/0/1", "lm/replace/0/1"])
    assert run("lm/replace/0/1", "--across", "seed") == (2, "--across seed: only one seed has synthetic.parquet of lm/replace/0/1 on disk")
    assert run("lm/replace/0/1", "--across", "model") == (2, "--across model: allowed are seed and regime")


def test_counts_alone_are_those_of_the_whole_comparison(write: Write, tmp_path: Path) -> None:
    a = write("a", text=["one", "one", "two", "six"], label=[1, 1, 2, 3])
    b = write("b", text=["six", "one", "two"], label=[3, 1, 9])
    assert run(a, b, "--counts") == (1, "2 kept, 2 removed, 1 added\n")
    assert json.loads(run(a, b, "--counts", "--format", "json")[1]) == {"added": 1, "kept": 2, "removed": 2, "same": False}
    assert run(a, b, "--counts", "--ignore", "label") == (1, "3 kept, 1 removed, 0 added\n")
    assert run(a, a, "--counts") == (0, "4 kept, 0 removed, 0 added\n")
    assert run(a, write("c", text=["one"]), "--counts")[1].startswith("--counts: label is on one side only, so no two rows are equal")
    assert run(a, b, "--counts", "--on", "text")[0] == 2
    n, m = write("n", n=[1, 2, 2]), write("m", n=[2.0, 5.0])
    assert run(n, m, "--counts") == (1, "1 kept, 2 removed, 1 added\n")


@pytest.mark.usefixtures("project")
def test_a_series_is_drawn_as_a_heat_map(tmp_path: Path) -> None:
    assert run("lm/replace/0/1..2", "--format", "html", "--output", "series.html") == (1, "")
    assert re.search(r"<svg.*lm/replace/0/2", (tmp_path / "series.html").read_text(), re.DOTALL)


def test_a_series_is_spelled_with_two_dots() -> None:
    assert generations("lm/replace/0/9..11:train@v1") == [f"lm/replace/0/{g}:train@v1" for g in (9, 10, 11)]
    assert generations("lm/replace/0/1") is None
    with pytest.raises(HeirloomError, match=r"a series runs upwards, as in lm/replace/0/0\.\.5"):
        generations("lm/replace/0/3..1")
    assert run("lm/replace/0/1..2", "other")[0] == 2


def replicas(path: Path, x: Floats) -> Path:
    Dataset.of(vector_table(x)).write(path)
    return path


def test_replicas_trade_places_as_wholes(tmp_path: Path) -> None:
    drawn = [Stream((name,)).generator() for name in "ab"]
    for name, generator in zip("ab", drawn, strict=True):
        replicas(tmp_path / f"{name}.parquet", generator.standard_normal((40, 5, 1)) + generator.standard_normal((40, 1, 1)))
    found = json.loads(run(tmp_path / "a.parquet", tmp_path / "b.parquet", "--format", "json")[1])
    assert {test["units"] for test in found["distribution"]["tests"]} == {40}


def test_chains_that_narrow_while_they_wander_apart_are_narrower(tmp_path: Path) -> None:
    a, b = (Stream((name,)).generator().standard_normal((100, 20, 1)) for name in "ab")
    apart = Stream(("apart",)).generator().standard_normal((100, 1, 1)) * math.sqrt(0.5)
    found = heirloom.diff(replicas(tmp_path / "a.parquet", a), replicas(tmp_path / "b.parquet", b * math.sqrt(0.5) + apart))
    assert found.verdict.direction == "narrower"
    assert found.distribution is not None
    tests = {test.name: test for test in found.distribution.tests}
    assert tests["spread across replicas"].adjusted > 0.05
    # The variance of ln chi-square is about 2 / 19 a replica, and the mean over permutations moves it little.
    assert abs(tests["spread within replicas"].statistic - math.log(0.5)) / math.sqrt(2 * 2 / 19 / 100) < 4


def test_vectors_that_were_only_added_are_compared_with_those_that_stayed(tmp_path: Path) -> None:
    a, more = (Stream((name,)).generator().standard_normal((40, 10, 1)) for name in "ab")
    for added, answer in ((more, "different rows, same distribution"), (more * 0.3, "distribution shifted")):
        grown = np.concatenate([a, added], axis=1)
        found = heirloom.diff(replicas(tmp_path / "a.parquet", a), replicas(tmp_path / "b.parquet", grown))
        assert found.verdict.answer == answer


def test_answers_to_old_prompts_that_were_only_added_are_compared_with_the_old_answers(write: Write) -> None:
    old, new = (Stream((name,)).generator().integers(0, size, (80, 10)) for name, size in (("a", 26), ("b", 5)))
    texts = [[" ".join(WORDS[word] for word in row) for row in rows.tolist()] for rows in (old, new)]
    parents = list(range(80))
    found = heirloom.diff(write("a", text=texts[0], parent=parents), write("b", text=texts[0] + texts[1], parent=parents * 2))
    assert (found.verdict.answer, found.verdict.direction) == ("distribution shifted", "narrower")


def test_what_is_no_file_is_written_through_and_not_replaced(tmp_path: Path, write: Write) -> None:
    a, b = write("a", text=["one"]), write("b", text=["two"])
    pipe, target, link = tmp_path / "pipe", tmp_path / "target", tmp_path / "link"
    os.mkfifo(pipe)
    target.touch()
    link.symlink_to(target)
    reader = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
    try:
        for output in (pipe, link):
            assert run(a, b, "--counts", "--output", output)[0] == 1
        assert os.read(reader, 100).decode() == target.read_text() == "0 kept, 1 removed, 1 added\n"
    finally:
        os.close(reader)
    assert pipe.is_fifo()
    assert link.is_symlink()
    assert run(a, b, "--counts", "--output", tmp_path) == (2, f"--output {tmp_path}: cannot be written (Is a directory)")
