"""One program of the user's for a whole lineage: started once, and asked in turn to train and to sample, generation by generation.

It is handed the same files as the commands of single steps, and what it makes is taken by the same rules.
"""

from __future__ import annotations

import json
import os
import select
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar

from heirloom.errors import HeirloomError, short
from heirloom.runtime import program
from heirloom.specs.programs import Program

_CHUNK_BYTES = 1 << 16


class Dialogue:
    """The requests that a program is sent, and its answers.

    A request is a line of JSON on the program's standard input: ``step``, the step's placeholders without their braces, and ``answer``,
    the line that the program prints when it has done what it was asked for. What else it prints goes to the job's log.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes]) -> None:
        self._name, self._process = name, process
        self._num_requests = 0
        self._unread = b""

    def ask(self, step: str, places: Mapping[str, str], time_limit: float | None) -> None:
        """Ask for a step, and wait until the program says that it is done.

        Raises
        ------
        HeirloomError
            If the program ends without an answer, or the time is up.
        """
        self._num_requests += 1
        answer = f"done {self._num_requests}"
        request = {"step": step, **{name.strip("{}"): place for name, place in places.items()}, "answer": answer}
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it has ended, and so has its output
            self._process.stdin.write(f"{json.dumps(request)}\n".encode())
            self._process.stdin.flush()
        end = None if time_limit is None else time.monotonic() + time_limit
        for line in self._lines(end):
            if line.rstrip() == answer.encode():
                return
            os.write(program.STANDARD_ERROR, line)
        raise HeirloomError(f"command {self._name}: asked to {step}: {self._fault(time_limit, end)}")

    def _lines(self, end: float | None) -> Iterator[bytes]:
        """Yield the lines that the program prints until its output ends or the time is up."""
        assert self._process.stdout is not None
        output = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(output, select.POLLIN)
        while True:
            line, newline, rest = self._unread.partition(b"\n")
            if newline:
                self._unread = rest
                yield line + newline
                continue
            milliseconds = None if end is None else max(0.0, 1000 * (end - time.monotonic()))
            chunk = os.read(output, _CHUNK_BYTES) if poll.poll(milliseconds) else b""
            if not chunk:
                yield self._unread
                return
            self._unread += chunk

    def _fault(self, time_limit: float | None, end: float | None) -> str:
        """Return why there is no answer; the program is ended with the block that it was started for."""
        if end is not None and time.monotonic() >= end:
            return f"not done after {time_limit:g} s, the time_limit; it was ended"
        try:
            status = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return "it closed its output without an answer"
        return program.ending(status) if status else "it ended without an answer"


_DIALOGUE: ContextVar[Dialogue | None] = ContextVar("dialogue", default=None)


def whole_lineage(lineage: Program) -> AbstractContextManager[None]:
    """Let one program train and sample all that is trained and sampled inside the block; it is started and ended with the block."""
    return _whole_lineage(lineage)


@contextmanager
def _whole_lineage(lineage: Program) -> Iterator[None]:
    with program.asked(lineage.command, python=lineage.python) as process:
        reset = _DIALOGUE.set(Dialogue(short(shlex.join(lineage.command), 200), process))
        try:
            yield
        finally:
            _DIALOGUE.reset(reset)


def dialogue() -> Dialogue | None:
    """Return the program that is asked for steps here, if one is."""
    return _DIALOGUE.get()


def command_key(step: str) -> str:
    """Return the key of the config whose command does a step here, for messages."""
    return f"family.{step}.command" if dialogue() is None else "family.lineage.command"
