"""Paths beside and around an artefact (`artefacts.kinds` has its own): its notes, its log, its cost, its unfinished state."""

from __future__ import annotations

from pathlib import Path

from heirloom.artefacts import kinds

SHARD = kinds.GENERATION.pattern.replace("data/", ".heirloom/shards/", 1) + "/shard={shard}/done"
"""Says that a job has written its share of a synthetic set; the rows themselves wait in the set's resume state."""

CONFIG = "config.yaml"
"""The config that stands at the top, and that DVC is told of; others are named on the command line."""
RESULTS = "results"

FINISHED_STEPS = Path(".heirloom/steps")
"""What finished steps leave for other jobs of their run. Private memory: it may be deleted or spoilt at any moment."""


def fingerprint(path: str | Path) -> str:
    """Return the path of an artefact's fingerprint: the small file that later steps depend on."""
    return _companion(path, "fingerprint")


def fingerprints(*places: str | Path) -> list[str]:
    """Return the paths of several artefacts' fingerprints."""
    return [fingerprint(place) for place in places]


def manifest(path: str | Path) -> str:
    """Return the path of an artefact's manifest: how it was made; no step takes it as input."""
    return _companion(path, "manifest")


def wildcards(place: str) -> dict[str, str]:
    """Return the wildcards of a generation's or a lineage's path, in this project or in another folder; none for other paths."""
    parts = Path(place).parts
    tails = ["/".join(parts[number:]) for number, part in enumerate(parts) if part == "data"]
    for tail in tails:
        for folder in (kinds.GENERATION, kinds.LINEAGE):
            match = folder.wildcards(tail)
            if match is not None:
                return match
    return {}


def project_path(path: str | Path) -> str:
    """Return a path relative to the project's top folder (the working folder), where it lies below it; else as it is."""
    path = Path(path)
    project = Path.cwd()
    return (path.relative_to(project) if path.is_relative_to(project) else path).as_posix()


def shards(experiment: str, regime: str, seed: int | str, generation: int | str, count: int) -> list[str]:
    """Return what a synthetic set's shards leave when they are done: nothing where the set is written by one job."""
    key = {"experiment": experiment, "regime": regime, "seed": seed, "generation": generation}
    return [SHARD.format(**key, shard=shard) for shard in range(count)] if count > 1 else []


def state(artefact: str | Path) -> Path:
    """Return the folder of what an unfinished job has done for an artefact, for the job that comes after a kill (`resume`)."""
    return Path(".heirloom/state", str(artefact).lstrip("/"))


def log(step: str, pattern: str) -> str:
    """Return the log file of a step: outside data, because it varies between equal reruns, and named by the folder of what the step makes.

    The log of `mix` for ``data/e/keep/seed=0/gen=3/train.parquet`` is ``logs/mix/e/keep/seed=0/gen=3.log``.
    """
    return f"{Path('logs', step, *Path(pattern).parent.parts[1:])}.log"


def cost(step: str, artefact: str) -> str:
    """Return the file of what a step's job has used (seconds, memory), mirroring the artefact that it makes."""
    return f"{Path('logs/costs', step, *Path(artefact).parent.parts[1:])}.json"


def part(file: str, name: str) -> str:
    """Return the file of one of the parts that a job is divided into, beside the file of the whole."""
    return str(Path(file).with_suffix("") / f"{name}.json")


def _companion(path: str | Path, suffix: str) -> str:
    folder, slash, name = str(path).rstrip("/").rpartition("/")  # pathlib takes ten times as long, and every command asks for hundreds
    return f"{folder}{slash}{name.split('.', maxsplit=1)[0]}.{suffix}.json"
