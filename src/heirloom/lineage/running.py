"""The note of a run that is under way: which process it is, on which machine, and since when. It ends with the run."""

from __future__ import annotations

import atexit
import json
import os
import socket
import time
from pathlib import Path
from typing import NamedTuple

from heirloom.artefacts.files import dumps, write_text

NOTE = Path(".heirloom/run.json")


class Run(NamedTuple):
    """A run of Snakemake; ``since`` is in seconds of the epoch."""

    host: str
    process: int
    since: float

    @property
    def is_here(self) -> bool:
        """Whether its process is on this machine."""
        return self.host == socket.gethostname()

    @property
    def has_ended(self) -> bool:
        """Whether it has ended without taking its note away, as after a kill; of a run on another machine nobody can tell here."""
        return self.is_here and not _exists(self.process)


def begin() -> None:
    """Leave the note, which this process takes away when it ends."""
    write_text(NOTE, dumps(Run(socket.gethostname(), os.getpid(), time.time())._asdict()))
    atexit.register(_end, os.getpid())


def read() -> Run | None:
    """Return the run whose note is here; None without one that can be read."""
    try:
        content = json.loads(NOTE.read_text(encoding="utf-8"))
        return Run(str(content["host"]), int(content["process"]), float(content["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _end(process: int) -> None:
    if os.getpid() == process:  # and not one that was forked from it
        NOTE.unlink(missing_ok=True)


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
