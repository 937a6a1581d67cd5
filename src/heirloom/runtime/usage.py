"""What a process uses of its machine, as the kernel counts it: nothing is sampled, so the shortest job counts in full.

A job's own process writes it down when it has ended well. A training that a kill has interrupted leaves what its last
attempt has used.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

FILE = "HEIRLOOM_USAGE_FILE"
"""Environment variable: where `heirloom.torchrun` writes the usage of the job whose place it takes."""

MB = 2**20
"""Bytes of a mebibyte, the unit of what is called ``_mb`` here."""
_PROCESSES = Path("/proc")
_STARTED = time.monotonic()
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024


def measure() -> dict[str, float | None]:
    """Return the usage of this process, and of those that it has started and that have ended, from its start to now.

    Returns
    -------
    ``seconds`` (wall), ``cpu_seconds`` (user and system), ``peak_memory_mb`` (resident, the largest of any of the
    processes), ``read_mb`` and ``written_mb`` (from and to the disks, without what the kernel's cache has served; None
    where the system does not say). The last three are mebibytes (2**20 bytes).
    """
    process, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    disk = _numbers("self/io")
    # The peak in `getrusage` begins with that of the process that a shell's `exec` came from, which is Snakemake.
    peak_kb = _numbers("self/status").get("VmHWM")
    process_peak = process.ru_maxrss * _MAXRSS_BYTES if peak_kb is None else peak_kb * 1024
    return {
        "seconds": _seconds(),
        "cpu_seconds": process.ru_utime + process.ru_stime + children.ru_utime + children.ru_stime,
        "peak_memory_mb": max(process_peak, children.ru_maxrss * _MAXRSS_BYTES) / MB,
        "read_mb": disk["read_bytes"] / MB if disk else None,
        "written_mb": disk["write_bytes"] / MB if disk else None,
    }


def private_bytes(process: int) -> int:
    """Return what a process holds of memory of its own, swapped pages included; 0 if it has ended.

    A system that does not tell such pages from those of mapped files (macOS, a sandbox with a kernel of its own) counts both.
    """
    kilobytes = _numbers(f"{process}/status")
    if "RssAnon" in kilobytes:
        return (kilobytes["RssAnon"] + kilobytes.get("VmSwap", 0)) * 1024
    import psutil

    try:
        return int(psutil.Process(process).memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _seconds() -> float:
    """Return how long this process has run, from its start where Linux tells it, else from this module's import."""
    stat = _PROCESSES / "self/stat"
    if not stat.exists():
        return time.monotonic() - _STARTED
    fields = stat.read_text().rpartition(")")[2].split()  # those after the name, which may hold spaces
    start = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - start


def _numbers(name: str) -> dict[str, int]:
    """Return the numbers that Linux keeps of a process in a file of ``name: number`` lines; none elsewhere."""
    try:
        lines = (_PROCESSES / name).read_text().splitlines()
    except OSError:
        return {}
    entries = [line.replace(":", " ").split() for line in lines]
    return {words[0]: int(words[1]) for words in entries if len(words) > 1 and words[1].isdigit()}
