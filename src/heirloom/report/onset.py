"""When an arm begins to collapse: the first generation at which its lineages have lost more than the control's, all of them together.

Early collapse is tail loss while the bulk is intact, late collapse the loss of variance, diversity or likeness (docs/collapse.md). An arm's
lineage is compared with the control's lineage of the same seed. The test is exact whatever the law of a measure is: if the arm were the
control, the two would be exchangeable, and the differences of a seed could as well have the other sign.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom import paths, reading
from heirloom.config import Config, Experiment
from heirloom.measures.scales import is_positive
from heirloom.report.intervals import LEVEL, t_quantile
from heirloom.specs.vector_source import VectorSource
from heirloom.streams import Stream

if TYPE_CHECKING:
    import pandas as pd

NOMINAL = 0.025
"""Chance of an onset in a stage of an arm that is the control, at most, where the seeds allow it: one-sided, because a gain is no loss."""

FEWEST = 5
"""Seeds below which no onset is estimable: with five, one of 32 flips is 3.1 %."""
ENOUGH = 6
"""Seeds from which on the level is `NOMINAL` or less: one of 64 flips is 1.6 %."""

ALL_UP_TO = 12
"""Seeds up to which every flip is looked at; of more, `DRAWN` are."""
DRAWN = 4096

EARLY = {"tail_survival.2-4": -1, "tail_survival.5-16": -1, "tail_survival.17-64": -1, "tail_mass_95": -1, "tail_mass_99": -1}
LATE = {
    "covariance_trace": -1,
    "log_determinant": -1,
    "wasserstein2_squared": 1,
    "mean_squared_error": 1,
    "distinct_3": -1,
    "token_entropy": -1,
    "test_perplexity": 1,
}
"""Measure → the direction that is a loss, of the tails and of the bulk."""

STAGES = {"early": EARLY, "late": LATE}

COLUMNS = ("measure", "stage", "regime", "control", "onset", "p", "level", "seeds", "note")

WITH_THE_BULK = "the tails leave with the bulk or after it"
NO_NUMBER = "left out: not a number in some generation of a seed"

_TOLERANCE = 1e-9
"""Of a statistic that lies between -sqrt(S) and sqrt(S): sums in another order are equal."""

ByMetric = Mapping[Any, "pd.DataFrame"]


class Band(NamedTuple):
    """The control's band, an entry a generation."""

    centre: NDArray[np.float64]
    half_width: NDArray[np.float64]


class Found(NamedTuple):
    """What a stage of an arm shows: p of each measure and generation, shape (G,), and which measures are no numbers somewhere."""

    p: Mapping[str, NDArray[np.float64]]
    unusable: tuple[str, ...]


def band(control_SG: NDArray[np.float64]) -> Band:
    """Return the band that holds a whole further lineage of the control with probability `LEVEL`; for the eye, no onset stands on it.

    mean ± c s sqrt(1 + 1 / S): Student's prediction interval for one more lineage, with c the t quantile at (1 + LEVEL^(1/G)) / 2 (Šidák
    1967). Exact for normal generations that are independent given the seeds, as redrawn real rows make them; too wide, never too narrow,
    where generations move together.

    Parameters
    ----------
    control_SG
        The control's curves, shape (S, G), S of at least 2.
    """
    num_seeds, num_generations = control_SG.shape
    c = t_quantile((1 + LEVEL ** (1 / num_generations)) / 2, num_seeds)
    return Band(control_SG.mean(axis=0), c * control_SG.std(axis=0, ddof=1) * np.sqrt(1 + 1 / num_seeds))


def p_values(losses_MSG: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the p-value of each measure and generation, shape (M, G), adjusted for looking at all of them (Westfall and Young 1993).

    The statistic is sum_s d / sqrt(sum_s d²), which rises with Student's t. Its p-value is the share of flips, each of which turns the
    sign of whole seeds, whose greatest statistic of all measures and generations is as great.

    Parameters
    ----------
    losses_MSG
        By how much the arm has lost more than the control of the same seed, shape (M, S, G), each measure in a unit of its own.
    """
    length_M1G = np.sqrt((losses_MSG**2).sum(axis=1, keepdims=True))
    unit_MSG = np.divide(losses_MSG, length_M1G, out=np.zeros_like(losses_MSG), where=length_M1G > 0)
    signs_FS = flips(losses_MSG.shape[1])
    greatest_F = np.sort(np.max([(signs_FS @ unit_SG).max(axis=1) for unit_SG in unit_MSG], axis=0))
    below_MG = np.searchsorted(greatest_F, unit_MSG.sum(axis=1) - _TOLERANCE)
    return np.asarray(1 - below_MG / len(signs_FS))


@cache
def flips(num_seeds: int) -> NDArray[np.float64]:
    """Return signs of seeds, shape (F, S), the first all 1: every combination, or `DRAWN` of them that are the same in every run."""
    if num_seeds <= ALL_UP_TO:
        return np.array(list(itertools.product((1.0, -1.0), repeat=num_seeds)))
    drawn = Stream(("onset", num_seeds)).generator().integers(0, 2, (DRAWN - 1, num_seeds))
    return np.concatenate([np.ones((1, num_seeds)), 1.0 - 2.0 * drawn])


def level(num_seeds: int) -> float:
    """Return the chance of an onset in a stage of an arm that is the control, at most: `NOMINAL` or the little less that flips can hit.

    Five seeds cannot hit it, and have 1 / 32.
    """
    num_flips = min(2**num_seeds, DRAWN)
    return max(1, math.floor(NOMINAL * num_flips)) / num_flips


def table(own: pd.DataFrame, experiment: Experiment, config: Config) -> pd.DataFrame:
    """Return the onsets of one experiment's arms with the columns `COLUMNS`; empty without a control or a measure of collapse.

    A row is a measure and an arm: ``onset`` is the first generation whose p-value (`p_values`, over the measures of the stage) is at most
    ``level``, empty if there is none; ``p`` is the smallest. The measures ``early`` and ``late`` are the stages: late is the first of all
    bulk measures, early the first of all tail measures where that is before late. An arm for which nothing is estimable has one row, whose
    ``note`` says why.

    Parameters
    ----------
    own
        The tidy rows of the experiment.
    """
    import pandas as pd

    rows: list[tuple[object, ...]] = []
    measured = set(own["metric"].str.removesuffix(".median")) & {*EARLY, *LATE}
    for regime in experiment.regimes if measured else ():
        if regime == (control := control_of(regime, experiment, config)):
            continue
        reason = _reason(regime, experiment, config)
        if control and not reason:
            rows += _of_arm(own, regime, control, experiment)
        elif reason:
            rows.append(("", "", regime, control or "", np.nan, np.nan, np.nan, len(experiment.seeds), reason))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(("onset", "p", "level"), "float64"))


def not_estimable(onsets: pd.DataFrame, name: str) -> list[str]:
    """Return a line for each reason why arms of an experiment have no onset that is estimable, with the key to set.

    Parameters
    ----------
    onsets
        As `table` returns them.
    name
        The experiment's name in the config file.
    """
    reasons = onsets.loc[onsets["measure"] == "", "note"].unique()
    return [f"{name}: the onset of collapse is {reason}" for reason in reasons]


def control_of(regime: str, experiment: Experiment, config: Config) -> str | None:
    """Return the arm whose training sets are all real, redrawn from the pool, and as large as the regime's; None if there is none.

    An arm that takes its whole pool in every generation redraws nothing, and is no control.
    """
    return None if _takes_all(experiment, config) else _all_real(regime, experiment, config)


def _all_real(regime: str, experiment: Experiment, config: Config) -> str | None:
    for name in experiment.regimes:
        other = config.regimes[name]
        if other.pool == 1.0 and other.synthetic == "none" and other.growth == config.regimes[regime].growth:
            return name
    return None


def _takes_all(experiment: Experiment, config: Config) -> bool:
    """Return whether a generation of real rows is the whole pool; how many rows a pool of text has is known where it lies here."""
    if isinstance(experiment.source, VectorSource):
        return experiment.source.rows <= experiment.rows
    pool = Path(paths.fill(paths.REAL_TRAIN, _key(experiment, config)))
    return pool.is_file() and reading.dataset(pool).num_rows <= experiment.rows


def _key(experiment: Experiment, config: Config) -> str:
    return next(key for key, one in config.experiments.items() if one == experiment)


def _reason(regime: str, experiment: Experiment, config: Config) -> str:
    """Return why an arm has no estimable onset, and the key to set; empty if it has one, or no control at all."""
    control, seeds = _all_real(regime, experiment, config), experiment.seeds
    if control is None or control == regime:
        return ""
    name = f"experiments.{experiment.variant_of or _key(experiment, config)}"
    if _takes_all(experiment, config):
        said = f"each generation of {control!r} takes all {experiment.rows} rows of its pool and redraws nothing"
        key = f"{name}.rows below" if experiment.is_text else f"{name}.source.rows above"
        return f"not estimable: {said}; set {key} {experiment.rows}"
    if len(seeds) < FEWEST:
        others = (seed for seed in itertools.count() if seed not in seeds)
        wanted = [*seeds, *itertools.islice(others, ENOUGH - len(seeds))]
        return f"not estimable with {len(seeds)} seed{'s' if len(seeds) > 1 else ''}; set {name}.seeds: {wanted}"
    return ""


def _of_arm(own: pd.DataFrame, regime: str, control: str, experiment: Experiment) -> Iterator[tuple[object, ...]]:
    """Yield the rows of one arm: each stage, then its measures."""
    of_control, of_regime = (dict(list(own[own["regime"] == arm].groupby("metric"))) for arm in (control, regime))
    stages = {stage: _stage(directions, of_regime, of_control, experiment) for stage, directions in STAGES.items()}
    num_seeds = len(experiment.seeds)
    most = level(num_seeds)
    late = min((_first(p_G, most) for p_G in stages["late"].p.values()), default=math.inf)
    for stage, one in stages.items():
        for measure, p_G in _with_stage(stage, one.p).items():
            first = _first(p_G, most)
            hidden = measure == "early" and late <= first < math.inf
            onset = math.nan if hidden or first == math.inf else first
            yield measure, stage, regime, control, onset, float(p_G.min()), most, num_seeds, WITH_THE_BULK if hidden else ""
        for measure in one.unusable:
            yield measure, stage, regime, control, np.nan, np.nan, np.nan, num_seeds, NO_NUMBER


def _with_stage(stage: str, measures: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Return the p-values of a stage, the smallest of its measures in each generation, and those of its measures."""
    return {stage: np.min(list(measures.values()), axis=0), **measures} if measures else {}


def _stage(directions: Mapping[str, int], of_regime: ByMetric, of_control: ByMetric, experiment: Experiment) -> Found:
    """Return the p-values of the measures of a stage that both arms have."""
    losses = {}
    for measure, direction in directions.items():
        metric = next((name for name in (measure, f"{measure}.median") if name in of_regime and name in of_control), None)
        if metric is not None:
            losses[measure] = direction * _differences(metric, of_regime, of_control, experiment)
    usable = {measure: loss_SG for measure, loss_SG in losses.items() if np.isfinite(loss_SG).all()}
    unusable = tuple(measure for measure in losses if measure not in usable)
    if not usable:
        return Found({}, unusable)
    return Found(dict(zip(usable, p_values(np.stack(list(usable.values()))), strict=True)), unusable)


def _differences(metric: str, of_regime: ByMetric, of_control: ByMetric, experiment: Experiment) -> NDArray[np.float64]:
    """Return arm minus control of the same seed from generation 1 on, shape (S, G); of a positive measure the difference of logarithms."""
    generations = range(1, experiment.generations + 1)
    curves = (own[metric].pivot(index="seed", columns="generation", values="value") for own in (of_regime, of_control))
    arm_SG, control_SG = (one.reindex(index=experiment.seeds, columns=generations).to_numpy(dtype=np.float64) for one in curves)
    if is_positive(metric) and (arm_SG > 0).all() and (control_SG > 0).all():
        arm_SG, control_SG = np.log(arm_SG), np.log(control_SG)
    with np.errstate(invalid="ignore"):
        return np.asarray(arm_SG - control_SG)


def _first(p_G: NDArray[np.float64], most: float) -> float:
    """Return the first generation, from 1, whose p-value is at most that; infinity if there is none."""
    reached = np.flatnonzero(p_G <= most + _TOLERANCE)
    return float(reached[0] + 1) if reached.size else math.inf
