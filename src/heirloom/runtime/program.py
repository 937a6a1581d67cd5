"""A program of the user's, run to its end: started from a list of arguments and never by a shell, its output in the job's log.

It has a session of its own, so that it and all that it has started can be ended together.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from heirloom.errors import HeirloomError, short

TIME_LIMITS, TIME_LIMIT = "HEIRLOOM_TIME_LIMITS", "HEIRLOOM_TIME_LIMIT"
"""Environment variables: the time limits of all experiments, as JSON, which a run tells its jobs, and that of a job's own, in seconds.

They are told so because no byte depends on them: a limit in a slice would run everything anew when it is raised.
"""

_LONGEST_NAME = 200
_PATIENCE_SECONDS = 60.0
STANDARD_ERROR = 2
OUTPUT_PLACE = "what it printed stands above, or in the job's log"
"""Where to look for what a program has said: in a run in the log, and a check prints it above its own lines."""


def limits_for_jobs(limits: Mapping[str, float]) -> None:
    """Tell the jobs of a run after how many seconds the commands of each experiment are ended."""
    os.environ[TIME_LIMITS] = json.dumps(limits)


def limit_job(experiment: str) -> None:
    """Settle the time limit of this job's commands: that of its experiment."""
    limits = json.loads(os.environ.get(TIME_LIMITS, "{}"))
    os.environ[TIME_LIMIT] = str(limits.get(experiment, ""))


def job_limit() -> float | None:
    """Return the seconds after which a command of this job is ended; None for no limit."""
    limit = os.environ.get(TIME_LIMIT)
    return float(limit) if limit else None


def run(arguments: Sequence[str], *, python: str | None = None, time_limit: float | None = None) -> None:
    """Run a program; all that it prints goes to this process's standard error, which is the log of a job.

    Parameters
    ----------
    arguments
        The program and its arguments, each handed over as it is.
    python
        The interpreter of a virtual environment that the program runs in: its folder comes first in the search path.
    time_limit
        Seconds after which the program and its children are ended; None for no limit.

    Raises
    ------
    HeirloomError
        If there is no such program, it ends with another status than 0, or its time is up.
    """
    with _started(arguments, python, STANDARD_ERROR) as process:
        process.wait(time_limit)
    _check(arguments, process.returncode)


def printed(arguments: Sequence[str], *, python: str | None = None, time_limit: float | None = None) -> str:
    """Return what a program prints, without blanks around it; parameters and errors as for `run`."""
    with _started(arguments, python, subprocess.PIPE) as process:
        output, _ = process.communicate(timeout=time_limit)
    _check(arguments, process.returncode)
    return str(output.decode(errors="replace").strip())


@contextmanager
def running(arguments: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a program that goes on as long as the block does, and is then ended with all that it has started.

    Raises
    ------
    HeirloomError
        If there is no such program.
    """
    with _started(arguments, None, STANDARD_ERROR) as process:
        yield process


@contextmanager
def asked(arguments: Sequence[str], *, python: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a program whose standard input and output are pipes to this process; after the block its input ends, and then it has to end.

    Raises
    ------
    HeirloomError
        If there is no such program, or it ends with another status than 0.
    """
    with _started(arguments, python, subprocess.PIPE, subprocess.PIPE) as process:
        yield process
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=_PATIENCE_SECONDS)
            _check(arguments, process.returncode)


@contextmanager
def _started(
    arguments: Sequence[str], python: str | None, stdout: int, stdin: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """Yield a program that has been started; whatever ends this process's part, all that the program has started ends with it."""
    try:
        process = subprocess.Popen(arguments, env=_environment(os.environ, python), stdin=stdin, stdout=stdout, start_new_session=True)
    except OSError as error:
        raise HeirloomError(f"{_name(arguments)}: cannot be started: {error.strerror}: {arguments[0]!r}") from None
    try:
        with _stopping_by_exception():
            yield process
    except subprocess.TimeoutExpired as error:
        raise HeirloomError(f"{_name(arguments)}: not done after {error.timeout:g} s, the time_limit; it was ended") from None
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a program's session, close the pipes to the program, and wait for it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(BrokenPipeError), process:
        pass


@contextmanager
def _stopping_by_exception() -> Iterator[None]:
    """Turn a SIGTERM to this process, by which a scheduler ends a job, into an exception: the program must not outlive the job."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():  # which alone is given signals
        yield
        return
    previous_handler = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous_handler)


def _environment(variables: Mapping[str, str], python: str | None) -> dict[str, str]:
    """Return the environment of a program: this one's, or that of an activated virtual environment."""
    if python is None:
        return dict(variables)
    scripts = Path(python).absolute().parent
    path = os.pathsep.join([str(scripts), variables.get("PATH", os.defpath)])
    foreign = {"PYTHONPATH", "PYTHONHOME"}
    return {name: value for name, value in variables.items() if name not in foreign} | {"PATH": path, "VIRTUAL_ENV": str(scripts.parent)}


def _check(arguments: Sequence[str], status: int) -> None:
    if status:
        raise HeirloomError(f"{_name(arguments)}: {ending(status)}")


def ending(status: int) -> str:
    """Return how a program has ended, for messages."""
    cause = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
    return f"{cause}; {OUTPUT_PLACE}"


def _name(arguments: Sequence[str]) -> str:
    return f"command {short(shlex.join(arguments), _LONGEST_NAME)}"
