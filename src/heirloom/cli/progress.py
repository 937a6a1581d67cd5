"""Progress of a command that takes longer than two seconds: on a terminal alone, on standard error, and gone when the command ends.

A log, a pipe and a CI see nothing of it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

_Item = TypeVar("_Item")

PATIENCE_SECONDS = 2.0
"""A command that ends before shows nothing."""


def track(items: Iterable[_Item], activity: str, total: int | None = None) -> Generator[_Item]:
    """Yield some items, with a bar and the time left beside them; without a total, with the time that has passed.

    Parameters
    ----------
    activity
        What is done, such as ``verify``.
    total
        How many items there are.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), *([TimeRemainingColumn()] if total else []))
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty())
    task = bar.add_task(activity, total=total)
    later = threading.Timer(PATIENCE_SECONDS, bar.start)
    later.daemon = True
    later.start()
    try:
        for item in items:
            yield item
            bar.advance(task)
    finally:
        later.cancel()
        later.join()
        bar.stop()


@contextmanager
def waiting(activity: str) -> Iterator[None]:
    """Show how long some work takes of which nobody knows how far it is."""
    steps = track([None], activity)
    next(steps)
    try:
        yield
    finally:
        steps.close()
