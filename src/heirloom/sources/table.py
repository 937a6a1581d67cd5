"""Tables as real data: named columns, each of one type, from files of the user's or of a package.

The rows are put in a random order: the pool is the head, the held-out rows are the tail.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from heirloom.data import cells
from heirloom.errors import HeirloomError, short
from heirloom.runtime import child
from heirloom.runtime.streams import Stream
from heirloom.sources import faults
from heirloom.sources.files import matches
from heirloom.sources.input_files import SOURCE, SourceFile, local_file, package_file, package_folder
from heirloom.specs.vector_source import TableSource

SUFFIXES = (".csv", ".parquet")


def preflight(spec: TableSource) -> None:
    """Check that the files are there, with the columns.

    Raises
    ------
    HeirloomError
        If a file or a column is missing.
    """
    for file in source_files(spec):
        names = _names(file.place)
        absent = [name for name in spec.columns if name not in names]
        if absent:
            raise HeirloomError(f"source.columns: {file.place} has no column {absent[0]!r}; it has {short(', '.join(names), 300)}")


def check_rows(spec: TableSource) -> None:
    """Read the cells, and count the rows.

    Raises
    ------
    HeirloomError
        If a file cannot be read, a cell is no value of its column's type, or there are fewer rows than are asked for.
    """
    _shuffled(spec, Stream(("check",)))


def source_files(spec: TableSource) -> list[SourceFile]:
    """Return the files that are read, in the order in which they are read."""
    if spec.package is None:
        return [local_file(SOURCE, place) for place in matches(spec.paths, "source.paths", SUFFIXES)]
    folder = package_folder(spec.package)
    if folder is None:
        raise HeirloomError(f"source.package: {spec.package} is not installed; pip install {spec.package}")
    places = matches([str(folder / path) for path in spec.paths], "source.paths", SUFFIXES)
    return [package_file(SOURCE, spec.package, place) for place in places]


def is_here(spec: TableSource) -> bool:
    """Return whether the files are on this machine."""
    try:
        return bool(source_files(spec))
    except HeirloomError:
        return False


def law(spec: TableSource) -> dict[str, Any]:
    """Return nothing: nobody knows the law of a table."""
    return {}


def draw(spec: TableSource, num_replicas: int, stream: Stream) -> pa.Table:
    """Return the pool of real training rows, ``spec.rows`` of them; parameters as for `sources.normal.draw`, with one replica."""
    return _shuffled(spec, stream).slice(0, spec.rows)


def draw_test(spec: TableSource, num_replicas: int, stream: Stream) -> pa.Table:
    """Return the held-out rows, ``spec.test_rows`` of them."""
    table = _shuffled(spec, stream)
    return table.slice(table.num_rows - spec.test_rows)


def _shuffled(spec: TableSource, stream: Stream) -> pa.Table:
    """Return all rows in a random order."""
    table = pa.concat_tables(_tables(spec))
    if spec.rows + spec.test_rows > table.num_rows:
        needed = spec.rows + spec.test_rows
        raise HeirloomError(f"source: rows and test_rows ask for {needed:,} rows, but the files have {table.num_rows:,}")
    order = stream.child("order").generator().permutation(table.num_rows)
    return table.take(pa.array(order.astype(np.int64)))


def _tables(spec: TableSource) -> Iterator[pa.Table]:
    for file in source_files(spec):
        yield cells.checked(_read(file.place, spec), spec.columns, f"source.columns: {file.place}")


def _names(place: Path) -> list[str]:
    """Return the names of a file's columns."""
    if place.suffix == ".parquet":
        faults.check_parquet(place, None, "source.paths")
        return list(pq.read_schema(place).names)
    try:
        with pa.csv.open_csv(place) as reader:
            return list(reader.schema.names)
    except (OSError, pa.ArrowException) as error:
        raise HeirloomError(f"source.paths: {place}: no readable table ({faults.cause(error)})") from None


def _read(place: Path, spec: TableSource) -> pa.Table:
    """Return the columns of a file; a cell of a .csv that is no value of its column's type is refused."""
    names = list(spec.columns)
    child.opening(place)
    try:
        if place.suffix == ".parquet":
            return pq.read_table(place, columns=names)
        types = {name: cells.ARROW[kind] for name, kind in spec.columns.items()}
        options = pa.csv.ConvertOptions(include_columns=names, column_types=types, strings_can_be_null=False)
        return pa.csv.read_csv(place, convert_options=options)
    except (OSError, pa.ArrowException) as error:
        raise HeirloomError(f"source.paths: {place}: cannot be read as source.columns say ({faults.cause(error)})") from None
