"""When an arm begins to collapse: the first generation at which its lineages together have lost more than the control's.

Early collapse is the loss of tails while the bulk is intact. Late collapse is the loss of variance, diversity or likeness
(`measures.stages`). An arm's lineage is compared with the control's lineage of the same seed, or of the same replicas. The two
share real rows and origin, and if the arm were the control, they would be exchangeable (`flips`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom import controls, digests, reading
from heirloom.artefacts import kinds, paths
from heirloom.config import Config
from heirloom.measures import stages
from heirloom.measures.replicas import UNITS, size_of_unit
from heirloom.measures.scales import is_positive
from heirloom.report import tables
from heirloom.report.flips import ENOUGH, FEWEST, TOLERANCE, level, p_values
from heirloom.report.intervals import LEVEL, t_quantile
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("measure", "stage", "regime", "control", "onset", "p", "level", "units", "note")
_NUMBERS = ("onset", "p", "level")

WITH_THE_BULK = "the tails leave with the bulk or after it"
NO_NUMBER = "left out: not a number in some generation of a unit"

STEPWISE = "; only with granularity: chain are single replicas kept"

ByMetric = Mapping[Any, "pd.DataFrame"]


class Band(NamedTuple):
    """The control's band, one entry per generation."""

    centre: NDArray[np.float64]
    half_width: NDArray[np.float64]


class Units(NamedTuple):
    """What can be exchanged with the control if the arm equals it: lineages that share real rows and origin with it.

    Attributes
    ----------
    rows
        regime, generation, metric, unit, value.
    names
        The units, in order.
    generations
        Those that are looked at.
    words
        How many of what the units are.
    """

    rows: pd.DataFrame
    names: list[int]
    generations: list[int]
    words: str


class Stage(NamedTuple):
    """What a stage of an arm shows: p of each measure and generation, shape (G,), and which measures are no numbers somewhere."""

    p: Mapping[str, NDArray[np.float64]]
    unusable: tuple[str, ...]


def band(control_SG: NDArray[np.float64]) -> Band:
    """Return the band that holds one more whole lineage of the control with probability `LEVEL`. It is for the eye: no onset depends on it.

    mean ± c s sqrt(1 + 1 / S): Student's prediction interval for one more lineage, with c the t quantile at (1 + LEVEL^(1/G)) / 2 (Šidák
    1967). It is exact for normal generations that are independent given the seeds, as redrawn real rows make them. If generations move
    together, it is too wide and never too narrow.

    Parameters
    ----------
    control_SG
        The control's curves, shape (S, G), S of at least 2.
    """
    num_seeds, num_generations = control_SG.shape
    c = t_quantile((1 + LEVEL ** (1 / num_generations)) / 2, num_seeds)
    return Band(control_SG.mean(axis=0), c * control_SG.std(axis=0, ddof=1) * np.sqrt(1 + 1 / num_seeds))


def table(own: pd.DataFrame, experiment: Experiment, config: Config, replicas: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the onsets of one experiment's arms with the columns `COLUMNS`; empty without a control or a measure of collapse.

    There is one row per measure and arm. ``onset`` is the first generation whose p-value (`p_values`, over the measures of the stage)
    is at most ``level``, or empty if there is none; ``p`` is the smallest. The measures ``early`` and ``late`` are the stages: late is
    the first of all bulk measures, and early the first of all tail measures, if that is before late. A stage without measures has a
    ``note`` that says why. An arm for which nothing is estimable has one row, whose ``note`` says why.

    Parameters
    ----------
    own
        The tidy rows of the experiment. Its seeds are the units.
    replicas
        Units of replicas, if there are too few seeds (`measures.replicas`): regime, seed, generation, metric, unit, value.
    """
    import pandas as pd

    rows: list[tuple[object, ...]] = []
    measured = set(own["metric"].str.removesuffix(".median")) & stages.DIRECTIONS.keys()
    units = _units(own, experiment, replicas)
    for regime in experiment.regimes if measured else ():
        if regime == (control := controls.control_of(regime, experiment, config)):
            continue
        reason = _reason(regime, experiment, config, units)
        if control and not reason:
            rows += _of_arm(units, regime, control)
        elif reason:
            rows.append(("", "", regime, control or "", np.nan, np.nan, np.nan, units.words, reason))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(_NUMBERS, "float64"))


def of_replicas(experiment: Experiment, config: Config) -> pd.DataFrame | None:
    """Return what the chains of an experiment have kept of their replicas, as `table` takes it; None without any.

    Raises
    ------
    HeirloomError
        If a file is not as it was recorded.
    """
    import pandas as pd

    if not experiment.is_chain or experiment.num_replicas == 1:
        return None
    key = config.key_of(experiment)
    lineages = itertools.product(experiment.regimes, experiment.seeds)
    files = {(regime, seed): Path(kinds.REPLICAS.path(key, regime, seed)) for regime, seed in lineages}
    kept = {lineage: file for lineage, file in files.items() if file.exists()}
    parts = [pd.read_parquet(reading.artefact(file)).assign(regime=regime, seed=seed) for (regime, seed), file in kept.items()]
    return pd.concat(parts) if parts else None


def load(own: pd.DataFrame, experiment: Experiment, config: Config) -> pd.DataFrame:
    """Return the onsets of one experiment that the last run has written; for a run without a digest, compute those of its seeds.

    Parameters as in `table`.

    Raises
    ------
    HeirloomError
        If they do not have their recorded digest.
    """
    import pandas as pd

    results = config.results
    if not Path(paths.fingerprint(results.onset)).exists():
        return table(own, experiment, config)
    written = pd.read_csv(digests.check(results.onset, results.repair), dtype=str, keep_default_na=False)
    name, variant = tables.names(config.key_of(experiment), experiment)
    chosen = written.loc[(written["experiment"] == name) & (written["variant"] == variant), list(COLUMNS)]
    return chosen.replace({what: {"": "nan"} for what in _NUMBERS}).astype(dict.fromkeys(_NUMBERS, "float64"))


def not_estimable(onsets: pd.DataFrame, name: str) -> list[str]:
    """Return one line per reason why arms of an experiment have no estimable onset, with the key to set, or no early stage.

    Parameters
    ----------
    onsets
        As `table` returns them.
    name
        The experiment's name in the config file.
    """
    reasons = onsets.loc[onsets["measure"] == "", "note"].unique()
    without = onsets.loc[onsets["measure"].isin(stages.STAGES) & onsets["level"].isna(), ["measure", "note"]].drop_duplicates()
    lines = [f"{name}: the onset of collapse is {reason}" for reason in reasons]
    return [*lines, *(f"{name}: no onset of {stage} collapse, since {note}" for stage, note in without.to_numpy().tolist())]


def _units(own: pd.DataFrame, experiment: Experiment, replicas: pd.DataFrame | None) -> Units:
    """Return the seeds; if they are too few and replicas were kept, the groups of replicas."""
    seeds = experiment.seeds
    if len(seeds) >= FEWEST or replicas is None or replicas.empty:
        every = list(range(1, experiment.generations + 1))
        return Units(own.assign(unit=own["seed"]), seeds, every, f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}")
    kept = replicas.assign(unit=replicas["seed"] * UNITS + replicas["unit"])
    size = size_of_unit(experiment.num_replicas)
    names, generations = (sorted(kept[column].unique().tolist()) for column in ("unit", "generation"))
    return Units(kept, names, generations, f"{len(names)} groups of {size} replicas" if size > 1 else f"{len(names)} replicas")


def _reason(regime: str, experiment: Experiment, config: Config, units: Units) -> str:
    """Return why an arm has no estimable onset, and the key to set; empty if it has an onset, or no control at all."""
    control, seeds = controls.control_of_equal_size(config.regimes[regime], experiment, config), experiment.seeds
    if control is None or control == regime:
        return ""
    key = config.key_of(experiment)
    name = f"experiments.{experiment.variant_of or key}"
    if controls.takes_all(control, experiment, config):
        fewest = min(controls.sizes(config.regimes[control], experiment.rows, experiment.generations))
        said = f"each generation of {control!r} takes all {fewest} rows of its pool and redraws nothing"
        wanted_key = f"{name}.rows below" if experiment.is_text else f"{name}.source.rows above"
        return f"not estimable: {said}; set {wanted_key} {fewest}"
    if len(units.names) < FEWEST:
        others = (seed for seed in itertools.count() if seed not in seeds)
        wanted = [*seeds, *itertools.islice(others, ENOUGH - len(seeds))]
        unkept = STEPWISE if experiment.num_replicas > 1 and not experiment.is_chain else ""
        return f"not estimable with {units.words}; set {name}.seeds: {wanted}{unkept}"
    return ""


def _of_arm(units: Units, regime: str, control: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows of one arm: each stage, then its measures."""
    of_control, of_regime = (dict(list(units.rows[units.rows["regime"] == arm].groupby("metric"))) for arm in (control, regime))
    shown = {stage: _stage(directions, of_regime, of_control, units) for stage, directions in stages.STAGES.items()}
    most = level(len(units.names))
    late = min((_first(p_G, units) for p_G in shown["late"].p.values()), default=math.inf)
    for stage, one in shown.items():
        for measure, p_G in _with_stage(stage, one.p).items():
            first = _first(p_G, units)
            hidden = measure == "early" and late <= first < math.inf
            onset = math.nan if hidden or first == math.inf else first
            yield measure, stage, regime, control, onset, float(p_G.min()), most, units.words, WITH_THE_BULK if hidden else ""
        for measure in one.unusable:
            yield measure, stage, regime, control, np.nan, np.nan, np.nan, units.words, NO_NUMBER
    if without := stages.reason_without_tails({str(name).removesuffix(".median") for name in of_regime}):
        yield "early", "early", regime, control, np.nan, np.nan, np.nan, units.words, without


def _with_stage(stage: str, measures: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Return the p-values of a stage, the smallest of its measures in each generation, and those of its measures."""
    return {stage: np.min(list(measures.values()), axis=0), **measures} if measures else {}


def _stage(directions: Mapping[str, int], of_regime: ByMetric, of_control: ByMetric, units: Units) -> Stage:
    """Return the p-values of the measures of a stage that both arms have."""
    losses: dict[str, NDArray[np.float64]] = {}
    for measure, direction in directions.items():
        metric = next((name for name in (measure, f"{measure}.median") if name in of_regime and name in of_control), None)
        if metric is not None:
            losses[measure] = direction * _differences(metric, of_regime, of_control, units)
    usable = {measure: loss_UG for measure, loss_UG in losses.items() if np.isfinite(loss_UG).all()}
    unusable = tuple(measure for measure in losses if measure not in usable)
    if not usable:
        return Stage({}, unusable)
    return Stage(dict(zip(usable, p_values(np.stack(list(usable.values()))), strict=True)), unusable)


def _differences(metric: str, of_regime: ByMetric, of_control: ByMetric, units: Units) -> NDArray[np.float64]:
    """Return arm minus control in the same unit, shape (U, G); for a positive measure, the difference of logarithms."""
    curves = (own[metric].pivot(index="unit", columns="generation", values="value") for own in (of_regime, of_control))
    arm_UG, control_UG = (one.reindex(index=units.names, columns=units.generations).to_numpy(dtype=np.float64) for one in curves)
    if is_positive(metric) and (arm_UG > 0).all() and (control_UG > 0).all():
        arm_UG, control_UG = np.log(arm_UG), np.log(control_UG)
    with np.errstate(invalid="ignore"):
        return np.asarray(arm_UG - control_UG)


def _first(p_G: NDArray[np.float64], units: Units) -> float:
    """Return the first generation whose p-value is at most the level; infinity if there is none."""
    reached = np.flatnonzero(p_G <= level(len(units.names)) + TOLERANCE)
    return float(units.generations[reached[0]]) if reached.size else math.inf
