"""Commands that are killed at moments drawn from a seed, each in a process that was forked with all imports done, and what they leave.

Two kinds of moments: a process is killed alone when it is about to change a file for the nth time, and it is killed with its whole group
after some seconds, whatever it or its children do then. In between, a process is killed alone after some seconds, and its children go on.
"""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heirloom.cli import commands
from heirloom.diffs import engine
from heirloom.diffs.render import html
from heirloom.export import attestations, crate, croissant, huggingface
from heirloom.lineage import record, repair, restore

IMPORTED = (engine, html, attestations, crate, croissant, huggingface, record, repair, restore)
"""What commands import when they are called: imported here once for all of them."""
_CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "os.chmod", "subprocess.Popen", "shutil.copyfile")
_WRITING = os.O_WRONLY | os.O_RDWR
_POLL_SECONDS = 0.02
OUTPUT = "output.txt"
"""What a command prints, beside the project."""


@dataclass
class Toll:
    """What came of the kills of one command.

    Attributes
    ----------
    kills
        Processes that were killed before they ended.
    refused
        Commands that a kill left undone and that the next call did not do.
    different
        Projects that after that call were not what an unbroken command makes.
    orphans
        Processes that worked in the project half a minute after a kill.
    """

    kills: int = 0
    refused: int = 0
    different: int = 0
    orphans: int = 0


def command(*arguments: str) -> Callable[[], None]:
    """Return the command line with some arguments, to be called in a process of its own."""

    def call() -> None:
        sys.argv = ["heirloom", *arguments]
        commands.run()

    return call


def printed(call: Callable[[], None], largest: int = resource.RLIM_INFINITY) -> tuple[int, str]:
    """Call a function in a forked process to its end, and return its exit status and what it printed.

    Parameters
    ----------
    largest
        Bytes that no file may exceed.
    """
    reader, writer = os.pipe()
    process = start(call, output=writer, largest=largest)
    os.close(writer)
    with os.fdopen(reader, errors="replace") as file:
        text = file.read()
    return status_of(process), text


def start(
    call: Callable[[], None], *, changes: int = 0, count: Path | None = None, output: int = -1, largest: int = resource.RLIM_INFINITY
) -> int:
    """Call a function in a forked process with a group of its own, and return its number.

    Parameters
    ----------
    changes
        The change of a file at which it kills itself; 0 for none.
    count
        A file for how many changes it has made in the end.
    output
        The file that it prints to; `OUTPUT` where none is given.
    largest
        Bytes that no file may exceed.
    """
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        os.setsid()
        output = os.open(f"../{OUTPUT}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC) if output < 0 else output
        for number in (1, 2):
            os.dup2(output, number)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
        sys.stdout = sys.stderr = open(1, "w", closefd=False)  # noqa: SIM115, pytest has put others in their place
        _call(call, changes, count)
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001, which would end pytest's own process a second time
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def _call(call: Callable[[], None], changes: int, count: Path | None) -> None:
    number = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal number
        if event in _CHANGES or (event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING):
            number += 1
            if number == changes:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    try:
        call()
    finally:
        if count:
            count.write_text(str(number))


def status_of(process: int) -> int:
    """Wait for a process, and return its exit status, or the negative number of the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def kill_after(process: int, seconds: float, *, whole_group: bool) -> int:
    """Kill a process, or its group, after some seconds; return its exit status as `status_of` does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_POLL_SECONDS)
    (os.killpg if whole_group else os.kill)(process, signal.SIGKILL)
    return status_of(process)


def wait_for_children(folder: Path, seconds: float = 30) -> list[int]:
    """Wait until no process works in a folder but this one, and return those that still do after some seconds."""
    end = time.monotonic() + seconds
    while (left := processes_in(folder)) and time.monotonic() < end:
        time.sleep(_POLL_SECONDS)
    return left


def processes_in(folder: Path) -> list[int]:
    """Return the processes that work in a folder, but this one and zombies."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if (place / "cwd").readlink() == folder and (place / "cmdline").read_bytes() and int(place.name) != os.getpid():
                found.append(int(place.name))
        except OSError:
            continue
    return found


def copy(source: Path, target: Path) -> None:
    """Make a folder a copy of another one, links and all."""
    shutil.rmtree(target, ignore_errors=True)
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def digests(folder: Path, places: Sequence[str]) -> dict[str, str]:
    """Return path → sha256 of all visible files of some folders and files of a project."""
    found = {}
    for place in places:
        top = folder / place
        for file in sorted(top.rglob("*")) if top.is_dir() else [top]:
            name = file.relative_to(folder).as_posix()
            if file.is_file() and not any(part.startswith(".") for part in file.relative_to(top).parts):
                found[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    return found
