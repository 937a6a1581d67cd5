"""Which control stands beside an arm: real rows alone, redrawn in every generation, as many of them as the arm is trained on.

Declared here once, and asked by claims, onset, resolution, curves, the summary and `heirloom diff --against-control`.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

from heirloom import reading
from heirloom.artefacts import kinds
from heirloom.config import Config
from heirloom.specs.experiment import Experiment
from heirloom.specs.regime import Regime
from heirloom.specs.vector_source import VectorSource

LINEAR = 1.0
"""Growth of an arm that keeps every row: as many rows more in each generation."""


def control_of(regime: str, experiment: Experiment, config: Config) -> str | None:
    """Return the arm that is the control of a regime of an experiment; None if there is none.

    An arm that takes its whole pool in every generation redraws nothing, and is no control.
    """
    return beside(config.regimes[regime], experiment, config)


def beside(regime: Regime, experiment: Experiment, config: Config) -> str | None:
    """Return the arm of an experiment that is the control of a declaration, which need not be one of the experiment's; None if none is."""
    control = as_large(regime, experiment, config)
    return None if control is None or takes_all(control, experiment, config) else control


def as_large(regime: Regime, experiment: Experiment, config: Config) -> str | None:
    """Return the arm whose rows are all real and redrawn, in every generation as many as those of a declaration; None if there is none."""
    arms = {name: config.regimes[name] for name in experiment.regimes}
    return first_as_large(regime, arms, experiment.rows, experiment.generations)


def first_as_large(regime: Regime, arms: Mapping[str, Regime], rows: int, generations: int) -> str | None:
    """Return the first control among some arms that has as many rows as a declaration in each of the generations 1 … G; None if none has.

    Parameters
    ----------
    rows
        The experiment's ``rows``.
    """
    controls = (name for name, arm in arms.items() if arm.is_control)
    return next((name for name in controls if sizes(arms[name], rows, generations) == sizes(regime, rows, generations)), None)


def constant(experiment: Experiment, config: Config) -> str | None:
    """Return the control whose generations are equally large, so that they scatter about one value; None if there is none."""
    return beside(Regime(pool=1.0, synthetic="none"), experiment, config)


def takes_all(control: str, experiment: Experiment, config: Config) -> bool:
    """Return whether each generation of a control is the whole pool; False where the size of the pool is not known (`pool_rows`)."""
    rows = pool_rows(experiment, config)
    return rows is not None and rows <= fewest_rows(control, experiment, config)


def idle(experiment: Experiment, config: Config, pool_rows: int) -> list[str]:
    """Return the controls that redraw nothing, since each of their generations is the whole pool of so many rows."""
    names = (name for name in experiment.regimes if config.regimes[name].is_control)
    return [name for name in names if pool_rows <= fewest_rows(name, experiment, config)]


def pool_rows(experiment: Experiment, config: Config) -> int | None:
    """Return how many rows the real training pool has; None of text whose pool does not lie on this machine."""
    if isinstance(experiment.source, VectorSource):
        return experiment.source.rows
    pool = Path(kinds.REAL_TRAIN.path(config.key_of(experiment)))
    return reading.dataset(pool).num_rows if pool.is_file() else None


def fewest_rows(control: str, experiment: Experiment, config: Config) -> int:
    """Return how many rows the smallest of the generations 1 … G of a control is trained on."""
    return min(sizes(config.regimes[control], experiment.rows, experiment.generations))


def unknown(key: str, config: Config) -> list[str]:
    """Return a line for the controls of which nobody can tell here whether they redraw, since the pool of text is not on this machine.

    Parameters
    ----------
    key
        The experiment's name in the expanded config.
    """
    experiment = config.experiments[key]
    names = [name for name in experiment.regimes if config.regimes[name].is_control]
    if not names or pool_rows(experiment, config) is not None:
        return []
    fewest = min(fewest_rows(name, experiment, config) for name in names)
    pool = kinds.REAL_TRAIN.path(key)
    rest = f"if it has {fewest:,} rows or fewer, it redraws nothing and is no control"
    return [f"{experiment.variant_of or key}: {pool} is not here, so {' and '.join(names)} cannot be checked: {rest}"]


def lacking(key: str, config: Config) -> dict[str, str]:
    """Return each arm without a control of as many rows, with the words that say what to add; empty where every arm has one.

    Parameters
    ----------
    key
        The experiment's name in the expanded config.
    """
    experiment = config.experiments[key]
    without = [regime for regime in experiment.regimes if as_large(config.regimes[regime], experiment, config) is None]
    return {regime: _words(regime, experiment.variant_of or key, experiment, config) for regime in without}


def lines(key: str, lacks: Mapping[str, str]) -> list[str]:
    """Return a line for each kind of control that an experiment lacks, with the arms that it would stand beside.

    Parameters
    ----------
    lacks
        As `lacking` returns them, or some of them.
    """
    arms: dict[str, list[str]] = {}
    for regime, words in lacks.items():
        arms.setdefault(words, []).append(regime)
    return [f"{key}: {' and '.join(names)} {'has' if len(names) == 1 else 'have'} {words}" for words, names in arms.items()]


@functools.cache
def sizes(regime: Regime, rows: int, generations: int) -> tuple[int, ...]:
    """Return how many rows each of the generations 1 … G is trained on, from the experiment's ``rows``."""
    return tuple(regime.trained_rows(rows, generation) for generation in range(1, generations + 1))


def declared(regime: Regime, rows: int, generations: int) -> Regime | None:
    """Return the declaration of a control that has as many rows as a regime in each of the generations 1 … G; None if there is none."""
    growths = dict.fromkeys((regime.growth, LINEAR))
    candidates = (Regime(pool=1.0, synthetic="none", growth=growth) for growth in growths)
    return next((control for control in candidates if sizes(control, rows, generations) == sizes(regime, rows, generations)), None)


def spelled(name: str, control: Regime) -> str:
    """Return a declaration as a line of YAML."""
    return f"{name}: {{{', '.join(f'{key}: {value}' for key, value in control.model_dump(exclude_defaults=True).items())}}}"


def name_of(control: Regime, regimes: Mapping[str, Regime]) -> str:
    """Return the name of a control among some regimes, or one that is free."""
    wanted = "control_grows" if control.growth else "control"
    numbered = (f"{wanted}_{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain(_same(control, regimes), [wanted], numbered) if regimes.get(name, control) == control)


def _same(control: Regime, regimes: Mapping[str, Regime]) -> Iterator[str]:
    return (name for name, other in regimes.items() if other == control)


def _words(regime: str, name: str, experiment: Experiment, config: Config) -> str:
    arm, wanted = config.regimes[regime], sizes(config.regimes[regime], experiment.rows, experiment.generations)
    count = f"{wanted[0]:,}" if wanted[0] == wanted[-1] else f"{wanted[0]:,} to {wanted[-1]:,}"
    said = f"no control of as many rows ({count} per generation)"
    control = declared(arm, experiment.rows, experiment.generations)
    if control is None:
        return f"{said}, and no regime declares one"
    if isinstance(experiment.source, VectorSource) and experiment.source.rows < max(wanted):
        return f"{said}, and a pool of {experiment.source.rows:,} rows allows none"
    add = name_of(control, config.regimes)
    if add in config.regimes:
        return f"{said}; add {add} to experiments.{name}.regimes"
    return f"{said}; add `{spelled(add, control)}` to regimes, and {add} to experiments.{name}.regimes"
