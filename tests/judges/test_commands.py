"""A judge that is a program of the user's: what it reads, what it may write, and what is refused in one line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heirloom.artefacts.fingerprints import sha256_file
from heirloom.data.ancestry import Writer
from heirloom.data.dataset import Dataset
from heirloom.data.rows import text_table, vector_table
from heirloom.errors import HeirloomError
from heirloom.judges import bench, commands
from heirloom.judges.bench import Witnesses
from heirloom.runtime.streams import Stream
from heirloom.specs.programs import CodeFile, Program
from heirloom.specs.selection import Judgement
from helpers import ROOT

HEAD = "import sys, shutil, pyarrow as pa, pyarrow.parquet as pq\nrows = pq.read_table(sys.argv[1]); n = rows.num_rows\n"
STREAM = Stream((0, "select"))
FIRST_NUMBER = "score = [x[0] for x in rows['x'].to_pylist()]\n"
WRITE = "pq.write_table(pa.table({'row': rows['row'], 'score': score}), sys.argv[2])"


def program(text: str, *arguments: str, **more: Any) -> Program:
    return Program(command=("python", "-c", HEAD + text, "{rows}", "{scores}", *arguments), **more)


def vectors(values: list[float], born: int = 1) -> Dataset:
    writer = Writer("ab" * 32, np.full(1, float(born)), np.full(1, born, np.int32)) if born else None
    return Dataset.of(vector_table(np.array(values)[None, :, None], born=born, writer=writer))


ROWS = vectors([3.0, 1.0, 2.0, 5.0])
NOBODY = Witnesses(None, None, {}, None, 1)


def scores(text: str, *arguments: str, original: Dataset | None = None, **more: Any) -> list[float]:
    table = commands.content(ROWS)
    return commands.score(program(text, *arguments, **more), table, original, STREAM).tolist()


def test_a_program_scores_each_row_in_any_order() -> None:
    backwards = "pq.write_table(pa.table({'score': score[::-1], 'row': list(range(n))[::-1]}), sys.argv[2])"
    assert scores(FIRST_NUMBER + WRITE) == scores(FIRST_NUMBER + backwards) == [3.0, 1.0, 2.0, 5.0]


def test_a_gate_may_answer_with_true_and_false() -> None:
    assert scores("score = [x[0] > 2 for x in rows['x'].to_pylist()]\n" + WRITE) == [1.0, 0.0, 0.0, 1.0]


def test_a_program_reads_what_rows_say_and_not_where_they_come_from(tmp_path: Path) -> None:
    copy = tmp_path / "copy.parquet"
    scores(f"shutil.copy(sys.argv[1], {str(copy)!r}); score = [0] * n\n" + WRITE)
    schema = pq.read_schema(copy)
    assert (schema.names, schema.field("x").type) == (["row", "x"], pa.list_(pa.float64()))
    text = Dataset.of(text_table(np.array([[1, 2], [3, 4]], np.int32), ["a b", "c d"], first_row=7))
    assert commands.content(text).to_pylist() == [{"text": "a b"}, {"text": "c d"}]


def test_a_program_that_asks_for_them_reads_original_rows_and_its_settings() -> None:
    text = "import json; base = pq.read_table(sys.argv[3])['x'].to_pylist(); add = json.load(open(sys.argv[4]))['add']\n"
    text += "score = [x[0] - base[0][0] + add for x in rows['x'].to_pylist()]\n" + WRITE
    assert scores(text, "{original}", "{settings}", original=vectors([1.0], born=0), settings={"add": 10}) == [12.0, 10.0, 11.0, 14.0]


FAULTS: Mapping[str, tuple[str, str]] = {
    "nothing": ("", "{scores} was not written, though the command ended well"),
    "no parquet": ("open(sys.argv[2], 'w').write('PAR')", "{scores} is no Parquet file: "),
    "columns": (
        "pq.write_table(pa.table({'row': rows['row'], 'points': rows['row']}), sys.argv[2])",
        "has the columns row (int64), points (int64); allowed are row (integers) and score (numbers)",
    ),
    "words": ("score = ['good'] * n\n" + WRITE, "has the columns row (int64), score (string)"),
    "too few": (
        "pq.write_table(pa.table({'row': [0, 1, 2], 'score': [0, 1, 2]}), sys.argv[2])",
        "has 3 rows; it must have each `row` from 0 to 3 once",
    ),
    "twice": (
        "pq.write_table(pa.table({'row': [0, 1, 2, 2], 'score': [0, 1, 2, 2]}), sys.argv[2])",
        "has 4 rows; it must have each `row` from 0 to 3 once",
    ),
    "null": ("score = [None, 1.0, 2.0, 3.0]\n" + WRITE, "has rows or scores that are missing"),
    "input": ("score = [0] * n\nopen(sys.argv[1], 'wb')\n" + WRITE, "select.by.command changed its input {rows}, which it may only read"),
    "status": ("sys.exit(3)", "ended with status 3; what it printed stands above, or in the job's log"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_judge_that_goes_wrong_is_one_line(fault: str) -> None:
    text, message = FAULTS[fault]
    with pytest.raises(HeirloomError) as caught:
        scores(text)
    assert message in str(caught.value)


def test_code_that_changed_since_the_planning_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "gate.py"
    file.write_text("one")
    files = (CodeFile(path=str(file), sha256=sha256_file(file)),)
    assert scores(FIRST_NUMBER + WRITE, files=files) == [3.0, 1.0, 2.0, 5.0]
    file.write_text("another")
    with pytest.raises(HeirloomError, match=r"gate.py: select.by.code is not as it was when this job was planned"):
        scores(FIRST_NUMBER + WRITE, files=files)


def test_not_a_number_is_refused() -> None:
    judgement = Judgement(by=program("score = [float('nan'), 1.0, 2.0, float('nan')]\n" + WRITE), share=0.5)
    with pytest.raises(HeirloomError, match=r"the judge gave 2 of 4 rows the score NaN; it must be a number"):
        bench.select(ROWS, [judgement], NOBODY, STREAM)


def test_a_blind_judge_reads_as_many_real_rows_among_the_others_and_keeps_none(tmp_path: Path) -> None:
    copy = tmp_path / "copy.parquet"
    text = f"shutil.copy(sys.argv[1], {str(copy)!r})\n" + FIRST_NUMBER + WRITE
    real = vectors([10.0, 20.0, 30.0, 40.0, 50.0, 60.0], born=0)
    judgement = Judgement(by=program(text), share=0.5, hides_kind=True)
    selected, (note,) = bench.select(ROWS, [judgement], Witnesses(None, None, {}, real, 1), STREAM)
    shown = pq.read_table(copy)
    values = [x[0] for x in shown["x"].to_pylist()]
    assert shown["row"].to_pylist() == list(range(8))
    assert {value for value in values if value < 10} == {3.0, 1.0, 2.0, 5.0}
    assert len({value for value in values if value >= 10}) == 4
    assert max(values[:4]) >= 10 > min(values[:4])  # shuffled
    assert selected.by_replica().ravel().tolist() == [3.0, 5.0]
    assert note == {"given": 4, "kept": 2, "real_rows": 4, "real_wins": 1.0}


def test_how_often_real_rows_win_counts_pairs_and_half_of_ties() -> None:
    assert bench.real_wins(np.array([1.0, 2.0]), np.array([0.0, 1.0, 3.0])) == (1.5 + 2) / 6
    scores_2N = Stream((0, "scores")).generator().standard_normal((2, 2000))
    standard_error = np.sqrt((2 * 2000 + 1) / (12 * 2000**2))  # Mann and Whitney (1947), of equal laws
    assert abs(bench.real_wins(*scores_2N) - 0.5) / standard_error < 4


def test_the_judge_on_the_page_lets_pass_what_python_can_compile(tmp_path: Path) -> None:
    page = (ROOT / "docs/plug-ins.md").read_text(encoding="utf-8").partition("## Judges")[2]
    gate = tmp_path / "gate.py"
    gate.write_text(re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[0])
    texts = ["x = 1", "x = = 1", "def f(:", "print('a')"]
    rows = Dataset.of(text_table(np.zeros((4, 2), np.int32), texts, first_row=0))
    judge = Judgement(by=Program(command=("python", str(gate), "{rows}", "{scores}")), keep="above", threshold=1.0)
    selected, _ = bench.select(rows, [judge], NOBODY, STREAM)
    assert selected.table(["text"])["text"].to_pylist() == ["x = 1", "print('a')"]
