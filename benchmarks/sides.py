"""Two programs side by side, each a process of its own, that take turns: what one keeps in memory helps only itself."""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

Work = Callable[[], object]
Preparation = Callable[[], Work]
"""What makes some work ready outside the clock."""


def seconds(work: Work) -> float:
    """Return the CPU seconds of some work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def at_once(work: Work) -> Preparation:
    """Return the preparation of work that needs none."""
    return lambda: work


def answer(ways: Mapping[str, Preparation]) -> None:
    """Do the work of each name that comes on standard input, and print its CPU seconds; other output goes to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    for name in sys.stdin:
        work = ways[name.strip()]()
        print(seconds(work), file=answers, flush=True)


def compare(sides: Mapping[str, list[str]], ways: Mapping[str, str], turns: int) -> dict[str, list[float]]:
    """Return each way's CPU seconds turn by turn, after one turn that does not count.

    Parameters
    ----------
    sides
        Side → command of a process that calls `answer`.
    ways
        Way → its side.
    """
    processes = {side: start(command) for side, command in sides.items()}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + 1):
        for name, side in ways.items():
            spent = ask(processes[side], name)
            if turn:
                taken[name].append(spent)
    for process in processes.values():
        process.communicate()
    return taken


def start(command: list[str]) -> subprocess.Popen[str]:
    """Start a process that calls `answer`."""
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)


def ask(process: subprocess.Popen[str], name: str) -> float:
    """Let a process do the work of a name, and return its CPU seconds."""
    assert process.stdin is not None
    assert process.stdout is not None
    print(name, file=process.stdin, flush=True)
    return float(process.stdout.readline() or sys.exit("a side of the comparison has ended"))


def ratio(spent: list[float], reference: list[float]) -> float:
    """Return how many times as fast something is as a reference: the median over turns."""
    return statistics.median(b / a for a, b in zip(spent, reference, strict=True))


def options(defaults: Mapping[str, int]) -> argparse.ArgumentParser:
    """Return a parser of numbers that have defaults, and of the pattern of rows that are left out."""
    parser = argparse.ArgumentParser()
    for name, default in defaults.items():
        parser.add_argument(name, type=int, nargs="?", default=default)
    parser.add_argument("--without", metavar="PATTERN")
    return parser
