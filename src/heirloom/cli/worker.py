"""A run's worker: one process that has the imports, and forks a child for each job of the run. See docs/design/0018-worker.md.

`serve` is the worker itself. What it forks for a job returns from there to do the job's command; `client` is what the job's own process
does meanwhile. For each family and for the report the worker forks another one, which imports what they need, and sends clients there.
All forks are made while there is one thread, and are killed when the process that made them is gone.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from heirloom.cli import client, ending

if TYPE_CHECKING:
    from heirloom.cli.likeness import Code, Sent

COMMAND = "worker"
"""The argument with which the command `heirloom` is a worker."""
_PATIENCE_SECONDS = 10.0
_PR_SET_PDEATHSIG = 1  # linux/prctl.h

Job = dict[str, Any]
"""What a client has sent of a job, and in the process that was forked for the job the ``connection`` to the client."""


def serve(arguments: Sequence[str]) -> None:
    """Serve the jobs of a run until it ends; return in a process that was forked for a job, which then does that job's command.

    Parameters
    ----------
    arguments
        Number of the file that is the listening socket, and threads of numerical work in a step.
    """
    ending.prepare()
    file, num_threads = map(int, arguments)
    source = socket.socket(fileno=file)
    source.set_inheritable(False)
    worker = Worker(source, num_threads)
    while not (job := worker.wait()):
        pass

    from heirloom.cli import likeness

    likeness.become(job, worker.num_threads)


class Worker:
    """Waits for jobs, for signals to send on, for the end of children and for that of the run, all in one thread.

    Parameters
    ----------
    source
        The listening socket.
    num_threads
        Threads of numerical work in a step.
    """

    def __init__(self, source: socket.socket, num_threads: int) -> None:
        self.source, self.num_threads = source, num_threads
        self.stages: tuple[str, ...] = ()
        """What it has imported beside what all jobs need."""
        self.selector = selectors.PollSelector()  # a list that a child can forget; one that the kernel keeps would be shared
        self.first: Sent = {}
        self.code: Code = []
        self.workers: dict[str, int] = {}
        """Next stage → process of its worker."""
        self.jobs: dict[int, tuple[int, socket.socket]] = {}
        """Process → the file that tells of its end, and the connection to its client."""
        self._watch_sources()

    def wait(self) -> Job | None:
        """Wait until something happens, and see to it; return a job in the process that was forked for it, else None."""
        for key, _ in self.selector.select():
            is_watched = key.fd in self.selector.get_map()  # else it was closed by what came just before
            job: Job | None = key.data() if is_watched else None
            if job:
                return job
        return None

    def _watch(self, file: socket.socket | int, handler: Callable[[], Job | None]) -> None:
        self.selector.register(file, selectors.EVENT_READ, handler)

    def _watch_sources(self) -> None:
        self._watch(self.source, self._request)
        self._watch(0, self._end)

    def _request(self) -> Job | None:
        """Take a client's job: refuse it, send it to another worker or fork a process for it; return the job in that process."""
        connection, _ = self.source.accept()
        files: list[int] = []
        try:
            client.check_owner(connection)
            connection.settimeout(_PATIENCE_SECONDS)
            text, files, _, _ = socket.recv_fds(connection, client.LARGEST, 3)
            connection.settimeout(None)
            for file in files:
                os.set_inheritable(file, False)
            job: Job = json.loads(text)
            answer = self._answer(job)
            if answer is None and self._fork(job, connection, files):
                return job
        except (OSError, ValueError):  # it is no job's command, or is gone already, or the machine has no room for a process
            answer = {"refused": ""}
        if answer:
            _tell(connection, answer)
        if answer is not None:
            connection.close()
        _close(files)
        return None

    def _answer(self, job: Job) -> dict[str, str] | None:
        """Return what a client is told at once: why its job is refused, or whose job it is; None if a process is to be forked here.

        A reason is empty where such jobs always start for themselves. The first job decides the environment of all.
        """
        os.chdir(job["folder"])
        if not self.first:
            client.set_environment(job["environment"])
        from heirloom.cli import likeness

        stages, fault = likeness.stages(job, self.num_threads), likeness.fault_of_process(job)
        if stages is None or fault:
            return {"refused": fault}
        if not self.first:
            self.first, self.code = job, likeness.code_state()
            likeness.import_steps(self.num_threads)
        if fault := likeness.fault_of_imports(job, self.first, self.code):
            return {"refused": fault}
        if stages != self.stages:
            return self._send_on(stages[len(self.stages)])
        return None if likeness.is_single_thread() else {"refused": "the run's worker has more than one thread"}

    def _send_on(self, stage: str) -> dict[str, str]:
        """Return the address of the worker with one stage more, which is forked when it is first asked for; in that worker nothing."""
        from heirloom.cli import likeness

        address = f"{self.source.getsockname()[1:].decode()}-{stage}"
        process = self.workers.pop(stage, 0)
        if not process or os.waitpid(process, os.WNOHANG) != (0, 0):
            source = listener(address)
            process = _fork()
            if not process:
                self._forget()
                self.source, self.stages, self.workers = source, (*self.stages, stage), {}
                self._watch_sources()
                likeness.import_stage(stage)
                return {}
            source.close()
        self.workers[stage] = process
        return {"address": address}

    def _fork(self, job: Job, connection: socket.socket, files: list[int]) -> bool:
        """Fork a process for a job; return whether this is it. It holds the connection, which thus closes when both are gone."""
        if process := _fork():
            end = os.pidfd_open(process)
            self.jobs[process] = end, connection
            self._watch(end, partial(self._ended, process))
            self._watch(connection, partial(self._signal, process, connection))
            return False
        self._forget()
        for number, file in enumerate(files):
            os.dup2(file, number)
        _close(files)
        job["connection"] = connection
        return True

    def _signal(self, process: int, connection: socket.socket) -> None:
        """Send a signal that a client has caught on to its job's process; one whose client is gone is killed."""
        try:
            number = connection.recv(1)
        except OSError:
            number = b""
        if not number:
            self.selector.unregister(connection)
        os.kill(process, number[0] if number else signal.SIGKILL)

    def _ended(self, process: int) -> None:
        """Tell a client how its job's process has ended."""
        end, connection = self.jobs.pop(process)
        _, status = os.waitpid(process, 0)
        _tell(connection, {"status": os.waitstatus_to_exitcode(status)})
        self.selector.unregister(end)
        os.close(end)
        with suppress(KeyError):  # the client is gone
            self.selector.unregister(connection)
        connection.close()

    def _end(self) -> None:
        """End, because the run has: kill what runs, tell its clients, and wait for the workers that it has forked, which do the same."""
        for process in [*self.jobs]:
            os.kill(process, signal.SIGKILL)
            self._ended(process)
        for process in self.workers.values():
            os.waitpid(process, 0)
        os._exit(0)

    def _forget(self) -> None:
        """Close, in a process just forked, what its parent watches."""
        for key in [*self.selector.get_map().values()]:
            self.selector.unregister(key.fileobj)
            if key.fileobj == 0:
                continue
            key.fileobj.close() if isinstance(key.fileobj, socket.socket) else os.close(key.fd)
        self.jobs = {}


def listener(address: str) -> socket.socket:
    """Return a socket that listens at an abstract address, which needs no file and is gone with its last holder."""
    source = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    source.bind("\0" + address)
    source.listen(socket.SOMAXCONN)
    return source


def _fork() -> int:
    """Fork a process that is killed when this one is gone, however it ends; return its number, 0 in itself."""
    parent, process = os.getpid(), os.fork()
    if not process:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    return process


def _tell(connection: socket.socket, answer: Mapping[str, object]) -> None:
    with suppress(OSError):  # the client is gone
        connection.send(json.dumps(answer).encode())


def _close(files: Sequence[int]) -> None:
    for file in files:
        os.close(file)
