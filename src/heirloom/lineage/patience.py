"""Patience: a process that asks a remote is ended when nothing has come of it for a while, because a remote may never answer.

The limit is on silence and not on the whole: a large folder takes as long as it takes. A process is not silent while the bytes that it
has written grow, or while it computes.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from heirloom.errors import HeirloomError
from heirloom.runtime import variables

REMOTE_SECONDS = "HEIRLOOM_REMOTE_SECONDS"
"""Environment variable: the seconds for which a remote may be silent; 0 for no limit."""
_SECONDS = 60.0
_POLL_SECONDS = 0.5
_COMPUTED_SECONDS = 0.05
"""CPU seconds that count as a sign of life; one that waits for a remote takes 0.01 in 36 s."""
_WRITTEN = re.compile(r"^wchar: (\d+)$", re.MULTILINE)


class SilenceError(HeirloomError):
    """A remote that has been silent for too long. What the process had printed until then is in ``output``."""

    def __init__(self, seconds: float, output: str) -> None:
        longer = f"{REMOTE_SECONDS}={10 * seconds:g} waits longer"
        super().__init__(f"nothing came from the remote for {seconds:g} s, the limit; the environment variable {longer}")
        self.output = output


def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a command that asks a remote, and return what it printed and its exit status.

    Raises
    ------
    SilenceError
        If it has been silent for longer than the limit. It is killed.
    HeirloomError
        If the environment variable of the limit holds no number of seconds.
    """
    limit = variables.seconds(REMOTE_SECONDS, _SECONDS)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, errors="backslashreplace") as process:
        activity, since = _activity(process.pid), time.monotonic()
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    output, errors = process.communicate(timeout=_POLL_SECONDS)
                    return subprocess.CompletedProcess(command, process.returncode, output, errors)
                if _activity(process.pid) != activity:
                    activity, since = _activity(process.pid), time.monotonic()
                if limit and time.monotonic() - since > limit:
                    process.kill()
                    raise SilenceError(limit, process.communicate()[0])
        finally:
            process.kill()  # does nothing to one that has ended


def _activity(process: int) -> tuple[str, int]:
    """Return the bytes that a process has written and how often it has computed for so long; on a system that does not tell, constants."""
    try:
        place = Path("/proc", str(process))
        written = _WRITTEN.findall((place / "io").read_text())
        user, system = (place / "stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return "", 0
    return "".join(written), int((int(user) + int(system)) / os.sysconf("SC_CLK_TCK") / _COMPUTED_SECONDS)
