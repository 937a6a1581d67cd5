"""Digests: a table that is read again has one beside it, written last, compared before the table is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom.artefacts import paths
from heirloom.artefacts.files import dumps, read_json, replacing, write_text
from heirloom.artefacts.fingerprints import fingerprint
from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    import pyarrow as pa


def seal(table: str | Path) -> None:
    """Write the digest of a table that has just been written."""
    write_text(paths.fingerprint(table), dumps(fingerprint(Path(table))))


def check(table: str | Path, repair: str) -> Path:
    """Return the path of a table whose bytes are those of its digest.

    Parameters
    ----------
    repair
        What writes the table anew, as the end of a message.

    Raises
    ------
    HeirloomError
        If they are not, or either file is missing.
    """
    digest = paths.fingerprint(table)
    if not Path(table).is_file():
        raise HeirloomError(f"{table}: missing; {repair}")
    if not Path(digest).is_file():
        raise HeirloomError(f"{table}: its digest {digest} is missing; {repair}")
    try:
        recorded_digest = read_json(digest)
    except HeirloomError as error:
        raise HeirloomError(f"{error}; {repair}") from None
    if fingerprint(Path(table)) != recorded_digest:
        raise HeirloomError(f"{table}: not the bytes that {digest} records; {repair}")
    return Path(table)


def write_parquet(table: pa.Table, path: str | Path, **options: Any) -> None:
    """Write a table as Parquet, whole or not at all, and then its digest."""
    import pyarrow.parquet as pq

    with replacing(path) as temporary:
        pq.write_table(table, temporary, **options)
    seal(path)


def rows(table: Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return the rows of a Parquet table, or some of their columns; whoever asks has checked it."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(table) as file:
        plain: list[dict[str, Any]] = file.read(None if columns is None else list(columns)).to_pylist()
    return plain
