"""The numbers of a recorded run beside those of this one: equal on the same kernels, within a tolerance on others.

A run repeats to the byte on one kind of machine with the same libraries, so there every number must be the recorded one. Other kernels
round otherwise, and that moves a training at most as far as another seed would: a number's tolerance is `WIDTH` times its standard
error over replicas where it has some, over seeds where the recorded run has several, and else the spread over seeds that
`configs/lm.yaml` had (`SEED_SPREAD`).
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from heirloom.artefacts import kinds, manifest, paths
from heirloom.artefacts.files import dumps, read_json, write_text
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.report import summary_metrics, tables
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

FILE = "docs/reference/default.json"
WIDTH = 4.0
"""Standard errors, or standard deviations over seeds, in a tolerance."""

SEED_SPREAD = {
    "test_perplexity": 0.032,
    "origin_perplexity.median": 0.073,
    "distinct_3": 0.052,
    "token_entropy": 0.0053,
    "tail_survival.17-64": 0.035,
}
"""Metric of text → standard deviation over seeds as a share of the number: the largest of an arm in generation 7 of `configs/lm.yaml`,
three seeds (docs/language-models.md); of entropy, two seeds of a chain of 768 rows (docs/log.md)."""

ROUNDING = 1e-9
"""Share of a number that other kernels may change where no seed does: shares and depths of ancestry, which are counts."""

EXAMPLES = 3
"""Numbers that do not agree, and that a sentence names."""

EQUAL, AGREES, DIFFERS, MISSING = "equal", "agrees", "differs", "missing"
_WORST = (MISSING, DIFFERS, AGREES, EQUAL)


class Place(NamedTuple):
    """Where a number stands in an experiment."""

    metric: str
    regime: str
    generation: int


def write(config: Config, file: str = FILE) -> int:
    """Write the numbers of a config's last run that `summary_metrics` selects, with their tolerances; return how many they are.

    Raises
    ------
    HeirloomError
        If there are no results, or they are not all of the config's.
    """
    frame = tables.load(config.results)
    tables.check_complete(frame, config)
    records = {}
    for key, experiment in config.experiments.items():
        rows = tables.of_experiment(frame, key, experiment)
        records[key] = _record(rows, key, config)
    write_text(file, dumps(records))
    return sum(len(record["numbers"]) for record in records.values())


def read(file: str = FILE) -> Mapping[str, Any]:
    """Return the records of experiments by name; empty where there is no file.

    Raises
    ------
    HeirloomError
        If the file is not what `write` writes.
    """
    if not Path(file).is_file():
        return {}
    records = read_json(file)
    if not all(map(_is_record, records.values())):
        raise HeirloomError(f"{file}: not as `heirloom reference` writes it; write it again")
    return records


def _is_record(value: object) -> bool:
    return isinstance(value, dict) and {"settings", "environment", "numbers"} <= value.keys()


def comparison(rows: pd.DataFrame, key: str, config: Config, records: Mapping[str, Any]) -> dict[Place, str]:
    """Return for each recorded number of an experiment whether this run's is `EQUAL`, `AGREES`, `DIFFERS` or is `MISSING`.

    Empty where nothing is recorded of an experiment of this name with these settings.

    Parameters
    ----------
    rows
        The tidy rows of the experiment.
    key
        Its name in the expanded config.
    records
        The recorded experiments (`read`).
    """
    record = records.get(key)
    if record is None or record["settings"] != settings(key, config):
        return {}
    must_equal = record["environment"] and record["environment"] == _environment(key, config.experiments[key])
    numbers = {Place(number["metric"], number["regime"], number["generation"]): number for number in record["numbers"]}
    recorded_rows = summary_metrics.narrowed(rows, {place.metric for place in numbers}, {place.generation for place in numbers})
    verdicts = {}
    for place, number in numbers.items():
        value = float(summary_metrics.values(recorded_rows, *place).mean())
        verdicts[place] = _verdict(value, number["value"], 0.0 if must_equal else number["tolerance"])
    return verdicts


def worst(verdicts: Mapping[Place, str], metric: str, regime: str) -> str:
    """Return the worst verdict over a metric's generations under a regime; empty where none is recorded."""
    arm_verdicts = {verdict for place, verdict in verdicts.items() if place[:2] == (metric, regime)}
    return next((verdict for verdict in _WORST if verdict in arm_verdicts), "")


def sentence(verdicts: Mapping[Place, str]) -> str:
    """Return how many numbers agree with the recorded ones, and the first that do not."""
    summary = f"{FILE}, {counted(Counter(verdicts.values()))}"
    exceptions = [f"{place.metric} of {place.regime} at {place.generation}" for place in verdicts if verdicts[place] in (DIFFERS, MISSING)]
    if not exceptions:
        return summary
    num_others = len(exceptions) - EXAMPLES
    others = f" and {num_others} others" if num_others > 0 else ""
    return f"{summary} ({', '.join(exceptions[:EXAMPLES])}{others})"


def counted(counts: Mapping[str, int]) -> str:
    """Return in words how many numbers have each verdict."""
    words = [f"{counts[verdict]} {verdict}" for verdict in (EQUAL, AGREES, DIFFERS, MISSING) if counts.get(verdict)]
    return f"{sum(counts.values())} numbers: {', '.join(words)}"


def settings(key: str, config: Config) -> str:
    """Return a digest of the settings that decide an experiment's numbers: its own, its regimes and the number of threads, not its name."""
    experiment = config.experiments[key]
    experiment_settings = experiment.model_dump(mode="json", exclude_defaults=True, exclude={"variant_of", "point"})
    regimes = {name: config.regimes[name].model_dump(mode="json", exclude_defaults=True) for name in experiment.regimes}
    document = dumps({"experiment": experiment_settings, "regimes": regimes, "num_threads": config.num_threads})
    return hashlib.sha256(document.encode()).hexdigest()


def tolerance(rows: pd.DataFrame, place: Place, value: float) -> tuple[float, str]:
    """Return by how much a number may differ on other kernels, and where that comes from: replicas, seeds, or rounding.

    Parameters
    ----------
    rows
        The tidy rows of the recorded experiment.
    """
    place_of_error = place._replace(metric=f"{place.metric.removesuffix('.median')}.se")
    errors = summary_metrics.values(rows, *place_of_error)
    if len(errors):
        ratio = math.sqrt(math.pi / 2) if place.metric.endswith(".median") else 1.0  # of a normal law's median, to its mean
        return WIDTH * ratio * math.sqrt(float((errors**2).sum())) / len(errors), "replicas"
    seed_values = summary_metrics.values(rows, *place)
    if len(seed_values) > 1:
        return WIDTH * float(seed_values.std(ddof=1)) / math.sqrt(len(seed_values)), "seeds"
    spread = SEED_SPREAD.get(place.metric)
    if spread is None:
        return ROUNDING * abs(value), "rounding"
    return WIDTH * spread * abs(value), "seeds of configs/lm.yaml"


def _record(rows: pd.DataFrame, key: str, config: Config) -> dict[str, Any]:
    experiment = config.experiments[key]
    numbers = []
    places = itertools.product(summary_metrics.metrics(rows, experiment), experiment.regimes, summary_metrics.generations(experiment))
    for place in itertools.starmap(Place, places):
        value = float(summary_metrics.values(rows, *place).mean())
        if math.isfinite(value):
            width, source = tolerance(rows, place, value)
            numbers.append(place._asdict() | {"value": value, "tolerance": width, "tolerance_from": source})
    return {"settings": settings(key, config), "environment": _environment(key, experiment), "numbers": numbers}


def _environment(key: str, experiment: Experiment) -> dict[str, Any]:
    """Return the environment in which the last measures of an experiment's first lineage were made; empty where no note is left."""
    kind = kinds.TRAJECTORY if experiment.is_chain else kinds.METRICS
    measures = kind.path(key, experiment.regimes[0], experiment.seeds[0], experiment.generations)
    try:
        environment: dict[str, Any] = manifest.read(Path(paths.manifest(measures)))["environment"]
    except (HeirloomError, KeyError):
        return {}
    return environment


def _verdict(value: float, recorded: float, width: float) -> str:
    if not math.isfinite(value):
        return MISSING
    if value == recorded:
        return EQUAL
    return AGREES if abs(value - recorded) <= width else DIFFERS
