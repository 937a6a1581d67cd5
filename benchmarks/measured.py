"""CPU seconds and peak memory of one command, whatever the process that asks has in memory itself."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

# A process begins with the peak of the one that started it; so a small process starts the command.
_STARTER = """
import os, sys
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 1, 2)])
_, status, used = os.wait4(pid, 0)
print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr)
"""


class Usage(NamedTuple):
    """What a command has used: CPU seconds, peak memory in MB; its exit status and what it printed."""

    seconds: float
    memory: float
    status: int
    printed: str


def measured(command: Sequence[str], folder: str | Path = ".", variables: Mapping[str, str] | None = None) -> Usage:
    """Return what a command uses that runs in a folder with some further environment variables."""
    with tempfile.TemporaryFile("w+b") as printed:
        starter = [sys.executable, "-S", "-E", "-c", _STARTER, *command]
        environment = {**os.environ, **(variables or {})}
        done = subprocess.run(starter, cwd=folder, env=environment, stdout=printed, stderr=subprocess.PIPE, text=True, check=True)
        printed.seek(0)
        text = printed.read().decode(errors="replace")
    status, seconds, kilobytes = done.stderr.split()[-3:]
    return Usage(float(seconds), int(kilobytes) / 1000, int(status), text)
