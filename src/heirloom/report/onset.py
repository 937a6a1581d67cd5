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
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom import controls, digests
from heirloom.artefacts import paths
from heirloom.config import Config
from heirloom.measures import stages
from heirloom.measures.scales import is_positive
from heirloom.report import tables
from heirloom.report.flips import ENOUGH, FEWEST, TOLERANCE, level, p_values
from heirloom.report.intervals import LEVEL, t_quantile
from heirloom.report.units import Rows, Units, by_metric, differences, of_experiment
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("measure", "stage", "regime", "control", "onset", "p", "level", "units", "note")
_NUMBERS = ("onset", "p", "level")
WITH_THE_BULK = "the tails leave with the bulk or after it"
NO_NUMBER = "left out: not a number in some generation of a unit"
STEPWISE = "; only with granularity: chain are single replicas kept"


class Band(NamedTuple):
    """The control's band, one entry per generation."""

    centre: NDArray[np.float64]
    half_width: NDArray[np.float64]


class Stage(NamedTuple):
    """A stage of an arm: the p-values of each measure by generation, shape (G,), and the measures that are no number in some generation."""

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
    half_width_G = c * control_SG.std(axis=0, ddof=1) * np.sqrt(1 + 1 / num_seeds)
    return Band(control_SG.mean(axis=0), half_width_G)


def table(rows: pd.DataFrame, experiment: Experiment, config: Config, replicas: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the onsets of one experiment's arms with the columns `COLUMNS`; empty without a control or a measure of collapse.

    There is one row per measure and arm. ``onset`` is the first generation whose p-value (`p_values`, over the measures of the stage)
    is at most ``level``, or empty if there is none; ``p`` is the smallest. The measures ``early`` and ``late`` are the stages: late is
    the first of all bulk measures, and early the first of all tail measures, if that is before late. A stage without measures has a
    ``note`` that says why. An arm for which nothing is estimable has one row, whose ``note`` says why.

    Parameters
    ----------
    rows
        The tidy rows of the experiment. Its seeds are the units.
    replicas
        Units of replicas, if there are too few seeds (`measures.replicas`): regime, seed, generation, metric, unit, value.
    """
    import pandas as pd

    measures = set(rows["metric"].str.removesuffix(".median"))
    lines: list[tuple[object, ...]] = []
    if not measures.isdisjoint(stages.DIRECTIONS):
        units = of_experiment(rows, experiment, replicas)
        for regime in experiment.regimes:
            lines += _arm_lines(regime, experiment, config, units)
    return pd.DataFrame(lines, columns=list(COLUMNS)).astype(dict.fromkeys(_NUMBERS, "float64"))


def _arm_lines(regime: str, experiment: Experiment, config: Config, units: Units) -> list[tuple[object, ...]]:
    """Return the lines of an arm: its onsets, or one with the reason why it has none; no line for the control itself."""
    control = controls.control_of(regime, experiment, config)
    if regime == control:
        return []
    reason = _reason(regime, experiment, config, units)
    if reason:
        return [("", "", regime, control or "", np.nan, np.nan, np.nan, units.words, reason)]
    return list(_onset_lines(units, regime, control)) if control else []


def load(rows: pd.DataFrame, experiment: Experiment, config: Config) -> pd.DataFrame:
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
        return table(rows, experiment, config)
    all_onsets = pd.read_csv(digests.check(results.onset, results.repair), dtype=str, keep_default_na=False)
    name, variant = tables.names(config.key_of(experiment), experiment)
    is_of_experiment = (all_onsets["experiment"] == name) & (all_onsets["variant"] == variant)
    onsets = all_onsets.loc[is_of_experiment, list(COLUMNS)]
    return onsets.replace({column: {"": "nan"} for column in _NUMBERS}).astype(dict.fromkeys(_NUMBERS, "float64"))


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
    is_stage_without_measures = onsets["measure"].isin(stages.STAGES) & onsets["level"].isna()
    empty_stages = onsets.loc[is_stage_without_measures, ["measure", "note"]].drop_duplicates()
    arm_lines = [f"{name}: the onset of collapse is {reason}" for reason in reasons]
    stage_lines = [f"{name}: no onset of {stage} collapse, since {note}" for stage, note in empty_stages.to_numpy().tolist()]
    return arm_lines + stage_lines


def _reason(regime: str, experiment: Experiment, config: Config, units: Units) -> str:
    """Return why an arm has no estimable onset, and the key to set; empty if it has an onset, or no control at all."""
    control = controls.control_of_equal_size(config.regimes[regime], experiment, config)
    if control is None or control == regime:
        return ""
    key = config.key_of(experiment)
    name = f"experiments.{experiment.variant_of or key}"
    if controls.takes_all(control, experiment, config):
        fewest = min(controls.sizes(config.regimes[control], experiment.rows, experiment.generations))
        cause = f"each generation of {control!r} takes all {fewest} rows of its pool and redraws nothing"
        remedy = f"{name}.rows below" if experiment.is_text else f"{name}.source.rows above"
        return f"not estimable: {cause}; set {remedy} {fewest}"
    if len(units.names) < FEWEST:
        stepwise = STEPWISE if experiment.num_replicas > 1 and not experiment.is_chain else ""
        return f"not estimable with {units.words}; set {name}.seeds: {_enough_seeds(experiment.seeds)}{stepwise}"
    return ""


def _enough_seeds(seeds: list[int]) -> list[int]:
    """Return the seeds and the smallest unused ones, `ENOUGH` in all."""
    unused_seeds = (seed for seed in itertools.count() if seed not in seeds)
    return [*seeds, *itertools.islice(unused_seeds, ENOUGH - len(seeds))]


def _onset_lines(units: Units, regime: str, control: str) -> Iterator[tuple[object, ...]]:
    """Yield the lines of one arm: each stage, then its measures."""
    arm_rows, control_rows = by_metric(units, regime), by_metric(units, control)
    arm_stages = {stage: _stage(directions, arm_rows, control_rows, units) for stage, directions in stages.STAGES.items()}
    highest_p = level(len(units.names))
    late_onset = min((_first(p_G, units) for p_G in arm_stages["late"].p.values()), default=math.inf)
    for stage, values in arm_stages.items():
        for measure, p_G in _with_stage(stage, values.p).items():
            generation = _first(p_G, units)
            is_with_bulk = measure == "early" and late_onset <= generation < math.inf
            onset = math.nan if is_with_bulk or generation == math.inf else generation
            note = WITH_THE_BULK if is_with_bulk else ""
            yield measure, stage, regime, control, onset, float(p_G.min()), highest_p, units.words, note
        for measure in values.unusable:
            yield measure, stage, regime, control, np.nan, np.nan, np.nan, units.words, NO_NUMBER
    reason = stages.reason_without_tails({str(name).removesuffix(".median") for name in arm_rows})
    if reason:
        yield "early", "early", regime, control, np.nan, np.nan, np.nan, units.words, reason


def _with_stage(stage: str, measures: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Return the p-values of a stage, the smallest of its measures in each generation, and those of its measures."""
    if not measures:
        return {}
    smallest_G = np.min(list(measures.values()), axis=0)
    return {stage: smallest_G, **measures}


def _stage(directions: Mapping[str, int], arm_rows: Rows, control_rows: Rows, units: Units) -> Stage:
    """Return the p-values of the measures of a stage that both arms have."""
    common_metrics = arm_rows.keys() & control_rows.keys()
    losses: dict[str, NDArray[np.float64]] = {}
    for measure, direction in directions.items():
        metric = next((name for name in (measure, f"{measure}.median") if name in common_metrics), None)
        if metric is not None:
            losses[measure] = direction * differences(arm_rows[metric], control_rows[metric], units, positive=is_positive(metric))
    usable = {measure: loss_UG for measure, loss_UG in losses.items() if np.isfinite(loss_UG).all()}
    unusable = tuple(measure for measure in losses if measure not in usable)
    if not usable:
        return Stage({}, unusable)
    p_MG = p_values(np.stack(list(usable.values())))
    return Stage(dict(zip(usable, p_MG, strict=True)), unusable)


def _first(p_G: NDArray[np.float64], units: Units) -> float:
    """Return the first generation whose p-value is at most the level; infinity if there is none."""
    places = np.flatnonzero(p_G <= level(len(units.names)) + TOLERANCE)
    return float(units.generations[places[0]]) if places.size else math.inf
