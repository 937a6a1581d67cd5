"""What has no file in this machine: tables in memory and addresses that `fsspec` opens, brought into a private folder."""

from __future__ import annotations

import sys
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
        If Arrow cannot read it, or a column holds values of several types.
    """
    try:
        table = _table(data)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise HeirloomError(f"{name}: {type(data).__name__} cannot be read as a table ({cause(error)})") from None
    target = scratch.place(f"{name}.arrow")
    with pa.ipc.new_stream(str(target), table.schema) as writer:
        writer.write_table(table)
    return target


def _table(data: Any) -> pa.Table:
    if "pandas" in sys.modules and isinstance(data, sys.modules["pandas"].DataFrame):
        named = [name for name in data.index.names if name is not None]
        return pa.Table.from_pandas(data.reset_index(named) if named else data, preserve_index=False)
    if "datasets" in sys.modules and isinstance(data, sys.modules["datasets"].Dataset):
        return data.with_format("arrow")[:]
    return pa.table(data)


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
