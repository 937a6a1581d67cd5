"""A judge that is a program of the user's: rows are handed over as a file, and scores are taken from a file.

The program is given what rows say and never where they come from. Its `row` is the place in the file that it reads.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from heirloom.artefacts.fingerprints import sha256_file
from heirloom.data import arrow
from heirloom.data.dataset import Dataset
from heirloom.errors import HeirloomError, short
from heirloom.runtime.streams import Stream
from heirloom.specs.programs import Program

_COMMAND = "select.by.command"
_SCORES = f"{_COMMAND}: {{scores}}"

Order = NDArray[np.int64]


def score(program: Program, rows: pa.Table, original: Dataset | None, stream: Stream) -> NDArray[np.float64]:
    """Run a program that judges, and return the score of each row, shape (rows,).

    Parameters
    ----------
    rows
        What the rows say (`content`).
    original
        The rows that the origin was trained on, for a program that asks for them (`{original}`).

    Raises
    ------
    HeirloomError
        If the program's code is not as it was planned, the program fails, changes what it reads, or does not score each row once.
    """
    from heirloom.families.external import running  # with libraries that no other judge needs

    with tempfile.TemporaryDirectory(prefix="heirloom-judge-") as folder:
        scratch = Path(folder)
        files = {"{rows}": scratch / "rows.parquet"}
        _write(rows, files["{rows}"])
        if original is not None:
            files["{original}"] = scratch / "original.parquet"
            _write(content(original), files["{original}"])
        hashes = {placeholder: sha256_file(file) for placeholder, file in files.items()}
        scores = scratch / "scores.parquet"
        places = {placeholder: str(file) for placeholder, file in files.items()}
        running.run(program, {**places, "{scores}": str(scores)}, stream, scratch, "select.by")
        changed = [placeholder for placeholder, file in files.items() if sha256_file(file) != hashes[placeholder]]
        if changed:
            raise HeirloomError(f"{_COMMAND} changed its input {', '.join(changed)}, which it may only read")
        return _read(scores, rows.num_rows)


def content(rows: Dataset) -> pa.Table:
    """Return what rows say, without their ids and their ancestry."""
    from heirloom.families.external import handover  # with libraries that no other judge needs

    return pa.Table.from_batches(list(handover.contents(rows)))


def _write(rows: pa.Table, file: Path) -> None:
    """Write rows with their places as `row`."""
    places = arrow.column(np.arange(rows.num_rows))
    pq.write_table(rows.add_column(0, "row", places), file, compression="none", store_schema=False)


def _read(file: Path, num_rows: int) -> NDArray[np.float64]:
    """Return the scores of a file, in the order of the rows."""
    try:
        scores = pq.read_table(file, memory_map=False)
    except FileNotFoundError:
        raise HeirloomError(f"{_SCORES} was not written, though the command ended well") from None
    except (OSError, pa.ArrowInvalid) as error:
        raise HeirloomError(f"{_SCORES} is no Parquet file: {short(str(error), 200)}") from None
    _check_columns(scores.schema)
    if scores["row"].null_count or scores["score"].null_count:
        raise HeirloomError(f"{_SCORES} has rows or scores that are missing; each row must have a score")
    rows = arrow.numbers(scores["row"].cast(pa.int64()))
    if not np.array_equal(np.sort(rows), np.arange(num_rows)):
        raise HeirloomError(f"{_SCORES} has {len(rows):,} rows; it must have each `row` from 0 to {num_rows - 1:,} once")
    values = np.empty(num_rows)
    values[rows] = arrow.numbers(scores["score"].cast(pa.float64()))
    return values


def _check_columns(schema: pa.Schema) -> None:
    """Refuse other columns than the two of the places and the scores."""
    if sorted(schema.names) == ["row", "score"]:
        row, score = schema.field("row").type, schema.field("score").type
        is_number = pa.types.is_floating(score) or pa.types.is_integer(score) or pa.types.is_boolean(score)
        if pa.types.is_integer(row) and is_number:
            return
    columns = ", ".join(f"{column.name} ({column.type})" for column in schema)
    raise HeirloomError(f"{_SCORES} has the columns {short(columns, 200)}; allowed are row (integers) and score (numbers)")
