"""The lock of a run that was killed: Snakemake leaves it there, and the next run on the same machine takes it away.

Every run holds a file of ours as long as it lives; the kernel lets it go, however the run ends. Whoever can have it alone knows that no run
is left. The jobs of a run on a cluster outlive the process that submitted them, so its lock is taken away by hand (docs/cluster.md).
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

HELD = Path(".heirloom/run.lock")
LOCKS = Path(".snakemake/locks")
_HERE, _CLUSTER = b"here", b"cluster"


def hold(*, runs_jobs_here: bool) -> None:
    """Hold the file until this process ends, and take away what a killed run has left in Snakemake's folder of locks.

    Nothing happens where the folder cannot be written, or its file system knows no such locks.

    Parameters
    ----------
    runs_jobs_here
        Whether the jobs of this run end with it.
    """
    with suppress(OSError):
        HELD.parent.mkdir(exist_ok=True)
        file = os.open(HELD, os.O_RDWR | os.O_CREAT, 0o644)  # not closed: it is held
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not runs_jobs_here:
                _note(file, _CLUSTER)
        else:
            _clear(file, _HERE if runs_jobs_here else _CLUSTER)
        fcntl.flock(file, fcntl.LOCK_SH)


def _clear(file: int, kind: bytes) -> None:
    """Remove the locks of killed runs whose jobs have ended with them, and note of which kind this run is."""
    locks = [*LOCKS.glob("*.lock")]
    if locks and os.pread(file, len(_CLUSTER), 0) == _HERE:
        for lock in locks:
            lock.unlink(missing_ok=True)
        locks = []
    if not locks:
        _note(file, kind)


def _note(file: int, kind: bytes) -> None:
    os.ftruncate(file, 0)
    os.pwrite(file, kind, 0)
