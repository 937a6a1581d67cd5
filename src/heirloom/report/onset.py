"""When a lineage begins to collapse: the first generation at which a measure leaves the band of the control's lineages.

Early collapse is tail loss while the bulk is intact, late collapse the loss of variance, diversity or likeness
(docs/collapse.md). The band is simultaneous: it holds a whole further lineage of the control with probability `LEVEL`,
so that looking at many generations finds no onset by chance alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom.config import Config, Experiment
from heirloom.report.intervals import FEW, LEVEL, interval, t_quantile

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 5
"""Lineages of the control below which no band is estimable."""

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

COLUMNS = ("measure", "stage", "regime", "onset", "low", "high", "left", "seeds", "control_seeds", "note")


class Band(NamedTuple):
    """The control's band, an entry a generation."""

    centre: NDArray[np.float64]
    half_width: NDArray[np.float64]


def band(control_SG: NDArray[np.float64]) -> Band:
    """Return the band that holds a whole further lineage of the control with probability `LEVEL`.

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


def onsets(arm_SG: NDArray[np.float64], control: Band, direction: int) -> NDArray[np.float64]:
    """Return each lineage's onset: the first generation (from 1) beyond the band in the direction of loss, infinity if there is none.

    Parameters
    ----------
    arm_SG
        The arm's curves from generation 1, shape (S, G).
    direction
        1 if the measure rises under collapse, -1 if it falls.
    """
    outside_SG = direction * (arm_SG - control.centre) > control.half_width
    return np.where(outside_SG.any(axis=1), outside_SG.argmax(axis=1) + 1.0, np.inf)


def table(own: pd.DataFrame, experiment: Experiment, config: Config) -> pd.DataFrame:
    """Return the onsets of one experiment's arms with the columns `COLUMNS`; empty without a control.

    A row is a measure and an arm: ``onset`` is the median over seeds (empty if most never leave), ``low`` and ``high`` its interval over
    those that left, ``left`` how many did. The measures ``early`` and ``late`` are the stages: late is the first of all bulk measures,
    early the first of all tail measures where that is before late.

    Parameters
    ----------
    own
        The tidy rows of the experiment.
    """
    import pandas as pd

    rows = []
    for regime in experiment.regimes:
        control = control_of(regime, experiment, config)
        if control is None or control == regime:
            continue
        rows += _of_arm(own, regime, control)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(("onset", "low", "high", "left"), "float64"))


def control_of(regime: str, experiment: Experiment, config: Config) -> str | None:
    """Return the arm whose training sets are all real, redrawn from the pool, and as large as the regime's; None if there is none."""
    for name in experiment.regimes:
        other = config.regimes[name]
        if other.pool == 1.0 and other.synthetic == "none" and other.growth == config.regimes[regime].growth:
            return name
    return None


def _of_arm(own: pd.DataFrame, regime: str, control: str) -> list[tuple[object, ...]]:
    rows, found = list[tuple[object, ...]](), dict[str, NDArray[np.float64]]()
    of_control, of_regime = (dict(list(own[own["regime"] == arm].groupby("metric"))) for arm in (control, regime))
    for measure, direction in (EARLY | LATE).items():
        control_SG, arm_SG = _curves(of_control, measure), _curves(of_regime, measure)
        if control_SG is None or arm_SG is None:
            continue
        stage = "early" if measure in EARLY else "late"
        if len(control_SG) < FEWEST:
            note = f"not estimable: {len(control_SG)} control seeds, {FEWEST} needed"
            rows.append((measure, stage, regime, *[np.nan] * 4, len(arm_SG), len(control_SG), note))
            continue
        found[measure] = onsets(arm_SG, band(control_SG), direction)
        rows.append((measure, stage, regime, *_over_seeds(found[measure]), len(control_SG), ""))
    seeds = rows[0][-2] if rows else 0
    return rows + [(stage, stage, regime, *_over_seeds(first), seeds, "") for stage, first in _stages(found).items()]


def _stages(found: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Return each lineage's onset of early and late collapse, given its onset of every measure."""
    tails = [first for measure, first in found.items() if measure in EARLY]
    bulk = [first for measure, first in found.items() if measure in LATE]
    if not tails or not bulk:
        return {}
    early, late = np.min(tails, axis=0), np.min(bulk, axis=0)
    return {"early": np.where(early < late, early, np.inf), "late": late}


def _over_seeds(onset_S: NDArray[np.float64]) -> tuple[float, float, float, int, int]:
    """Return the median, the interval over the lineages that left (their range where they are few), and how many left and are."""
    left = onset_S[np.isfinite(onset_S)]
    median = float(np.quantile(onset_S, 0.5, method="lower"))
    if len(left) >= FEW:
        _, low, high, _ = interval(left, positive=True)[:4]
    else:
        low, high = (float(left.min()), float(left.max())) if len(left) else (np.nan, np.nan)
    return median if np.isfinite(median) else np.nan, low, high, len(left), len(onset_S)


def _curves(of_arm: Mapping[Any, pd.DataFrame], measure: str) -> NDArray[np.float64] | None:
    """Return a measure's curves from generation 1, shape (S, G), of an arm's rows by metric; of replicas their median's if there is one."""
    for metric in (measure, f"{measure}.median"):
        if metric in of_arm:
            return of_arm[metric].pivot(index="seed", columns="generation", values="value").to_numpy()
    return None
