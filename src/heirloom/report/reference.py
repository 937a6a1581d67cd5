"""The numbers of a recorded run beside those of this one: equal on the same kernels, within a tolerance on others.

A run repeats to the byte on one kind of machine with the same libraries, so there every number must be the recorded one. Other kernels
round otherwise, and what a training makes of that is at most what another seed would: a number's tolerance is `WIDTH` times its standard
error over replicas where it has some, over seeds where the recorded run has several, and else the spread over seeds that
`configs/lm.yaml` had (`SEED_SPREAD`).
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from heirloom.artefacts import kinds, manifest, paths
from heirloom.artefacts.files import dumps, read_json, write_text
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.report import shown, tables
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

EQUAL, AGREES, DIFFERS, MISSING = "equal", "agrees", "differs", "missing"
_WORST = (MISSING, DIFFERS, AGREES, EQUAL)


class Place(NamedTuple):
    """Where a number stands in an experiment."""

    metric: str
    regime: str
    generation: int


def write(config: Config, file: str = FILE) -> int:
    """Write the shown numbers of the last run of a config, with their tolerances; return how many they are.

    Raises
    ------
    HeirloomError
        If there are no results, or they are not all of the config's.
    """
    frame = tables.load(config.results)
    tables.check_complete(frame, config)
    recorded = {key: _recorded(tables.of_experiment(frame, key, experiment), key, config) for key, experiment in config.experiments.items()}
    write_text(file, dumps(recorded))
    return sum(len(experiment["numbers"]) for experiment in recorded.values())


def read(file: str = FILE) -> Mapping[str, Any]:
    """Return the recorded experiments by name; none where nothing is recorded.

    Raises
    ------
    HeirloomError
        If the file is not what `write` writes.
    """
    if not Path(file).is_file():
        return {}
    recorded = read_json(file)
    parts = [part for part in recorded.values() if isinstance(part, dict) and {"settings", "environment", "numbers"} <= part.keys()]
    if len(parts) < len(recorded):
        raise HeirloomError(f"{file}: not as `heirloom reference` writes it; write it again")
    return recorded


def compared(own: pd.DataFrame, key: str, config: Config, recorded: Mapping[str, Any]) -> dict[Place, str]:
    """Return for each recorded number of an experiment whether this run's is `EQUAL`, `AGREES`, `DIFFERS` or is `MISSING`.

    Empty where nothing is recorded of an experiment of this name with these settings.

    Parameters
    ----------
    own
        The tidy rows of the experiment.
    key
        Its name in the expanded config.
    """
    before = recorded.get(key)
    if before is None or before["settings"] != settings(key, config):
        return {}
    must_equal = before["environment"] and before["environment"] == _environment(key, config.experiments[key])
    verdicts = {}
    for number in before["numbers"]:
        place = Place(number["metric"], number["regime"], number["generation"])
        value = float(shown.values(own, *place).mean())
        verdicts[place] = _verdict(value, number["value"], 0.0 if must_equal else number["tolerance"])
    return verdicts


def worst(verdicts: Mapping[Place, str], metric: str, regime: str) -> str:
    """Return the worst verdict of a metric's shown generations under a regime; empty where none is recorded."""
    words = {word for place, word in verdicts.items() if place[:2] == (metric, regime)}
    return next((word for word in _WORST if word in words), "")


def sentence(verdicts: Mapping[Place, str]) -> str:
    """Return how many numbers agree with the recorded ones, and the first that do not."""
    counted = Counter(verdicts.values())
    words = ", ".join(f"{counted[word]} {word}" for word in (EQUAL, AGREES, DIFFERS, MISSING) if counted[word])
    apart = [f"{place.metric} of {place.regime} at {place.generation}" for place, word in verdicts.items() if word in (DIFFERS, MISSING)]
    more = f" and {len(apart) - 3} others" if len(apart) > 3 else ""
    return f"{FILE}, {len(verdicts)} numbers: {words}" + (f" ({', '.join(apart[:3])}{more})" if apart else "")


def settings(key: str, config: Config) -> str:
    """Return a digest of what an experiment's numbers follow from: its settings, its regimes and the number of threads, not its name."""
    experiment = config.experiments[key]
    own = experiment.model_dump(mode="json", exclude_defaults=True, exclude={"variant_of", "point"})
    regimes = {name: config.regimes[name].model_dump(mode="json", exclude_defaults=True) for name in experiment.regimes}
    said = dumps({"experiment": own, "regimes": regimes, "num_threads": config.num_threads})
    return hashlib.sha256(said.encode()).hexdigest()


def tolerance(own: pd.DataFrame, place: Place, value: float) -> tuple[float, str]:
    """Return by how much a number may differ on other kernels, and what that was derived from.

    Parameters
    ----------
    own
        The tidy rows of the recorded experiment.
    """
    errors = shown.values(own, *place._replace(metric=f"{place.metric.removesuffix('.median')}.se"))
    if len(errors):
        median = math.sqrt(math.pi / 2) if place.metric.endswith(".median") else 1.0  # of a normal law's median, to its mean
        return WIDTH * median * math.sqrt(float((errors**2).sum())) / len(errors), "replicas"
    seeds = shown.values(own, *place)
    if len(seeds) > 1:
        return WIDTH * float(seeds.std(ddof=1)) / math.sqrt(len(seeds)), "seeds"
    spread = SEED_SPREAD.get(place.metric)
    return (ROUNDING * abs(value), "rounding") if spread is None else (WIDTH * spread * abs(value), "seeds of configs/lm.yaml")


def _recorded(own: pd.DataFrame, key: str, config: Config) -> dict[str, Any]:
    experiment = config.experiments[key]
    numbers = []
    for metric in shown.metrics(own):
        for regime in experiment.regimes:
            for place in (Place(metric, regime, generation) for generation in shown.generations(experiment)):
                value = float(shown.values(own, *place).mean())
                if math.isfinite(value):
                    allowed, source = tolerance(own, place, value)
                    numbers.append(place._asdict() | {"value": value, "tolerance": allowed, "tolerance_from": source})
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


def _verdict(value: float, recorded: float, allowed: float) -> str:
    if not math.isfinite(value):
        return MISSING
    if value == recorded:
        return EQUAL
    return AGREES if abs(value - recorded) <= allowed else DIFFERS
