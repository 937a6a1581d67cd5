"""A full disk, a file that may not grow, a folder that cannot be written or is a file, a clock that is a year off, two commands at once.

Each is said in one line where the command cannot do its work, nothing is lost, and the next command gives the bytes of an unbroken one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import interrupted_projects
import kill_lab
from interrupted_projects import CASES, Case

pytestmark = pytest.mark.slow

FEW = {"record": (200,), "restore": (0,), "repair": (2_000,), "diff": (1_000,), "export": (0,)}
SIZES = (0, 200, 700, 4_096, 20_000)
"""Bytes that no file may exceed: below a note's, between that of notes and of data, and above most."""
FREE = (0, 8, 24, 64)
"""Kilobytes that are left on a disk."""
YEAR = 365 * 86_400
OF_MAKE_TEST = ("record", "export")
OFTEN = [name if name in OF_MAKE_TEST else pytest.param(name, marks=pytest.mark.faults) for name in CASES]
"""All commands, of which `make test` takes two."""
is_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """A project as it was made and as it was recorded."""
    with interrupted_projects.made(tmp_path_factory.mktemp("full")) as folders:
        yield folders


def test_a_file_that_may_not_grow_is_said_in_one_line_and_the_next_command_does_the_work(projects: dict[str, Path]) -> None:
    for name, sizes in FEW.items():
        assert all(limited(CASES[name](projects)[0], projects["work"], sizes)), name  # each of these sizes stops the command


@pytest.mark.faults
@pytest.mark.parametrize("name", CASES)
def test_every_size_at_which_a_file_may_not_grow_is_said_in_one_line(name: str, projects: dict[str, Path]) -> None:
    for case in CASES[name](projects):
        assert any(limited(case, projects["work"], SIZES))  # a command that no size stops writes nothing


def limited(case: Case, work: Path, sizes: tuple[int, ...]) -> list[bool]:
    """Check a command whose files may not exceed some sizes; return of each size whether it has stopped the command."""
    expected = unbroken(case, work)
    stopped = []
    for size in sizes:
        begin(case.project, work)
        status, text = kill_lab.printed(kill_lab.command(*case.arguments), size)
        check(case, work, expected, status, text)
        stopped.append(status != expected[0])
    return stopped


@is_root
@pytest.mark.faults
@pytest.mark.parametrize("name", CASES)
def test_a_full_disk_is_said_in_one_line_and_the_next_command_does_the_work(name: str, projects: dict[str, Path]) -> None:
    case, work = CASES[name](projects)[0], projects["work"]
    expected = unbroken(case, work)
    for free in FREE:
        with disk(case.project, work) as remount:
            used = shutil.disk_usage(work).used
            remount(f"size={(used // 4096) * 4096 + free * 1024}")
            outcome = kill_lab.printed(kill_lab.command(*case.arguments))
            remount("size=64m")
            check(case, work, expected, *outcome)


@is_root
@pytest.mark.parametrize("name", OFTEN)
def test_a_disk_that_cannot_be_written_is_said_in_one_line(name: str, projects: dict[str, Path]) -> None:
    case, work = CASES[name](projects)[0], projects["work"]
    expected = unbroken(case, work)
    with disk(case.project, work) as remount:
        remount("ro")
        status, text = kill_lab.printed(kill_lab.command(*case.arguments))
        remount("rw")
        assert status == 2
        check(case, work, expected, status, text)


@pytest.mark.faults
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("record", "results"),
        ("record", ".dvc/cache"),
        ("record", ".heirloom"),
        ("restore", "data/text/replace/seed=0"),
        ("restore", ".dvc/cache/files"),
        ("restore", ".heirloom"),
        ("repair", "data/text/replace/seed=0/gen=1"),
        ("repair", "results"),
        ("repair", ".heirloom"),
        ("export", "data/text/real"),
    ],
)
def test_a_file_in_the_place_of_a_folder_is_said_in_one_line(name: str, place: str, projects: dict[str, Path]) -> None:
    case, work = CASES[name](projects)[0], projects["work"]
    expected = unbroken(case, work)
    begin(case.project, work)
    folder, aside = work / place, work.parent / "aside"
    shutil.rmtree(aside, ignore_errors=True)
    if folder.exists():
        folder.rename(aside)
    folder.write_text("a file\n")
    status, text = kill_lab.printed(kill_lab.command(*case.arguments))
    assert (status, folder.read_text()) == (2, "a file\n")
    folder.unlink()
    if aside.exists():
        aside.rename(folder)
    check(case, work, expected, status, text)


@pytest.mark.faults
@pytest.mark.parametrize("name", ["record", "restore", "repair"])
@pytest.mark.parametrize("seconds", [-YEAR, YEAR])
def test_files_a_year_old_or_to_come_and_a_project_that_was_moved_change_nothing(
    name: str, seconds: int, projects: dict[str, Path]
) -> None:
    case, work = CASES[name](projects)[0], projects["work"]
    _, state = unbroken(case, work)
    begin(case.project, work)
    for file in work.rglob("*"):
        if file.is_file() and ".git" not in file.parts:
            time = file.stat().st_mtime + seconds
            os.utime(file, (time, time))
    assert kill_lab.status_of(kill_lab.start(kill_lab.command(*case.arguments))) == 0
    moved = work.with_name("moved")
    shutil.rmtree(moved, ignore_errors=True)
    work.rename(moved)
    os.chdir(moved)
    again = ("record", "--complete") if name == "record" else case.arguments
    assert kill_lab.status_of(kill_lab.start(fresh(*again))) == 0
    assert kill_lab.digests(moved, case.places) == state


@pytest.mark.parametrize("name", ["record", *(pytest.param(name, marks=pytest.mark.faults) for name in ("restore", "repair"))])
def test_two_at_once_do_the_work_of_one(name: str, projects: dict[str, Path]) -> None:
    case, work = CASES[name](projects)[0], projects["work"]
    expected = unbroken(case, work)
    begin(case.project, work)
    pipes = [os.pipe() for _ in range(2)]
    processes = [kill_lab.start(kill_lab.command(*case.arguments), output=writer) for _, writer in pipes]
    texts = []
    for reader, writer in pipes:
        os.close(writer)
        with os.fdopen(reader) as file:
            texts.append(file.read())
    statuses = [kill_lab.status_of(process) for process in processes]
    assert expected[0] in statuses
    for status, text in zip(statuses, texts, strict=True):
        check(case, work, expected, status, text)


def fresh(*arguments: str) -> Callable[[], None]:
    """Return the command line with some arguments, which asks DVC anew where its cache is."""

    def call() -> None:
        from heirloom.lineage import dvc

        dvc._cache.cache_clear()
        kill_lab.command(*arguments)()

    return call


def begin(project: Path, work: Path) -> None:
    """Make the working folder a copy of a project."""
    os.chdir(work.parent)
    kill_lab.copy(project, work)
    os.chdir(work)


def unbroken(case: Case, work: Path) -> tuple[int, dict[str, str]]:
    """Return how a command ends that nothing disturbs, and what it leaves."""
    begin(case.project, work)
    status, text = kill_lab.printed(kill_lab.command(*case.arguments))
    assert status in (0, 1), text
    return status, kill_lab.digests(work, case.places)


def check(case: Case, work: Path, expected: tuple[int, dict[str, str]], status: int, text: str) -> None:
    """Check that a command has done its work or said in one line why not, and that one more does it."""
    if status != expected[0]:
        lines = [line for line in text.splitlines() if line.startswith("heirloom: ")]
        assert (status, len(lines), "Traceback" in text) == (2, 1, False), (case.arguments, text)
    again, words = kill_lab.printed(kill_lab.command(*case.arguments))
    state = kill_lab.digests(work, case.places)
    assert state == expected[1], (case.arguments, status, text, again, words)


@contextmanager
def disk(project: Path, work: Path) -> Iterator[Callable[[str], None]]:
    """Make the working folder a small disk with a copy of a project, and give what mounts it with other options."""
    os.chdir(work.parent)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", str(work)], check=True)
    try:
        subprocess.run(["cp", "-a", f"{project}/.", str(work)], check=True)
        os.chdir(work)
        yield lambda options: _remount(work, options)
    finally:
        os.chdir(work.parent)
        subprocess.run(["umount", "--lazy", str(work)], check=True)


def _remount(work: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(work)], check=True)
