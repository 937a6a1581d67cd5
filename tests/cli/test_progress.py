"""Progress of long commands: on a terminal after two seconds, and nowhere else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

CODE = """
import sys, time
from heirloom.cli import progress
from heirloom.runtime import headway
progress.PATIENCE_SECONDS = {patience}
for number in progress.track(range(4), "verify", 4):
    time.sleep(0.1)
    print("mismatch", number, flush=True)
with progress.waiting("diff"):
    time.sleep(0.1)
with progress.waiting("export"):
    for number in headway.laps(range(8)):
        time.sleep(0.1)
print("end", flush=True)
"""


def on_a_terminal(patience: float) -> str:
    """Return what a terminal shows of the loop."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    code = CODE.format(patience=patience)
    process = subprocess.Popen([sys.executable, "-c", code], stdin=theirs, stdout=theirs, stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    while True:
        try:
            block = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not block:
            break
        shown += block
    assert process.wait() == 0
    os.close(ours)
    return shown.decode()


def test_a_terminal_has_a_bar_with_the_time_left_and_every_line_of_the_answer() -> None:
    shown = on_a_terminal(0.05)
    assert "verify" in shown
    assert "0:00:0" in shown
    assert "diff" in shown
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", shown)
    assert re.search(r"export\s[^a-z]*0:00:0\d\s+0:00:0\d", plain)  # the time that has passed, and the time left
    assert [shown.count(f"mismatch {number}") for number in range(4)] == [1, 1, 1, 1]
    assert shown.rstrip().endswith("end")


def test_a_command_that_ends_before_shows_nothing_of_it() -> None:
    assert on_a_terminal(60.0).splitlines() == [*(f"mismatch {number}" for number in range(4)), "end"]


def test_a_pipe_has_the_answer_alone() -> None:
    done = subprocess.run([sys.executable, "-c", CODE.format(patience=0.05)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [*(f"mismatch {number}" for number in range(4)), "end"]
    assert done.stderr == ""
