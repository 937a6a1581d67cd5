"""record, restore, repair, diff and export that are killed, or whose disk is full: one more command gives the bytes of an unbroken one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import interrupted_projects
import kill_lab
from heirloom.runtime.streams import Stream
from interrupted_projects import CASES, Case
from kill_lab import Toll

pytestmark = pytest.mark.slow

TURNS = ("change", "group", "alone")


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A project as it was made and as it was recorded."""
    with interrupted_projects.made(tmp_path_factory.mktemp("interrupted")) as folders:
        yield folders


@pytest.mark.parametrize(("name", "number"), [("record", 2), ("restore", 1), ("repair", 3), ("diff", 2), ("export", 3)])
def test_one_more_command_after_a_kill_gives_the_bytes_of_an_unbroken_one(name: str, number: int, projects: dict[str, Path]) -> None:
    assert toll(name, projects, number) == Toll(kills=number)


@pytest.mark.faults
@pytest.mark.parametrize(("name", "number"), [("record", 38), ("restore", 34), ("repair", 36), ("diff", 36), ("export", 36)])
def test_after_dozens_of_kills_one_more_command_gives_the_bytes_of_an_unbroken_one(
    name: str, number: int, projects: dict[str, Path]
) -> None:
    assert toll(name, projects, number) == Toll(kills=number)


def toll(name: str, projects: dict[str, Path], number: int) -> Toll:
    """Kill a command so many times, by turns at a change of a file, with its whole group, and alone; return what came of it."""
    draws = Stream((number, "kills", name)).generator()
    cases, work, came = CASES[name](projects), projects["work"], Toll()
    unbroken = [_unbroken(case, work) for case in cases]
    while came.kills < number:
        turn, place = TURNS[came.kills % len(TURNS)], came.kills // len(TURNS) % len(cases)
        case, (status, state, changes, seconds) = cases[place], unbroken[place]
        _begin(case, work)
        if _killed(case, turn, draws, changes, seconds) != -signal.SIGKILL:
            continue
        came.kills += 1
        came.orphans += bool(kill_lab.wait_for_children(work))
        again = kill_lab.status_of(kill_lab.start(kill_lab.command(*case.arguments)))
        left = kill_lab.digests(work, case.places)
        came.refused += again != status and left != state
        came.different += left != state
        if left != state:
            print(name, turn, "then", again, (work.parent / kill_lab.OUTPUT).read_text())
            print(*sorted(dict(left.items() ^ state.items())), sep="\n")
    return came


def _begin(case: Case, work: Path) -> None:
    """Make the working folder the project that a case begins with."""
    os.chdir(work.parent)
    kill_lab.copy(case.project, work)
    os.chdir(work)


def _unbroken(case: Case, work: Path) -> tuple[int, dict[str, str], int, float]:
    """Return how an unbroken command ends, what it leaves, how many files it changes, and how many seconds it takes."""
    _begin(case, work)
    count, since = work.parent / "count", time.monotonic()
    status = kill_lab.status_of(kill_lab.start(kill_lab.command(*case.arguments), count=count))
    state = kill_lab.digests(work, case.places)
    assert (status in (0, 1), bool(state)) == (True, True), (work.parent / kill_lab.OUTPUT).read_text()
    return status, state, int(count.read_text()), time.monotonic() - since


def _killed(case: Case, turn: str, draws: np.random.Generator, changes: int, seconds: float) -> int:
    """Start a command and kill it at a moment drawn at random; return how it has ended."""
    call = kill_lab.command(*case.arguments)
    if turn == "change":
        return kill_lab.status_of(kill_lab.start(call, changes=int(draws.integers(1, changes + 1))))
    process = kill_lab.start(call)
    return kill_lab.kill_after(process, draws.uniform(0, seconds), whole_group=turn == "group")
