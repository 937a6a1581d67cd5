"""Progress on a terminal and in a log, and who speaks."""

from __future__ import annotations

import logging
import os
import pty
import subprocess
import sys

import pytest

from heirloom.runtime import meter, processes

WORK = """
import logging, sys
from heirloom.runtime import meter
logging.basicConfig(format="%(message)s", level=logging.INFO, stream=sys.stderr)
with meter.progress("training", 3000, 1000) as tell:
    for _ in range(2):
        tell(1000)
"""


def test_a_log_has_a_plain_line_as_often_as_asked_for_and_one_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    seldom = subprocess.run([sys.executable, "-c", WORK], text=True, capture_output=True, check=True)
    monkeypatch.setenv(meter.LINE_SECONDS, "0")
    often = subprocess.run([sys.executable, "-c", WORK], text=True, capture_output=True, check=True)
    assert [line.split(" tokens, ")[0] for line in seldom.stderr.splitlines()] == ["training: 3,000 of 3,000"]
    assert [line.split(" tokens, ")[0] for line in often.stderr.splitlines()] == ["training: 2,000 of 3,000", "training: 3,000 of 3,000"]
    assert all(line.endswith(" tokens/s") for line in often.stderr.splitlines())
    assert seldom.stdout == often.stdout == ""


def test_a_terminal_has_a_bar_with_tokens_a_second_and_no_lines() -> None:
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", WORK], stderr=theirs, env=os.environ | {"TERM": "xterm", "COLUMNS": "120"}, check=True)
    os.close(theirs)
    output = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "training" in output
    assert "100 %" in output
    assert "tokens/s" in output
    assert "3,000 of 3,000" not in output


def test_the_speed_leaves_out_what_was_done_before(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 0.0, 4.0])
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    with caplog.at_level(logging.INFO), meter.progress("sampling", 900, 500) as tell:
        tell(400)
    assert caplog.messages == ["sampling: 900 of 900 tokens, 100 tokens/s"]


def test_only_the_first_of_several_processes_speaks(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(processes.LAUNCHED, "1")
    monkeypatch.setenv("RANK", "1")
    with caplog.at_level(logging.INFO), meter.progress("sampling", 10) as tell:
        tell(10)
    assert caplog.messages == []


def test_a_failure_is_not_said_to_be_done(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO), pytest.raises(ValueError, match="broken"), meter.progress("training", 10):
        raise ValueError("broken")
    assert caplog.messages == []


def test_the_wait_between_two_lines_is_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEIRLOOM_TEST_SECONDS", "5")
    times = iter([0.0, 4.0, 5.0, 5.0, 9.0, 11.0, 11.0])
    monkeypatch.setattr("time.monotonic", lambda: next(times))
    is_due = meter.timer("HEIRLOOM_TEST_SECONDS")
    assert [is_due() for _ in range(4)] == [False, True, False, True]
