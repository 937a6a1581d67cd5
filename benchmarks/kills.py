"""kill -9 of a run's worker, of its jobs and of Snakemake, so many times each: ``python benchmarks/kills.py [20] [worker job snakemake]``.

A small language-model workflow is made again and again in one folder. At moments drawn at random a process is killed: a worker (the run's
or that of the family), a job or Snakemake. A job that has failed is tried again, and the next call of `snakemake` goes on. Whenever the
workflow is whole, its fingerprints and manifests are compared with those of a run without a worker in which nothing was killed. Processes
that are left of a run that has ended, five seconds later, are counted as orphans.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from heirloom.runtime.streams import Stream  # noqa: E402
from helpers import environment, make_workspace  # noqa: E402

VICTIMS = ("worker", "job", "snakemake")
DATA = "data/transformer"
POLL_SECONDS = 0.05
PROBABILITY = 0.1
"""Of a kill, each time that there is something to kill."""


def main() -> None:
    """Print a line for each kind of victim."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    draws = Stream((0, "kills")).generator()
    with tempfile.TemporaryDirectory() as name:
        folder = make_workspace(Path(name).resolve())
        raw = yaml.safe_load((folder / "config.yaml").read_text())
        raw["experiments"] = {"transformer": raw["experiments"]["transformer"]}
        (folder / "config.yaml").write_text(yaml.safe_dump(raw))
        start(folder, HEIRLOOM_WORKER="").wait()
        known = state(folder)
        print("victim\tkills\truns\tfailed runs\tcompared\tdifferent\torphans")
        for victim in sys.argv[2:] or VICTIMS:
            kills = runs = failed = compared = different = orphans = 0
            while kills < wanted or not compared:
                clear(folder)
                run, runs = start(folder), runs + 1
                while run.poll() is None:
                    time.sleep(POLL_SECONDS)
                    process = find(folder, victim, run.pid) if kills < wanted and draws.random() < PROBABILITY else 0
                    kills += kill(process)
                failed += run.returncode != 0
                orphans += len(left(folder))
                found = state(folder)
                if found.keys() == known.keys():
                    compared, different = compared + 1, different + (found != known)
            print(victim, kills, runs, failed, compared, different, orphans, sep="\t", flush=True)


def start(folder: Path, **more: str) -> subprocess.Popen[bytes]:
    """Start `snakemake` in the folder; a killed one has left its lock."""
    command = ["snakemake", "--nolock", "--cores", "2", "--retries", "5", "--quiet", "all"]
    told = environment() | {"PYTHONPATH": str(folder / "src")} | more
    with (folder / "output").open("a") as output:
        return subprocess.Popen(command, cwd=folder, env=told, stdout=output, stderr=output)


def clear(folder: Path) -> None:
    """Remove what the lineages have made, if it is whole: the next run makes it anew, and else goes on."""
    if all((folder / DATA / regime / "seed=0/gen=2/metrics.json").is_file() for regime in ("replace", "accumulate")):
        for regime in ("origin", "replace", "accumulate"):
            shutil.rmtree(folder / DATA / regime)


def processes(folder: Path) -> dict[int, list[str]]:
    """Return process → arguments of all that work in the folder."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if (place / "cwd").readlink() == folder:
                found[int(place.name)] = (place / "cmdline").read_text().split("\0")
        except OSError:
            continue
    return found


def find(folder: Path, victim: str, run: int) -> int:
    """Return a process to be killed, 0 if there is none: Snakemake while jobs run, a worker, or a job that a worker has forked."""
    forked = [process for process, arguments in processes(folder).items() if "worker" in arguments]
    jobs = [process for process in forked if log_of(process)]
    workers = sorted(set(forked) - set(jobs))
    chosen = {"worker": workers[-1:] if jobs else [], "job": jobs, "snakemake": [run] if jobs else []}[victim]
    return chosen[0] if chosen else 0


def log_of(process: int) -> str:
    """Return the log that a process writes to, if it does."""
    try:
        file = str(Path(f"/proc/{process}/fd/2").readlink())
    except OSError:
        return ""
    return file if "/logs/" in file else ""


def kill(process: int) -> bool:
    """Kill a process, and return whether there was one."""
    if not process:
        return False
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def left(folder: Path) -> list[int]:
    """Return the processes that work in the folder after five seconds; an empty list as soon as there are none."""
    for _ in range(100):
        found = [process for process, arguments in processes(folder).items() if arguments != [""]]  # a zombie has no arguments
        if not found:
            return []
        time.sleep(POLL_SECONDS)
    return found


def state(folder: Path) -> dict[str, bytes]:
    """Return note → bytes of all fingerprints and manifests."""
    files = [file for what in ("fingerprint", "manifest") for file in (folder / DATA).rglob(f"*.{what}.json")]
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


if __name__ == "__main__":
    main()
