"""How far a long step has come: a bar on a terminal, elsewhere a plain line now and then, both with tokens per second.

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

Report = Callable[[int], None]
"""To be called with the number of tokens that were done since the last call."""


def timer(variable: str) -> Callable[[], bool]:
    """Return a function that says whether as many seconds have passed as an environment variable asks for, or 60."""
    seconds = variables.seconds(variable, 60)
    last_time = time.monotonic()

    def is_due() -> bool:
        nonlocal last_time
        if time.monotonic() - last_time < seconds:
            return False
        last_time = time.monotonic()
        return True

    return is_due


@contextmanager
def progress(activity: str, total: int, done: int = 0) -> Iterator[Report]:
    """Show the progress of some work as it is reported.

    Parameters
    ----------
    activity
        What is done, such as ``training``.
    total, done
        Tokens of the whole work, and those that were done before.
    """
    if processes.rank():
        yield lambda tokens: None
    elif sys.stderr.isatty():
        yield from _bar(activity, total, done)
    else:
        yield from _lines(activity, total, done)


def _bar(activity: str, total: int, done: int) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn

    class Speed(ProgressColumn):
        def render(self, task: Task) -> str:
            return f"{task.finished_speed or task.speed or 0:,.0f} tokens/s"

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"), Speed(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(activity, total=total, completed=done)
        yield lambda tokens: bar.advance(task, tokens)


def _lines(activity: str, total: int, done: int) -> Iterator[Report]:
    is_due, start_time, start = timer(LINE_SECONDS), time.monotonic(), done

    def write_line() -> None:
        speed = (done - start) / max(time.monotonic() - start_time, 1e-9)
        log.info("%s: %s of %s tokens, %s tokens/s", activity, f"{done:,}", f"{total:,}", f"{speed:,.0f}")

    def report(tokens: int) -> None:
        nonlocal done
        done += tokens
        if done < total and is_due():
            write_line()

    yield report
    write_line()
