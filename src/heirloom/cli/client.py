"""A job's command as a client of its run's worker: it hands over what a process is given, waits, and ends as the job has ended.

It imports next to nothing, because it is what every job starts. Where there is no worker, or the worker refuses, this process does the
command itself. See docs/design/0018-worker.md.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import sys
from types import FrameType
from typing import Any

VARIABLE = "HEIRLOOM_WORKER"
"""Environment variable: the abstract name of the socket of this run's worker, with the process of the run. No job sees it."""

REPORT = ("summarise", "plot", "report", "diff")
"""The commands of rules/report.smk, which are jobs as well; every other job has a slice."""

LARGEST = 1 << 20
"""Bytes of a message, larger than the kernel lets one be by default."""

_FORWARDED = (
    *(signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2),
    *(signal.SIGALRM, signal.SIGCONT, signal.SIGTSTP, signal.SIGWINCH, signal.SIGXCPU),
)
_PASSING = (signal.SIGCONT, signal.SIGTSTP, signal.SIGWINCH)  # a job that begins anew need not hear of them
_FROM_PARENT = (
    *("Umask", "Uid", "Gid", "Groups", "NSsid", "NoNewPrivs", "Seccomp", "CapEff", "SigBlk", "SigIgn"),
    *("Cpus_allowed", "Mems_allowed"),
)
_OF_GLIBC = 0b11 << 31  # signals 32 and 33 are its own: what posix_spawn starts ignores them
_SPACES = ("mnt", "net", "pid", "user")


def hand_over() -> None:
    """Let this run's worker do a job's command, and end as it ends; return where this process has to do the command."""
    address = os.environ.pop(VARIABLE, "")
    is_job = "--slice" in sys.argv or sys.argv[1:2] in ([command] for command in REPORT)
    if not address or not is_job or os.isatty(2):
        return
    caught: list[int] = []
    answer: dict[str, Any] = {"address": address}
    try:
        while "address" in answer:
            answer = _answer(answer["address"], caught)
    except OSError as error:
        if _is_over(address):
            _end(-signal.SIGKILL)
        answer = {"refused": f"the run's worker is gone ({error.strerror or error})"}
    if "status" in answer:
        _end(answer["status"])
    if answer["refused"]:
        print(f"{answer['refused']}; this job starts for itself", file=sys.stderr, flush=True)
    for number in caught:
        if number not in _PASSING:
            signal.raise_signal(number)


def _is_over(address: str) -> bool:
    """Return whether the run that has told of a worker has ended, so that nobody waits for this job; a process elsewhere cannot know."""
    _, process, space, *_ = [*address.split("-"), "", ""]
    return str(os.stat("/proc/self/ns/pid").st_ino) == space and not os.path.exists(f"/proc/{process}")


def check_owner(connection: socket.socket) -> None:
    """Refuse a process of another user at the other end.

    Raises
    ------
    PermissionError
        If there is one.
    """
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    if user != os.geteuid():
        raise PermissionError(f"the socket belongs to user {user}")


def circumstances() -> dict[str, Any]:
    """Return what a process has from its parent and cannot take from another: of a job and its worker these are equal."""
    status = dict(line.split(":", 1) for line in _text("/proc/self/status").splitlines())
    status["SigIgn"] = f"{int(status['SigIgn'], 16) & ~_OF_GLIBC:x}"
    return {
        "the program": [sys.executable, sys.version, sys.argv[0], __file__],
        "the process's status": {name: status.get(name) for name in _FROM_PARENT},
        "the niceness": os.getpriority(os.PRIO_PROCESS, 0),
        "the limits": _text("/proc/self/limits"),
        "the control group": _text("/proc/self/cgroup"),
        "the namespaces": [os.readlink("/proc/self/root"), *(os.readlink(f"/proc/self/ns/{space}") for space in _SPACES)],
        "the open files": sorted(_inherited_files()),
    }


def set_environment(environment: dict[str, str]) -> None:
    """Replace the environment of this process."""
    os.environ.clear()
    os.environ.update(environment)


def _answer(address: str, caught: list[int]) -> dict[str, Any]:
    """Send this command to a worker, and return its answer; signals are forwarded to it meanwhile, and noted in ``caught``.

    Raises
    ------
    OSError
        If the worker ends without one. The connection closes when the worker and what it has forked for this job are both gone.
    """

    def forward(number: int, _: FrameType | None) -> None:
        caught.append(number)
        stops = number == signal.SIGTSTP
        try:
            connection.send(bytes([signal.SIGSTOP if stops else number]))
        except OSError:
            return
        if stops:
            os.kill(os.getpid(), signal.SIGSTOP)

    before = {number: signal.signal(number, forward) for number in _FORWARDED if signal.getsignal(number) != signal.SIG_IGN}
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect("\0" + address)
        check_owner(connection)
        asked = {"arguments": sys.argv, "folder": os.getcwd(), "environment": dict(os.environ), "circumstances": circumstances()}
        socket.send_fds(connection, [json.dumps(asked).encode()], [0, 1, 2])
        for number in caught:  # by the worker that has named this one
            connection.send(bytes([number]))
        text = connection.recv(LARGEST)
    finally:
        connection.close()
        for number, handler in before.items():
            signal.signal(number, handler)
    if not text:
        raise ConnectionResetError("it has ended")
    answer: dict[str, Any] = json.loads(text)
    return answer


def _inherited_files() -> list[int]:
    """Return the numbers of the files above 2 that this process has from its parent and would leave to a child."""
    numbers = []
    for name in os.listdir("/proc/self/fd"):
        try:
            if int(name) > 2 and os.get_inheritable(int(name)):
                numbers.append(int(name))
        except OSError:  # the file that listed them is closed
            continue
    return numbers


def _text(path: str) -> str:
    with open(path, encoding="utf-8") as file:
        return file.read()


def _end(status: int) -> None:
    """End with an exit code, or by the signal of a negative one."""
    if status < 0:
        if -status not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)
