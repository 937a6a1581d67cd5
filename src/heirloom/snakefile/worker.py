"""The run's side of its worker: started before the first job, ended with the run. See docs/design/0018-worker.md."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
from pathlib import Path

from heirloom.cli import client, worker

_PATIENCE_SECONDS = 60.0


def start(num_threads: int) -> str:
    """Start the worker of this run, and tell the run's jobs of it by the environment; it ends with this process, however that ends.

    There is no worker where the environment holds an empty `client.VARIABLE`, or outside Linux. Then every job starts for itself.

    Parameters
    ----------
    num_threads
        Threads of numerical work in a step.

    Returns
    -------
    The reason why no worker could be started; empty otherwise.
    """
    command = shutil.which("heirloom")
    if sys.platform != "linux" or command is None or os.environ.get(client.VARIABLE) == "":
        return ""
    try:
        address = f"heirloom-{os.getpid()}-{Path('/proc/self/ns/pid').stat().st_ino}-{os.urandom(8).hex()}"
        os.close(os.pidfd_open(os.getpid()))  # the worker needs them
        with worker.listener(address) as listener:
            number = listener.fileno()
            arguments = [command, worker.COMMAND, str(number), str(num_threads)]
            pipe = subprocess.PIPE  # its output, too: Python takes a file or a terminal for one still when a job has another in its place
            process = subprocess.Popen(arguments, stdin=pipe, stdout=pipe, pass_fds=[number], process_group=0)
    except OSError as error:
        return f"no worker for this run ({error.strerror}): every job starts for itself"
    os.environ[client.VARIABLE] = address
    atexit.register(_end, process)
    return ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the worker end: it watches its standard input. Kill a worker that does not end; the processes that it forked end with it."""
    try:
        process.communicate(timeout=_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
