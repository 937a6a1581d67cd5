"""What `heirloom check` does with a config in this process, watched: what it writes, what it starts, how long it takes."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from heirloom import preflight
from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.errors import LONGEST_LINE, HeirloomError, printed
from heirloom.lineage import layout
from heirloom.sources import strangers

SECONDS = 2.0
"""CPU time of a case."""
_HANGS = 120
"""Seconds of a clock after which a case that waits for something is ended."""
_AGAIN = 0.5
"""Seconds until another try: what is raised in a callback of the interpreter is lost."""
_PROGRAMS = (
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.system",
    "subprocess.Popen",
    "socket.connect",
    "socket.bind",
)
_CONNECTIONS = ("socket.bind", "socket.connect", "socket.getaddrinfo")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = ("os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate", "shutil.rmtree")


class Stray(BaseException):
    """What no config may do when it is checked; no handler of ours takes it for an error."""


class _Watch:
    """Tells of every program that is started and every file that is written while it is on, and forbids them."""

    def __init__(self) -> None:
        self.is_on = False
        self.project = ""
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.is_on:
            return
        if event in _PROGRAMS or event in _CONNECTIONS:
            raise Stray(f"{event} {arguments[:2]!r}")
        if event in _CHANGES or (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        ):
            self._check_place(event, arguments[0])

    def _check_place(self, event: str, place: Any) -> None:
        """Allow what Heirloom remembers of files it has hashed, and nothing else."""
        if isinstance(place, int):
            return
        absolute = os.path.normpath(os.path.join(self.project, os.fsdecode(place)))  # noqa: PTH118  pathlib would look at links
        if not absolute.startswith((f"{self.project}/.heirloom", "/dev/null")):
            raise Stray(f"{event} {absolute}")


WATCH = _Watch()


def _too_long(signum: int, frame: Any) -> None:
    raise Stray(f"no end within {_HANGS if signum == signal.SIGALRM else SECONDS} s")


@contextmanager
def watched(project: Path) -> Iterator[None]:
    """End what takes too long, starts a program, or writes; of modules that are first imported here nothing is kept."""
    keeps_bytecode = not sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    before = {number: signal.signal(number, _too_long) for number in (signal.SIGALRM, signal.SIGPROF)}
    WATCH.project, WATCH.is_on = str(project), True
    signal.setitimer(signal.ITIMER_REAL, _HANGS, _AGAIN)
    signal.setitimer(signal.ITIMER_PROF, SECONDS, _AGAIN)
    try:
        yield
    finally:
        WATCH.is_on = False
        sys.dont_write_bytecode = not keeps_bytecode
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def judged(config: Config) -> None:
    """Do what `heirloom check` does with a config that has been read; what it does in a child process is done in this one."""
    layout.check(config)
    experiments = config.experiments.values()
    strangers.granted([one.source for one in experiments], [one.pretrained for one in experiments if one.pretrained is not None])
    preflight.cheap(config)


def check_words(config: Config) -> None:
    """Every name that reaches a rule's command is one word to a shell, and every path lies in data/ or results/."""
    for experiment, regime, seed in list(config.lineages())[:20]:
        for path in (kinds.LINEAGE.path(experiment, regime, seed), kinds.REAL_FOLDER.of_pool(experiment, seed)):
            assert shlex.quote(path) == path
            assert os.path.normpath(path) == path.rstrip("/")
            assert path.startswith("data/")


def outcome(project: Path, read: Any) -> str:
    """Return ``accepted`` or ``refused``; anything else is an error of the test."""
    try:
        with watched(project):
            config = read()
            judged(config)
    except HeirloomError as error:
        lines = printed(error)
        assert lines
        assert all(line.isprintable() and len(line) <= LONGEST_LINE for line in lines), lines
        return "refused"
    check_words(config)
    return "accepted"
