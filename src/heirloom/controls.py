"""Which control stands beside an arm: real rows alone, redrawn in every generation, as many of them as the arm is trained on.

Declared here once, and asked by claims, onset, resolution, curves, the summary and `heirloom diff --against-control`.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping
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
    return control_of_declaration(config.regimes[regime], experiment, config)


def control_of_declaration(regime: Regime, experiment: Experiment, config: Config) -> str | None:
    """Return the arm of an experiment that is the control of a declaration, which need not be one of the experiment's; None if none is."""
    control = control_of_equal_size(regime, experiment, config)
    return None if control is None or takes_all(control, experiment, config) else control


def control_of_equal_size(regime: Regime, experiment: Experiment, config: Config) -> str | None:
    """Return the arm whose rows are all real and redrawn, in every generation as many as those of a declaration; None if there is none."""
    arms = {name: config.regimes[name] for name in experiment.regimes}
    return first_of_equal_size(regime, arms, experiment.rows, experiment.generations)


def first_of_equal_size(regime: Regime, arms: Mapping[str, Regime], rows: int, generations: int) -> str | None:
    """Return the first control among some arms that has as many rows as a declaration in each of the generations 1 … G; None if none has.

    Parameters
    ----------
    rows
        The experiment's ``rows``.
    """
    needed_sizes = sizes(regime, rows, generations)
    for name, arm in arms.items():
        if arm.is_control and sizes(arm, rows, generations) == needed_sizes:
            return name
    return None


def constant_control(experiment: Experiment, config: Config) -> str | None:
    """Return the control whose generations are equally large, so that they scatter about one value; None if there is none."""
    return control_of_declaration(Regime(pool=1.0, synthetic="none"), experiment, config)


def takes_all(control: str, experiment: Experiment, config: Config) -> bool:
    """Return whether each generation of a control is the whole pool; False where the size of the pool is not known (`pool_rows`)."""
    rows = pool_rows(experiment, config)
    return rows is not None and rows <= fewest_rows(control, experiment, config)


def idle(experiment: Experiment, config: Config, pool_rows: int) -> list[str]:
    """Return the controls that redraw nothing, since each of their generations is the whole pool of so many rows."""
    names = (name for name in experiment.regimes if config.regimes[name].is_control)
    return [name for name in names if pool_rows <= fewest_rows(name, experiment, config)]


def pool_rows(experiment: Experiment, config: Config) -> int | None:
    """Return how many rows the real training pool has, of a member of a population its share; None of text whose pool is not here."""
    if isinstance(experiment.source, VectorSource):
        return experiment.share_rows(experiment.source.rows)
    pool = Path(kinds.REAL_TRAIN.path(config.key_of(experiment)))
    return experiment.share_rows(reading.dataset(pool).num_rows) if pool.is_file() else None


def fewest_rows(control: str, experiment: Experiment, config: Config) -> int:
    """Return how many rows the smallest of the generations 1 … G of a control is trained on."""
    return min(sizes(config.regimes[control], experiment.rows, experiment.generations))


def unchecked_controls(key: str, config: Config) -> list[str]:
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
    condition = f"if it has {fewest:,} rows or fewer, it redraws nothing and is no control"
    return [f"{experiment.variant_of or key}: {pool} is not here, so {' and '.join(names)} cannot be checked: {condition}"]


def missing_controls(key: str, config: Config) -> dict[str, str]:
    """Return each arm without a control of as many rows, with the words that say what to add; empty where every arm has one.

    Parameters
    ----------
    key
        The experiment's name in the expanded config.
    """
    experiment = config.experiments[key]
    words_of_arm = {}
    for regime in experiment.regimes:
        if control_of_equal_size(config.regimes[regime], experiment, config) is None:
            words_of_arm[regime] = _words(regime, experiment.variant_of or key, experiment, config)
    return words_of_arm


def lines(key: str, lacks: Mapping[str, str]) -> list[str]:
    """Return a line for each kind of control that an experiment lacks, with the arms that it would stand beside.

    Parameters
    ----------
    lacks
        As `missing_controls` returns them, or some of them.
    """
    arms_of: dict[str, list[str]] = {}
    for regime, words in lacks.items():
        arms_of.setdefault(words, []).append(regime)
    result = []
    for words, arms in arms_of.items():
        verb = "has" if len(arms) == 1 else "have"
        result.append(f"{key}: {' and '.join(arms)} {verb} {words}")
    return result


@functools.cache
def sizes(regime: Regime, rows: int, generations: int) -> tuple[int, ...]:
    """Return how many rows each of the generations 1 … G is trained on, from the experiment's ``rows``."""
    return tuple(regime.trained_rows(rows, generation) for generation in range(1, generations + 1))


def matching_control(regime: Regime, rows: int, generations: int) -> Regime | None:
    """Return the declaration of a control that has as many rows as a regime in each of the generations 1 … G; None if there is none."""
    needed_sizes = sizes(regime, rows, generations)
    for growth in dict.fromkeys((regime.growth, LINEAR)):
        control = Regime(pool=1.0, synthetic="none", growth=growth)
        if sizes(control, rows, generations) == needed_sizes:
            return control
    return None


def yaml_line(name: str, control: Regime) -> str:
    """Return a declaration as a line of YAML."""
    settings = control.model_dump(exclude_defaults=True)
    pairs = ", ".join(f"{key}: {value}" for key, value in settings.items())
    return f"{name}: {{{pairs}}}"


def control_name(control: Regime, regimes: Mapping[str, Regime]) -> str:
    """Return the name of a control among some regimes, or one that is free."""
    for name, regime in regimes.items():
        if regime == control:
            return name
    base = "control_grows" if control.growth else "control"
    numbered_names = (f"{base}_{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([base], numbered_names) if name not in regimes)


def _words(regime: str, name: str, experiment: Experiment, config: Config) -> str:
    arm = config.regimes[regime]
    arm_sizes = sizes(arm, experiment.rows, experiment.generations)
    smallest, largest = arm_sizes[0], arm_sizes[-1]
    count = f"{smallest:,}" if smallest == largest else f"{smallest:,} to {largest:,}"
    lack = f"no control of as many rows ({count} per generation)"
    control = matching_control(arm, experiment.rows, experiment.generations)
    if control is None:
        return f"{lack}, and no regime declares one"
    if isinstance(experiment.source, VectorSource) and experiment.source.rows < max(arm_sizes):
        return f"{lack}, and a pool of {experiment.source.rows:,} rows allows none"
    name_of_control = control_name(control, config.regimes)
    if name_of_control in config.regimes:
        return f"{lack}; add {name_of_control} to experiments.{name}.regimes"
    line = yaml_line(name_of_control, control)
    return f"{lack}; add `{line}` to regimes, and {name_of_control} to experiments.{name}.regimes"
