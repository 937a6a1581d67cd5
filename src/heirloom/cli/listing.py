"""Lists on a terminal: the first lines, and how many more there are. ``--full`` prints all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Annotated

import typer

MOST_LINES = 100
"""Lines that a list prints without ``--full``; a lineage of a thousand generations has thousands."""

Full = Annotated[bool, typer.Option("--full", help=f"Print the whole list; without it, its first {MOST_LINES} lines.")]


@dataclass
class Listing:
    """A list that is printed while it grows.

    Attributes
    ----------
    full
        Whether all lines are printed.
    lines
        How many lines there are so far, printed or not.
    """

    full: bool
    lines: int = 0

    def add(self, line: object) -> None:
        """Print a line, unless there are `MOST_LINES` already."""
        self.lines += 1
        if self.full or self.lines <= MOST_LINES:
            typer.echo(line)

    def close(self) -> None:
        """Say how many lines were left out, if any were."""
        if not self.full and self.lines > MOST_LINES:
            typer.echo(_note(f"{self.lines - MOST_LINES:,} more lines"))


def echo(lines: Iterable[object], *, full: bool) -> None:
    """Print a list."""
    listing = Listing(full)
    for line in lines:
        listing.add(line)
    listing.close()


def echo_beginning(lines: Iterator[str], remainder: str, *, full: bool) -> None:
    """Print a list whose lines cost much, such as a deep tree; those that are not printed are not made.

    Parameters
    ----------
    remainder
        What stands in the list as a whole, in words, for the note under its first lines.
    """
    for line in lines if full else islice(lines, MOST_LINES):
        typer.echo(line)
    if not full and next(lines, None) is not None:
        typer.echo(_note(remainder))


def _note(remainder: str) -> str:
    return f"[{remainder}: --full prints all]"
