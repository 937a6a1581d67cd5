"""Files that Heirloom did not write: they are read in a child process, which has limits of time and memory.

The command compares in the child. A comparison in a notebook needs its answer here, so there the child reads each file before.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from heirloom.errors import HeirloomError, listed, short
from heirloom.runtime import child

if TYPE_CHECKING:
    from heirloom.diffs.sides import Side

_MB = 1_000_000


def in_child(work: Callable[[], bool], sides: Sequence[Side]) -> bool:
    """Return what a comparison of some sides says, worked out in a child where Heirloom did not write all of them.

    Raises
    ------
    HeirloomError
        The comparison's own, or that the child has died or has taken more than it is granted.
    """
    if all(side.path_here for side in sides):
        return work()
    return bool(child.in_child(work, _limits(sides), listed(dict.fromkeys(side.name for side in sides), 2)))


def check(side: Side) -> None:
    """Read every cell of a side's files in a child, so that this process need not fear them; once for each state of a file.

    Raises
    ------
    HeirloomError
        If a file cannot be read, or reading it ends the child or takes more than it is granted.
    """
    if side.path_here or side.is_table:
        return
    from heirloom.diffs import text_files

    for file in side.files:
        if file.is_file() and not text_files.kind(file):  # text is read in a child by itself
            status = file.stat()
            _check_once(file.absolute(), (status.st_size, status.st_mtime_ns, status.st_ino), str(file))


def check_rows(sides: Sequence[Side], bytes_a_row: int) -> None:
    """Refuse more rows than there is memory for, before any is read.

    Parameters
    ----------
    bytes_a_row
        What a comparison keeps of each row of either side.

    Raises
    ------
    HeirloomError
        With the memory that is needed, the limit, and what raises it.
    """
    if all(side.path_here for side in sides):
        return
    num_rows = sum(side.num_rows for side in sides)
    needed, allowed = num_rows * bytes_a_row / _MB, child.limits((), 0).megabytes
    if needed > allowed:
        names = listed(dict.fromkeys(side.name for side in sides))
        raise HeirloomError(
            f"{names}: comparing {num_rows:,} rows takes {needed:,.0f} MB of memory; allowed are {allowed:,.0f} MB: "
            f"{_limits(()).memory_key} raises the limit, and --counts takes less"
        )


@contextmanager
def one_line_errors(*names: object) -> Iterator[None]:
    """Say in one line that the system refuses a file: its name is none, it is gone, it may not be read.

    Raises
    ------
    HeirloomError
        With the file and the system's reason.
    """
    try:
        yield
    except HeirloomError:
        raise
    except OSError as error:
        file = listed(names) if error.filename is None else short(str(error.filename), 200)
        raise HeirloomError(f"{file}: cannot be read ({error.strerror or error})") from None


def _limits(sides: Sequence[Side]) -> child.Limits:
    return child.limits([file for side in sides for file in side.parts or (side.path, *side.path.rglob("*"))], 0)


@cache
def _check_once(file: Path, state: tuple[int, int, int], name: str) -> None:
    child.in_child(lambda: _read(file), child.limits([file], 0), name)


def _read(file: Path) -> None:
    from heirloom.diffs.sides import Side
    from heirloom.diffs.view import View

    side = Side(str(file), file, view=View(max_cell_bytes=sys.maxsize))
    for _ in side.batches(side.schema.names):
        pass
