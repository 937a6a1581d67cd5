"""Progress of a command that takes longer than two seconds: on a terminal alone, on standard error, and gone when the command ends.

A log, a pipe and a CI see nothing of it. The time left is there as soon as a loop has said how far it is (`headway`).
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from heirloom.runtime import headway

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
    with _bar(activity, total) as show:
        for done, item in enumerate(items, 1):
            yield item
            show(done, total)


@contextmanager
def waiting(activity: str) -> Iterator[None]:
    """Show how long some work takes, and the time left where its loops say how far they are (`headway.laps`)."""
    with _bar(activity, None) as show, headway.heard(show):
        yield


@contextmanager
def _bar(activity: str, total: int | None) -> Iterator[Callable[[int, int | None], None]]:
    """Yield what shows how many steps are done, and of how many; where there is no terminal it shows nothing."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty())
    task = bar.add_task(activity, total=total)
    later = threading.Timer(PATIENCE_SECONDS, bar.start)
    later.daemon = True
    later.start()
    try:
        yield lambda done, total: bar.update(task, completed=done, total=total)
    finally:
        later.cancel()
        later.join()
        bar.stop()
