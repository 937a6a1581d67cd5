"""A child process that opens files which others have made: what ends it, or takes too long or too much memory, is one line.

The libraries that read Parquet, Arrow, safetensors, GGUF or pictures are written in C++ and Rust: a file that is damaged in the right
place ends the process that reads it, or keeps it busy for ever. So a command forks one child, before it has any thread, and the child
does all that touches such files. It says which file it opens, and at its end its answer, as lines of JSON; nothing that it sends is run
or unpickled. See docs/design/0022-strangers-files.md.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from heirloom.errors import HeirloomError, short
from heirloom.runtime import usage, variables

SECONDS, MEGABYTES = "HEIRLOOM_FILE_SECONDS", "HEIRLOOM_FILE_MB"
"""Environment variables: what a child may take beside what the size of its files grants it."""

_SECONDS, _MEGABYTES = 600, 2000
_BYTES_A_SECOND = 100_000
"""The slowest reading that is granted: what an old network disk gives, a tenth of what a slow tokenizer takes."""
_MB = 1_000_000
_TICK_SECONDS = 0.05
"""How often memory is looked at: a child that asks for 5 GB a second is ended 250 MB above its limit."""
_MOST_BYTES = 1 << 24
"""Of all that a child may send."""
_LONGEST_NAME, _LONGEST_LINE, _MOST_LINES = 300, 10_000, 1000
_PATIENCE_SECONDS = 2.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

_OUT_OF_MEMORY = "memory ran out, or somebody ended it"
_DAMAGED = "it is damaged, or the library that reads it has a fault"

_pipes: list[int] = []
"""In a child the file that leads to its parent; empty in any other process."""


@dataclass(frozen=True)
class Limits:
    """What a child may take.

    Attributes
    ----------
    seconds, megabytes
        Of the wall clock, and of memory of its own (10**6 bytes; pages of mapped files are not counted).
    time_key, memory_key
        What raises them: the name of a key, an option or an environment variable, for messages.
    """

    seconds: float
    megabytes: float
    time_key: str = SECONDS
    memory_key: str = MEGABYTES


def limits(files: Iterable[Path], growth: float) -> Limits:
    """Return what reading some files may take: what the environment says, and more for larger files.

    Parameters
    ----------
    growth
        Bytes of memory for each byte of the files.

    Raises
    ------
    HeirloomError
        If an environment variable holds no number.
    """
    num_bytes = sum(file.stat().st_size for file in files if file.is_file())
    seconds = variables.number(SECONDS, _SECONDS, "seconds") + num_bytes / _BYTES_A_SECOND
    return Limits(seconds, variables.number(MEGABYTES, _MEGABYTES, "megabytes") + growth * num_bytes / _MB)


def opening(what: str | Path) -> None:
    """Tell the parent which file is opened next, for its message if this process dies; outside a child do nothing."""
    if _pipes:
        _send({"opening": short(str(what), _LONGEST_NAME)})


def in_child(work: Callable[[], Any], granted: Limits, what: str) -> Any:
    """Return what a function returns in a child process, which prints where this process prints and ends with it.

    A child of a child is none: a function that is called in one is called there.

    Parameters
    ----------
    work
        Returns what JSON can spell.
    what
        What is read, for messages, until the child says which file it opens.

    Raises
    ------
    HeirloomError
        The child's own; or that it was killed, or took more than it is granted, with the file that it had opened last.
    """
    if _pipes:
        return work()
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # else the child's first look for garbage copies all that this process holds
    with tempfile.TemporaryDirectory(prefix="heirloom-", ignore_cleanup_errors=True) as scratch:
        parent, (parent_end, child_end) = os.getpid(), os.pipe()
        inherited = usage.private_bytes(parent) / _MB
        process = os.fork()
        if process == 0:
            os.close(parent_end)
            _be_child(work, child_end, parent, scratch)
        os.close(child_end)
        watch = _Watch(process, parent_end, granted, what, inherited)
        try:
            with _ended(process):
                status = watch.wait()
        finally:
            os.close(parent_end)
        return watch.answer(status)


class _Watch:
    """What a parent knows of a child: what it has said, and what it takes."""

    def __init__(self, process: int, pipe: int, granted: Limits, what: str, inherited: float) -> None:
        self.process, self.pipe, self.granted, self.what = process, pipe, granted, what
        self.inherited = inherited  # megabytes that the parent held before: the system counts them for both
        self.text = b""

    def wait(self) -> int:
        """Return the child's status, as `os.waitpid` spells it, once it has ended.

        Raises
        ------
        HeirloomError
            If it takes more than it is granted, or says more than any answer has.
        """
        look = time.monotonic()
        deadline = look + self.granted.seconds
        os.set_blocking(self.pipe, False)
        poll = select.poll()
        poll.register(self.pipe, select.POLLIN)
        while True:
            ended, status = os.waitpid(self.process, os.WNOHANG)
            has_news = poll.poll(0 if ended else _TICK_SECONDS * 1000)
            if has_news and not self._read():
                poll.unregister(self.pipe)
            if ended:
                return status
            if time.monotonic() >= look:  # not at every word of a child that opens a thousand files
                self._check(deadline)
                look = time.monotonic() + _TICK_SECONDS

    def answer(self, status: int) -> Any:
        """Return the answer of a child that has ended.

        Raises
        ------
        HeirloomError
            The child's own, or that it has given none.
        """
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            cause = _OUT_OF_MEMORY if number == signal.SIGKILL else _DAMAGED
            raise HeirloomError(f"{self.place}: what read it was killed by signal {number} ({_name_of(number)}): {cause}")
        last = self._messages()[-1:]
        match last:
            case [{"answer": answer}]:
                return answer
            case [{"refused": [*lines]}]:
                raise HeirloomError(*map(str, lines))
            case [{"failed": code}] if isinstance(code, int):
                raise SystemExit(code)  # it has printed its traceback
        raise HeirloomError(f"{self.place}: what read it ended without an answer (status {os.waitstatus_to_exitcode(status)})")

    @property
    def place(self) -> str:
        """The file that was opened last."""
        opened = (message["opening"] for message in reversed(self._messages()) if "opening" in message)
        return str(next(opened, self.what))

    def _read(self) -> bool:
        """Take what has been said; return whether there can be more."""
        try:
            while news := os.read(self.pipe, 1 << 16):
                self.text += news
                if len(self.text) > _MOST_BYTES:
                    return False
        except BlockingIOError:
            return True
        return False

    def _check(self, deadline: float) -> None:
        if len(self.text) > _MOST_BYTES:
            raise HeirloomError(f"{self.place}: what reads it says more than {_MOST_BYTES:,} bytes")
        if time.monotonic() > deadline:
            limit = f"{self.granted.seconds:,g} s"
            raise HeirloomError(f"{self.place}: reading it takes more than {limit}; {self.granted.time_key} raises the limit")
        if usage.private_bytes(self.process) / _MB - self.inherited > self.granted.megabytes:
            limit = f"{self.granted.megabytes:,.0f} MB of memory"
            raise HeirloomError(f"{self.place}: reading it takes more than {limit}; {self.granted.memory_key} raises the limit")

    def _messages(self) -> list[dict[str, Any]]:
        """Return what was said, as far as it is what a child says."""
        messages = []
        for line in self.text.split(b"\n"):
            with suppress(ValueError, RecursionError):
                message = json.loads(line)
                messages += [message] if isinstance(message, dict) else []
        return messages


@contextmanager
def _ended(process: int) -> Iterator[None]:
    """See to it that a child does not outlive a block that ends badly: after an interruption it may tidy up for a moment."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, HeirloomError):
            os.kill(process, signal.SIGINT)
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while time.monotonic() < deadline:
                if os.waitpid(process, os.WNOHANG)[0]:
                    raise
                time.sleep(_TICK_SECONDS)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        raise


def _be_child(work: Callable[[], Any], pipe: int, parent: int, scratch: str) -> NoReturn:
    """Do the work, say what came of it, and end without what the parent does at its end."""
    code = 1
    try:
        _die_with(parent)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        tempfile.tempdir = os.environ["TMPDIR"] = scratch
        _pipes.append(pipe)
        code = _say_answer(work)
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _say_answer(work: Callable[[], Any]) -> int:
    """Send what came of the work; return the status to end with."""
    try:
        _send({"answer": work()})
    except HeirloomError as error:
        _send({"refused": [short(line, _LONGEST_LINE) for line in error.lines[:_MOST_LINES]]})
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BaseException:  # noqa: BLE001  what Rust panics with is no Exception
        traceback.print_exc()
        _send({"failed": 1})
        return 1
    return 0


def _die_with(parent: int) -> None:
    """Let the kernel kill this process when its parent is gone, where it is Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _send(message: Mapping[str, Any]) -> None:
    text = memoryview(json.dumps(message).encode() + b"\n")
    while text:
        text = text[os.write(_pipes[0], text) :]


def _name_of(number: int) -> str:
    return signal.Signals(number).name if number in set(signal.Signals) else "unknown"
