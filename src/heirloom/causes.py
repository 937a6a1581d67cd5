"""Why a command failed, in one line: from what it has written, and from the status that it ended with."""

from __future__ import annotations

import re
import signal

from heirloom import errors

_TRACEBACK = "Traceback (most recent call last):"
LEFT_OUT = re.compile(r"^Job (\d+) +completed successfully, but some output files are missing\.", re.MULTILINE)
"""How Snakemake begins to say that a job's command has ended well without one of its outputs; in it the job's number."""

_OF_TORCHRUN = "ChildFailedError"
_SIGNALS = (
    re.compile(r"died with <Signals\.(?P<name>SIG\w+): \d+>"),  # a command that a shell has handed its process to
    re.compile(r"returned non-zero exit status (?P<status>\d+)\.?\s*$", re.MULTILINE),
    re.compile(r"Signal \d+ \((?P<name>SIG\w+)\) received by PID"),  # torchrun, of one of its processes
)
_OUT_OF_MEMORY = re.compile(r"oom[-_]kill event|exceeded (?:job |step )?memory limit|SLURM status is: 'OUT_OF_MEMORY'", re.IGNORECASE)
_OUT_OF_TIME = re.compile(r"DUE TO TIME LIMIT|SLURM status is: 'TIMEOUT'")


def one_line(text: str) -> str:
    """Return a text without its ends of lines; who prints it gives it the shape of `errors.line`."""
    return " ".join(text.split())


def bad_input(log: str) -> str:
    """Return the message of the `HeirloomError` that ended a command, by its log; an empty string if none did."""
    messages = [line for line in log.splitlines() if line.startswith(errors.NAME)]
    return one_line(messages[-1].removeprefix(errors.NAME)) if messages else ""


def exception(log: str) -> str:
    """Return the last line of the exception that ended a command, by its log; an empty string if none did.

    What torchrun says when one of its processes has failed comes after what that process has said, and tells less.
    """
    parts = [_last_line(part) for part in log.split(_TRACEBACK)[1:]]
    lines = [line for line in parts if line and _OF_TORCHRUN not in line]
    return one_line(lines[-1]) if lines else ""


def signal_of_kill(text: str) -> str:
    """Return by what signal a command was killed, if a text says that one was; else an empty string.

    Parameters
    ----------
    text
        What Python's subprocess, a shell, Slurm or torchrun say of a command that has ended.
    """
    if _OUT_OF_MEMORY.search(text):
        return "killed, because it ran out of the memory that its job had"
    if _OUT_OF_TIME.search(text):
        return "killed, because it ran out of the time that its job had"
    numbers = (_signal(match) for pattern in _SIGNALS for match in pattern.finditer(text))
    number = next((number for number in numbers if number), 0)
    if not number:
        return ""
    cause = ", probably out of memory" if number == signal.SIGKILL else f" ({signal.Signals(number).name})"
    return f"killed by signal {number}{cause}"


def left_out(text: str) -> str:
    """Return which outputs a command left out though it ended well, if Snakemake's text says so; else an empty string."""
    match = LEFT_OUT.search(text)
    if match is None:
        return ""
    message = text[match.end() :]
    file_lines = message.partition("--latency-wait:")[2].strip() or message.strip()
    files = ", ".join(re.sub(r" \(missing locally.*\)$", "", line) for line in file_lines.splitlines())
    return one_line(f"its command ended well, but has not written {files}")


def exit_status(text: str) -> str:
    """Return ``exit status N`` if a text says so of a command, else an empty string."""
    matches = re.findall(r"non-zero exit status (\d+)", text)
    return f"exit status {matches[-1]}" if matches else ""


def _signal(match: re.Match[str]) -> int:
    """Return the number of the signal in a match of `_SIGNALS`; a shell adds 128 to it. 0 if there is none."""
    groups = match.groupdict()
    name = groups.get("name")
    if name:
        return getattr(signal, name, 0)
    number = int(groups["status"]) - 128
    return number if number in set(signal.Signals) else 0


def _last_line(traceback: str) -> str:
    """Return the exception's own line: the first below the frames, which are indented."""
    lines = traceback.splitlines()[1:]
    return next((line for line in lines if line.strip() and not line.startswith((" ", "\t"))), "")
