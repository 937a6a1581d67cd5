"""What has no file in this machine: tables in memory and addresses that `fsspec` opens, brought into a private folder."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from heirloom.diffs import scratch
from heirloom.errors import HeirloomError
from heirloom.sources.faults import cause


def written(data: Any, name: str) -> Path:
    """Return an Arrow file of a table in memory.

    Parameters
    ----------
    data
        A frame of pandas (its index counts if it has a name), polars or DuckDB, a table of Arrow, a dataset of `datasets`: whatever
        Arrow reads through its C interface.
    name
        What it is called in messages.

    Raises
    ------
    HeirloomError
        If Arrow cannot read it, a column holds values of several types, or a whole number has more than 64 bits.
    """
    try:
        table = _table(data)
    except OverflowError:
        raise HeirloomError(f"{name}: {_holder(data)} holds a whole number beyond 64 bits; as text it can be compared") from None
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise HeirloomError(f"{name}: {type(data).__name__} cannot be read as a table ({cause(error)})") from None
    target = scratch.place(f"{name}.arrow")
    with pa.ipc.new_stream(str(target), table.schema) as writer:
        writer.write_table(table)
    return target


def _table(data: Any) -> pa.Table:
    if _is_frame(data):
        return pa.Table.from_pandas(_with_named_index(data), preserve_index=False)
    if "datasets" in sys.modules and isinstance(data, sys.modules["datasets"].Dataset):
        return data.with_format("arrow")[:]
    return pa.table(data)


def index_note(tables: Mapping[str, Any]) -> str:
    """Return what is to be said of indexes of pandas that are not compared, as the end of a sentence: those without a name.

    Parameters
    ----------
    tables
        What the sides are called → what they are; an index that counts the rows from 0 says nothing and is not spoken of.
    """
    names = [name for name, data in tables.items() if _is_frame(data) and _has_unnamed_index(data)]
    if not names:
        return ""
    return f"; the index of {' and '.join(names)} is left out, because it has no name (rename_axis('id') gives it one)"


def _is_frame(data: Any) -> bool:
    return "pandas" in sys.modules and isinstance(data, sys.modules["pandas"].DataFrame)


def _has_unnamed_index(frame: Any) -> bool:
    counting = sys.modules["pandas"].RangeIndex(len(frame))
    return None in frame.index.names and not frame.index.equals(counting)


def _with_named_index(frame: Any) -> Any:
    named = [name for name in frame.index.names if name is not None]
    return frame.reset_index(named) if named else frame


def _holder(data: Any) -> str:
    """Return what of a table holds a whole number that Arrow has no type for."""
    if not _is_frame(data):
        return f"the {type(data).__name__}"
    return next(f"column {name}" for name, column in _with_named_index(data).items() if _overflows(column))


def _overflows(column: Any) -> bool:
    try:
        pa.array(column, from_pandas=True)
    except OverflowError:
        return True
    except (pa.ArrowException, TypeError, ValueError):
        return False
    return False


def downloaded(address: str) -> Path:
    """Return a copy of what lies at an address such as ``https://…`` or ``s3://…``.

    Raises
    ------
    HeirloomError
        If there is no library for such addresses, or nothing can be had from there.
    """
    import fsspec  # type: ignore[import-untyped]

    try:
        system, path = fsspec.url_to_fs(address)
        target = scratch.place(Path(path.rstrip("/")).name or "data")
        system.get(path, str(target), recursive=bool(system.isdir(path)))
    except Exception as error:  # noqa: BLE001, each file system of fsspec has errors of its own
        raise HeirloomError(f"{address}: cannot be fetched ({type(error).__name__}: {cause(error)})") from None
    return target
