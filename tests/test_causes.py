"""Why a command failed: the line that a person needs, out of what logs and statuses say."""

from __future__ import annotations

import subprocess
import sys

import pytest

from heirloom import causes, errors

CHAINED = """
try:
    {}["first"]
except KeyError as error:
    raise RuntimeError("the second") from error
"""
TORCHRUN = """[rank0]: Traceback (most recent call last):
[rank0]:   File "x.py", line 1, in <module>
[rank0]: ValueError: not this
Traceback (most recent call last):
  File "x.py", line 1, in <module>
ValueError: the process's own
E1130 02:00:00.0 1 torch/distributed/elastic/multiprocessing/api.py:1] failed (exitcode: 1) local_rank: 0 (pid: 1) of binary: python
Traceback (most recent call last):
  File "run.py", line 1, in <module>
    run()
torch.distributed.elastic.multiprocessing.errors.ChildFailedError:
============================================================
heirloom FAILED
"""


def test_bad_input_is_the_last_line_of_heirlooms_own() -> None:
    assert causes.bad_input("training: 3 of 9\nheirloom: first\nheirloom: rows is 3\nTraceback of torchrun\n") == "rows is 3"
    assert causes.bad_input("a line that quotes heirloom: no\n") == ""


def test_a_bug_is_the_exception_that_came_last() -> None:
    process = subprocess.run([sys.executable, "-c", CHAINED], text=True, capture_output=True, check=False)
    assert causes.exception(process.stderr) == "RuntimeError: the second"
    assert causes.exception(TORCHRUN) == "ValueError: the process's own"
    assert causes.exception("training: 3 of 9\n") == ""


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("Command 'x' died with <Signals.SIGKILL: 9>.", "killed by signal 9, probably out of memory"),
        ("Command 'x' returned non-zero exit status 137.", "killed by signal 9, probably out of memory"),
        ("Command 'x' returned non-zero exit status 143.", "killed by signal 15 (SIGTERM)"),
        ("traceback : Signal 11 (SIGSEGV) received by PID 7", "killed by signal 11 (SIGSEGV)"),
        ("slurmstepd: error: Detected 1 oom_kill event in StepId=3.0", "killed, because it ran out of the memory that its job had"),
        ("slurmstepd: error: *** JOB 3 CANCELLED DUE TO TIME LIMIT ***", "killed, because it ran out of the time that its job had"),
        ("Command 'x' returned non-zero exit status 2.", ""),
        ("Command 'x' returned non-zero exit status 255.", ""),
        ("gloo: TIMEOUT", ""),
    ],
)
def test_a_signal_is_named_and_a_status_that_is_none_is_not(text: str, cause: str) -> None:
    assert causes.signal_of_kill(text) == cause


def test_a_cause_is_one_line_and_what_is_printed_is_short_and_moves_no_cursor() -> None:
    assert causes.one_line("two\nlines\x1b[2K and\x07 a bell") == "two lines\x1b[2K and\x07 a bell"
    assert errors.line(causes.one_line("two\nlines\x1b[2K")) == r"heirloom: two lines\x1b[2K"
    assert len(errors.line(causes.bad_input(f"heirloom: {'y' * 10**6}\n"))) == errors.LONGEST_LINE
