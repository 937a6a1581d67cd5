"""How far a long step has come: a bar on a terminal, elsewhere a plain line now and then, both with tokens a second.

Nothing here changes a byte of a result, and processes that share a step speak with one voice, the first one's.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from heirloom.runtime import processes, variables

log = logging.getLogger(__name__)

LINE_SECONDS = "HEIRLOOM_LINE_SECONDS"
"""Environment variable: seconds between two lines in a job's log, 60 by default."""

Tell = Callable[[int], None]
"""To be called with the number of tokens that were done since the last call."""


def every(variable: str) -> Callable[[], bool]:
    """Return a function that says whether as many seconds have passed as an environment variable asks for, or 60."""
    seconds, last = variables.seconds(variable, 60), time.monotonic()

    def due() -> bool:
        nonlocal last
        if time.monotonic() - last < seconds:
            return False
        last = time.monotonic()
        return True

    return due


@contextmanager
def counting(doing: str, total: int, done: int = 0) -> Iterator[Tell]:
    """Show the progress of some work as it is told.

    Parameters
    ----------
    doing
        What is done, such as ``training``.
    total, done
        Tokens of the whole work, and those that were done before.
    """
    if processes.rank():
        yield lambda tokens: None
    elif sys.stderr.isatty():
        yield from _bar(doing, total, done)
    else:
        yield from _lines(doing, total, done)


def _bar(doing: str, total: int, done: int) -> Iterator[Tell]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn

    class Speed(ProgressColumn):
        def render(self, task: Task) -> str:
            return f"{task.finished_speed or task.speed or 0:,.0f} tokens/s"

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"), Speed(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task(doing, total=total, completed=done)
        yield lambda tokens: shown.advance(task, tokens)


def _lines(doing: str, total: int, done: int) -> Iterator[Tell]:
    due, begun, before = every(LINE_SECONDS), time.monotonic(), done

    def say() -> None:
        speed = (done - before) / max(time.monotonic() - begun, 1e-9)
        log.info("%s: %s of %s tokens, %s tokens/s", doing, f"{done:,}", f"{total:,}", f"{speed:,.0f}")

    def tell(tokens: int) -> None:
        nonlocal done
        done += tokens
        if done < total and due():
            say()

    yield tell
    say()
