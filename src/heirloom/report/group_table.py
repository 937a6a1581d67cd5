"""Groups of rows: what each arm still has of each of them, which vanishes first, and when chance alone would have lost it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from heirloom import digests, spreadsheets
from heirloom.artefacts import paths
from heirloom.artefacts.files import write_text
from heirloom.config import Config
from heirloom.measures.groups import PREFIX
from heirloom.report import tables
from heirloom.report.generations import shared_generations
from heirloom.specs.experiment import Experiment
from heirloom.specs.groups import ColumnGroups
from heirloom.specs.regime import Regime
from heirloom.theory import Curve, discrete

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("experiment", "variant", "regime", "group", "real_share", "generation", "share", "se", "trained"),
    *("alive", "neutral_alive", "half_gone", "neutral_half_gone", "rank"),
)
_SHARE = ".share"
_HALF = 0.5
"""Share of chains below which a group counts as gone."""


def table(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return what is left of each group of each arm, with the columns `COLUMNS`; no row where no experiment has groups.

    ``real_share`` and ``share`` are the group's shares of the original rows and of the last generation's, with its standard error over
    chains; ``trained`` is its share of the last training set. ``alive`` is the share of chains that still have a row of it, of text by
    column in the training set, and ``half_gone`` the first generation at which fewer than half of them do. The neutral columns are what
    exact resampling of the rows loses by chance alone, where the arm is `replace` (`neutral_alive`). Without selection the expected share
    stays at ``real_share``. ``rank`` 1 has vanished first, or has lost most.

    Parameters
    ----------
    frame
        Tidy rows (`tables.gather`).
    """
    import pandas as pd

    parts = []
    for key, experiment in config.experiments.items():
        if experiment.groups is None:
            continue
        rows = tables.of_experiment(frame, key, experiment)
        name, variant = tables.names(key, experiment)
        lines = [line for regime in experiment.regimes for line in _of_arm(rows, regime, experiment, config)]
        parts.append(pd.DataFrame(lines, columns=list(COLUMNS[2:])).assign(experiment=name, variant=variant)[list(COLUMNS)])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame([], columns=list(COLUMNS))


def names(rows: pd.DataFrame) -> list[str]:
    """Return the groups that tidy rows tell of, in the order of their names."""
    measures = rows["metric"].str.removesuffix(".mean")
    shares = measures[measures.str.startswith(PREFIX) & measures.str.endswith(_SHARE)].unique()
    return sorted(measure.removeprefix(PREFIX).removesuffix(_SHARE) for measure in shares)


def files(config: Config) -> list[str]:
    """Return the paths of the table and of its digest; none where no experiment has groups."""
    has_groups = any(experiment.groups is not None for experiment in config.experiments.values())
    return [config.results.groups, paths.fingerprint(config.results.groups)] if has_groups else []


def write(frame: pd.DataFrame, config: Config) -> None:
    """Write the table with its digest, where an experiment has groups."""
    if not files(config):
        return
    write_text(config.results.groups, spreadsheets.csv_text(table(frame, config)))
    digests.seal(config.results.groups)


def load(config: Config, key: str) -> pd.DataFrame | None:
    """Return the groups of one experiment that the last run has written; None if it has none.

    Raises
    ------
    HeirloomError
        If the table does not have its recorded digest.
    """
    import pandas as pd

    experiment = config.experiments[key]
    if experiment.groups is None:
        return None
    file = digests.check(config.results.groups, config.results.repair)
    groups = pd.read_csv(file, dtype={"variant": str, "group": str}, keep_default_na=False, na_values={name: [""] for name in COLUMNS[4:]})
    groups["group"] = groups["group"].map(spreadsheets.plain)
    name, variant = tables.names(key, experiment)
    return groups[(groups["experiment"] == name) & (groups["variant"] == variant)]


def neutral_alive(real_share: float, experiment: Experiment) -> Curve:
    """Return the chance that a group still has a row in synthetic set 1, 2, …, G where rows are only resampled, shape (G,).

    Where rows follow their prompts, each of which is continued in every generation, nothing is left to chance: it is 1. Else it is of one
    chain that of the group's number of original rows; of many chains, which differ in it, that of its share. Exact up to
    `theory.discrete.EXACT_ROWS` rows, and beyond the branching process that is its limit.
    """
    rows, last = experiment.rows, experiment.generations
    if experiment.continues_rows:
        return np.ones(last)
    is_one_chain = experiment.num_replicas == 1
    if rows > discrete.EXACT_ROWS:
        curve = discrete.drift_survival([real_share * rows], last + 1)[:, 0]
        return curve[:-1] if is_one_chain else curve[1:]
    if is_one_chain:
        return discrete.survival(round(real_share * rows), rows, last)
    return np.asarray(1 - discrete.spectrum([real_share], rows, last + 1)[1:, 0])


def _of_arm(rows: pd.DataFrame, regime: str, experiment: Experiment, config: Config) -> Iterator[tuple[Any, ...]]:
    """Yield a line for each group of an arm, those first that have vanished first."""
    from heirloom.report import numbers

    last = shared_generations(rows, experiment)[-1]
    lines = []
    for group in names(rows):
        share, alive, trained = (numbers.estimates(rows, [regime], f"{PREFIX}{group}.{what}") for what in ("share", "alive", "trained"))
        by_generation = share.set_index("generation")
        real_share = float(by_generation["mean"].get(0, math.nan))
        alive_G = alive.set_index("generation")["mean"].reindex(range(1, last + 1)).to_numpy()
        neutral_G = np.full(last, math.nan)
        keeps_groups = not experiment.continues_rows or isinstance(experiment.groups, ColumnGroups)
        if config.regimes[regime] == Regime() and keeps_groups and experiment.original_rows == experiment.rows:
            neutral_G = neutral_alive(real_share, experiment)[:last]
        half_gone = _first_below(alive_G)
        end = by_generation.loc[last]
        trained_share = float(trained.set_index("generation")["mean"].loc[last])
        parts_left = [part / real_share if real_share else math.inf for part in (end["mean"], trained_share)]
        order = (math.inf if math.isnan(half_gone) else half_gone, *parts_left)
        numbers_of_group = (end["mean"], end["se"], trained_share, alive_G[-1], neutral_G[-1], half_gone, _first_below(neutral_G))
        lines.append((order, (regime, group, real_share, last, *numbers_of_group)))
    for rank, (_, line) in enumerate(sorted(lines, key=lambda entry: entry[0]), 1):
        yield *line, rank


def _first_below(alive_G: Curve) -> float:
    """Return the first generation at which fewer than half of the chains have the group; NaN where there is none."""
    places = np.flatnonzero(alive_G < _HALF)
    return float(places[0] + 1) if places.size else math.nan
