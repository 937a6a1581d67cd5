"""The cost table as it is read and written, by whoever asks what jobs have cost; `costs` gathers its rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import digests
from heirloom.artefacts import paths
from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    import pyarrow as pa

REPAIR = "delete it, and heirloom record gathers it again"


def read(file: Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Return the rows of the cost table; none where nothing was gathered.

    A table without a digest was written by an older Heirloom; it is given one when it is written the next time.

    Raises
    ------
    HeirloomError
        If the table does not have its recorded digest, or has no digest and cannot be read.
    """
    if not file.is_file():
        return []
    import pyarrow as pa

    if Path(paths.fingerprint(file)).is_file():
        check(file)
    try:
        return digests.rows(file, columns)
    except (pa.ArrowException, OSError) as error:
        raise HeirloomError(f"{file}: damaged ({str(error).splitlines()[0]}); {REPAIR}") from None


def check(file: Path) -> None:
    """Refuse a cost table that does not have its recorded digest.

    Raises
    ------
    HeirloomError
        If it does not.
    """
    digests.check(file, REPAIR)


def write(table: pa.Table, file: Path) -> None:
    """Write the cost table and its digest."""
    digests.write_parquet(table, file)
