"""kill -9 of a run's worker, of its jobs and of Snakemake: ``python benchmarks/kills.py [--kills 20] [--experiment NAME] [VICTIM …]``.

One experiment of the tests' config, with its first regime alone, is made again and again in one folder. At moments drawn at random a
process is killed: a worker (the run's or that of the family), a job or Snakemake. A job that has failed is tried again, and the next call
of `snakemake` goes on. Whenever all measures are there, fingerprints and manifests are compared with those of a run without a worker in
which nothing was killed. Processes that are left of a run that has ended, five seconds later, are counted as orphans.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from heirloom.runtime.streams import Stream  # noqa: E402
from helpers import environment, make_workspace  # noqa: E402

VICTIMS = ("worker", "job", "snakemake")
POLL_SECONDS = 0.05
KILL_PROBABILITY = 0.1
"""Of a kill, each time that there is something to kill."""

Notes = dict[str, bytes]
"""Path → bytes of all fingerprints and manifests."""


@dataclass(frozen=True)
class Lineage:
    """What is made in a folder.

    Attributes
    ----------
    folder
        The project.
    experiment, regime
        The one experiment of its config, and its one regime.
    generations
        Generations after the origin.
    """

    folder: Path
    experiment: str
    regime: str
    generations: int

    @property
    def data(self) -> Path:
        """The folder of the experiment's data."""
        return self.folder / "data" / self.experiment

    @property
    def measures(self) -> list[str]:
        """The measures of all generations, as targets of Snakemake."""
        generations = [f"{self.regime}/seed=0/gen={number}" for number in range(1, self.generations + 1)]
        return [f"data/{self.experiment}/{place}/metrics.json" for place in ("origin/seed=0/gen=0", *generations)]

    @property
    def is_whole(self) -> bool:
        """Whether all measures are there."""
        return all((self.folder / target).is_file() for target in self.measures)

    def notes(self) -> Notes:
        """Return all fingerprints and manifests."""
        files = [file for kind in ("fingerprint", "manifest") for file in self.data.rglob(f"*.{kind}.json")]
        return {file.relative_to(self.folder).as_posix(): file.read_bytes() for file in files}

    def clear(self) -> None:
        """Remove what follows from the real rows."""
        for regime in ("origin", self.regime):
            shutil.rmtree(self.data / regime)


@dataclass
class Toll:
    """What came of the kills of one kind of victim: one line of the table."""

    victim: str
    kills: int = 0
    runs: int = 0
    failed_runs: int = 0
    compared: int = 0
    different: int = 0
    orphans: int = 0


def main() -> None:
    """Print a line for each kind of victim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("victims", nargs="*", default=VICTIMS, metavar="VICTIM", help=", ".join(VICTIMS))
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--experiment", default="transformer")
    options = parser.parse_args()
    draws = Stream((0, "kills")).generator()
    with tempfile.TemporaryDirectory() as folder:
        lineage = prepare(Path(folder).resolve(), options.experiment)
        start(lineage, HEIRLOOM_WORKER="").wait()
        reference = lineage.notes()
        print(*Toll.__dataclass_fields__, sep="\t", flush=True)
        for victim in options.victims:
            print(*astuple(kill_some(lineage, victim, options.kills, reference, draws)), sep="\t", flush=True)


def prepare(folder: Path, experiment: str) -> Lineage:
    """Fill a folder with the workflow and a config of one lineage."""
    make_workspace(folder)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    settings = config["experiments"][experiment]
    settings["regimes"] = settings["regimes"][:1]
    (folder / "config.yaml").write_text(yaml.safe_dump(config | {"experiments": {experiment: settings}}))
    return Lineage(folder, experiment, settings["regimes"][0], settings["generations"])


def differing(notes: Notes, reference: Notes) -> list[str]:
    """Return the names of the notes that differ, or that only one side has."""
    return sorted(name for name in notes.keys() | reference.keys() if notes.get(name) != reference.get(name))


def kill_some(lineage: Lineage, victim: str, num_kills: int, reference: Notes, draws: np.random.Generator) -> Toll:
    """Run the workflow until so many processes have been killed and the lineage is whole."""
    toll = Toll(victim)
    while toll.kills < num_kills or not lineage.is_whole:
        if lineage.is_whole:
            lineage.clear()
        run = start(lineage)
        toll.runs += 1
        while run.poll() is None:
            time.sleep(POLL_SECONDS)
            if toll.kills < num_kills and draws.random() < KILL_PROBABILITY:
                toll.kills += kill(victims(lineage.folder, victim, run.pid)[:1])
        toll.failed_runs += run.returncode != 0
        toll.orphans += len(orphans(lineage.folder))
        if lineage.is_whole:
            toll.compared += 1
            names = differing(lineage.notes(), reference)
            toll.different += bool(names)
            print(*names, sep="\n", end="\n" if names else "", file=sys.stderr, flush=True)
    return toll


def start(lineage: Lineage, **variables: str) -> subprocess.Popen[bytes]:
    """Start `snakemake` in the folder; a killed one has left its lock."""
    command = ["snakemake", "--nolock", "--cores", "2", "--retries", "5", "--quiet", "all", "--", *lineage.measures]
    run_environment = environment() | {"PYTHONPATH": str(lineage.folder / "src")} | variables
    with (lineage.folder / "output").open("a") as output:
        return subprocess.Popen(command, cwd=lineage.folder, env=run_environment, stdout=output, stderr=output)


def arguments_by_process(folder: Path) -> dict[int, list[str]]:
    """Return process → arguments of all that work in the folder; a zombie, which has no arguments, is left out."""
    arguments = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if (place / "cwd").readlink() == folder:
                arguments[int(place.name)] = (place / "cmdline").read_text().split("\0")
        except OSError:
            continue
    return {process: words for process, words in arguments.items() if words != [""]}


def victims(folder: Path, victim: str, run: int) -> list[int]:
    """Return the processes that may be killed: Snakemake while jobs run, the newest worker while jobs run, or jobs of a worker."""
    of_worker = [process for process, words in arguments_by_process(folder).items() if "worker" in words]
    jobs = [process for process in of_worker if has_log(process)]
    if victim == "job" or not jobs:
        return jobs
    return [run] if victim == "snakemake" else sorted({*of_worker} - {*jobs}, reverse=True)


def has_log(process: int) -> bool:
    """Return whether a process writes to a log of the workflow, as a job does."""
    try:
        return "/logs/" in str(Path(f"/proc/{process}/fd/2").readlink())
    except OSError:
        return False


def kill(processes: list[int]) -> int:
    """Kill processes, wait until they are gone, and return how many there were."""
    killed = 0
    for process in processes:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed += 1
        while is_alive(process):  # else one that takes its time is counted twice
            time.sleep(POLL_SECONDS)
    return killed


def is_alive(process: int) -> bool:
    """Return whether a process has not ended; a zombie has."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def orphans(folder: Path) -> list[int]:
    """Return the processes that work in the folder after five seconds; an empty list as soon as there are none."""
    for _ in range(100):
        processes = [*arguments_by_process(folder)]
        if not processes:
            return []
        time.sleep(POLL_SECONDS)
    return processes


if __name__ == "__main__":
    main()
