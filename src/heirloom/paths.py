"""The only spelling of a path in Heirloom: ``data/{experiment}/{regime}/seed={seed}/gen={generation}/…``.

A wildcard is a key into the config, never a value. Names stand alone, numbers carry their key, so that table tools read
``seed=0`` and ``gen=3`` as columns. Patterns hold Snakemake's wildcards; functions fill them in.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

NAME = "[a-z][a-z0-9_]*"
"""What an experiment, variant or regime may be called: nothing that a shell or a path would read as more than a word."""

NUMBER = "[0-9]+"

ORIGIN = "origin"
REAL = "real"
RESERVED = frozenset({ORIGIN, REAL})

REAL_FOLDER = "data/{experiment}/real"
SEED_FOLDER = REAL_FOLDER + "/seed={seed}"
"""Real rows of one seed alone, of seeds from 1 on; those of seed 0, and those that all seeds share, lie in `REAL_FOLDER` itself."""
LINEAGE = "data/{experiment}/{regime}/seed={seed}"
GENERATION = LINEAGE + "/gen={generation}"
TRAJECTORY = LINEAGE + "/trajectory.parquet"
REPLICAS = LINEAGE + "/replicas.parquet"
"""Measures of collapse of a chain's units of replicas, written beside its trajectory where there are several."""

SYNTHETIC = GENERATION + "/synthetic.parquet"
SELECTED = GENERATION + "/selected.parquet"
TRAIN = GENERATION + "/train.parquet"
CHECKPOINT = GENERATION + "/checkpoint"
METRICS = GENERATION + "/metrics.json"

REAL_TRAIN = REAL_FOLDER + "/train.parquet"
REAL_VALID = REAL_FOLDER + "/valid.parquet"
REAL_TEST = REAL_FOLDER + "/test.parquet"
TOKENIZER = REAL_FOLDER + "/tokenizer.json"
DOCUMENTS = REAL_FOLDER + "/documents.parquet"
PRETRAINED = REAL_FOLDER + "/pretrained"
SEED_TRAIN, SEED_TEST = SEED_FOLDER + "/train.parquet", SEED_FOLDER + "/test.parquet"

SHARD = ".heirloom/shards/{experiment}/{regime}/seed={seed}/gen={generation}/shard={shard}/done"
"""Says that a job has written its share of a synthetic set; the rows themselves wait in the set's resume state."""

RESULTS = "results"

WILDCARDS = {"experiment": NAME, "regime": f"(?!{REAL}/){NAME}", "seed": NUMBER, "generation": NUMBER}
"""Wildcard of a pattern under ``data/`` → what it may be."""


def fingerprint(path: str | Path) -> str:
    """Return the path of an artefact's fingerprint: the small file that later steps depend on."""
    return _beside(path, "fingerprint")


def manifest(path: str | Path) -> str:
    """Return the path of an artefact's manifest: how it was made; no step takes it as input."""
    return _beside(path, "manifest")


def keys(path: str, pattern: str) -> dict[str, str] | None:
    """Return the wildcards of a path that lies at or below a pattern, or None."""
    match = _expression(pattern).match(path)
    return match.groupdict() if match else None


def wildcards(place: str) -> dict[str, str]:
    """Return the wildcards of a generation's or a lineage's path, in this project or in another folder; none for other paths."""
    parts = Path(place).parts
    tails = ["/".join(parts[number:]) for number, part in enumerate(parts) if part == "data"]
    matches = (keys(tail, pattern) for tail in tails for pattern in (GENERATION, LINEAGE))
    return next((match for match in matches if match is not None), {})


def inside(path: str | Path) -> str:
    """Return a path relative to the project's top folder (the working folder), where it lies below it; else as it is."""
    path = Path(path)
    return (path.relative_to(Path.cwd()) if path.is_absolute() and path.is_relative_to(Path.cwd()) else path).as_posix()


def fill(pattern: str, experiment: str, regime: str = "", seed: int | str = "", generation: int | str = "") -> str:
    """Return ``pattern`` with its wildcards filled in; generation 0 of any regime is the origin's."""
    if str(generation) == "0":
        regime = ORIGIN
    return pattern.format(experiment=experiment, regime=regime, seed=seed, generation=generation)


def real(pattern: str, experiment: str, seed: int = 0) -> str:
    """Return the path of an experiment's real data, of the pool that a seed draws for itself (`config.Experiment.pool_of`)."""
    return fill(pattern.replace(REAL_FOLDER, SEED_FOLDER) if seed else pattern, experiment, seed=seed)


def shards(experiment: str, regime: str, seed: int | str, generation: int | str, count: int) -> list[str]:
    """Return what a synthetic set's shards leave when they are done: nothing where the set is written by one job."""
    key = {"experiment": experiment, "regime": regime, "seed": seed, "generation": generation}
    return [SHARD.format(**key, shard=shard) for shard in range(count)] if count > 1 else []


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.format(**{name: f"(?P<{name}>{allowed})" for name, allowed in WILDCARDS.items()}) + "(?=/|$)")


def _beside(path: str | Path, what: str) -> str:
    path = Path(path)
    return str(path.with_name(f"{path.name.split('.')[0]}.{what}.json"))


def state(artefact: str | Path) -> Path:
    """Return the folder of what an unfinished job has done for an artefact, for the job that comes after a kill (`resume`)."""
    return Path(".heirloom/state", str(artefact).lstrip("/"))


def log(step: str, pattern: str) -> str:
    """Return the log file of a step, mirroring the artefact that it makes; outside data, because it varies between equal reruns."""
    return f"{Path('logs', step, *Path(pattern).parent.parts[1:])}.log"


def cost(step: str, artefact: str) -> str:
    """Return the file of what a step's job has used (seconds, memory), mirroring the artefact that it makes."""
    return f"{Path('logs/costs', step, *Path(artefact).parent.parts[1:])}.json"


def part(file: str, name: str) -> str:
    """Return the file of one of the parts that a job is divided into, beside the file of the whole."""
    return str(Path(file).with_suffix("") / f"{name}.json")
