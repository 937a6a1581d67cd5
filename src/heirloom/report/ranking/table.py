"""The rankings of a config: each knob's chosen setting in its place, with what it is better than and what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heirloom import digests, spreadsheets
from heirloom.artefacts import paths
from heirloom.artefacts.files import write_text
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.measures.scales import is_positive
from heirloom.report import tables
from heirloom.report.intervals import interval
from heirloom.report.profile.arm import first_common
from heirloom.report.ranking.comparison import LEVEL, pair_p_values
from heirloom.report.ranking.effort import Effort, effort
from heirloom.specs.ranking import Place, Ranking, place

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("ranking", "place", "knob", "arm", "measure", "seeds", "value", "low", "high", "estimand"),
    *("better_than", "p_baseline", *Effort._fields),
)
BASELINE = "baseline"
"""Stands for the knob of the arm without any mitigation."""
_SEPARATOR = ", "


class Entry(NamedTuple):
    """An arm of a ranking: its knob, its place in the config, and the measure of each seed that is ranked, shape (S,)."""

    knob: str
    place: Place
    values: NDArray[np.float64]


def table(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return all rankings with the columns `COLUMNS`; no row where the config has none.

    Each knob is shown with the setting that is best on average over the seeds of validation. ``place`` counts from 1; arms beside the
    ranking have none. ``better_than`` lists the knobs that this one is better than for certain, and ``p_baseline`` is about the
    difference to the baseline. Both are adjusted for all pairs of the ranking (`comparison.pair_p_values`). ``value`` and its interval of
    95 % are over the other seeds. The rest is arithmetic (`effort.Effort`).

    Parameters
    ----------
    frame
        Tidy rows (`tables.gather`).

    Raises
    ------
    HeirloomError
        If an arm does not have the measure.
    """
    import pandas as pd

    lines = [line for name, ranking in config.rankings.items() for line in _lines(name, ranking, frame, config)]
    return pd.DataFrame(lines, columns=list(COLUMNS))


def files(config: Config) -> list[str]:
    """Return the paths of the table and of its digest; none where the config has no ranking."""
    return [config.results.ranking, paths.fingerprint(config.results.ranking)] if config.rankings else []


def write(frame: pd.DataFrame, config: Config) -> None:
    """Write the table with its digest, where the config has a ranking."""
    if not config.rankings:
        return
    text = spreadsheets.csv_text(table(frame, config))
    write_text(config.results.ranking, text)
    digests.seal(config.results.ranking)


def load(config: Config) -> pd.DataFrame | None:
    """Return the rankings that the last run has written; None where the config has none.

    Raises
    ------
    HeirloomError
        If the table does not have its recorded digest.
    """
    import pandas as pd

    if not config.rankings:
        return None
    ranked = pd.read_csv(digests.check(config.results.ranking, config.results.repair), dtype={"better_than": str})
    return ranked.fillna({"better_than": ""})


def _lines(name: str, ranking: Ranking, frame: pd.DataFrame, config: Config) -> Iterator[tuple[Any, ...]]:
    entries = [_chosen(knob, settings, ranking, frame, config) for knob, settings in _settings(ranking)]
    positive = is_positive(ranking.measure) and all((entry.values > 0).all() for entry in entries)
    sign = 1.0 if ranking.better == "lower" else -1.0
    values_KS = np.stack([entry.values for entry in entries])
    losses_KS = sign * (np.log(values_KS) if positive else values_KS)
    p_KK = pair_p_values(losses_KS)
    mean_K = losses_KS.mean(axis=1)
    baseline = [entry.knob for entry in entries].index(BASELINE)
    for number, k in enumerate(np.argsort(mean_K, kind="stable").tolist(), 1):
        beaten = [other.knob for j, other in enumerate(entries) if p_KK[k, j] <= LEVEL and mean_K[k] < mean_K[j]]
        p = np.nan if k == baseline else p_KK[k, baseline]
        yield _line(name, number, entries[k], ranking, config, _SEPARATOR.join(beaten), p)
    for knob, reference in ranking.beside.items():
        entry = Entry(knob, place(reference), _values(place(reference), ranking, frame, config)[0])
        yield _line(name, None, entry, ranking, config, "", np.nan)


def _settings(ranking: Ranking) -> Iterator[tuple[str, list[str]]]:
    yield BASELINE, [ranking.baseline]
    yield from ranking.knobs.items()


def _chosen(knob: str, settings: Sequence[str], ranking: Ranking, frame: pd.DataFrame, config: Config) -> Entry:
    """Return a knob with the setting that is best on average over the seeds of validation, the first of equal ones."""
    sign = 1.0 if ranking.better == "lower" else -1.0
    candidates = [(place(setting), *_values(place(setting), ranking, frame, config)) for setting in settings]
    losses = [sign * validation.mean() if validation.size else 0.0 for _, _, validation in candidates]
    best_place, values, _ = candidates[int(np.argmin(losses))]
    return Entry(knob, best_place, values)


def _values(arm: Place, ranking: Ranking, frame: pd.DataFrame, config: Config) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the measure of an arm at the last generation, of each seed that is ranked and of each that validates, in order."""
    experiment = config.experiments[arm.experiment]
    rows = tables.of_experiment(frame, arm.experiment, experiment)
    last_rows = rows[(rows["regime"] == arm.regime) & (rows["generation"] == experiment.generations)]
    metric = first_common([ranking.measure], last_rows["metric"].unique())
    if metric is None:
        raise HeirloomError(f"rankings: {arm.experiment}/{arm.regime} has no measure {ranking.measure!r} at its last generation")
    by_seed = last_rows[last_rows["metric"] == metric].set_index("seed")["value"]
    values_S = by_seed.loc[experiment.seeds].to_numpy(dtype=np.float64)
    num_ranked = len(values_S) - ranking.validation_seeds
    return values_S[:num_ranked], values_S[num_ranked:]


def _line(name: str, number: int | None, entry: Entry, ranking: Ranking, config: Config, better_than: str, p: float) -> tuple[Any, ...]:
    positive = is_positive(ranking.measure) and bool((entry.values > 0).all())
    over_seeds = interval(entry.values, positive=positive)
    experiment, regime = config.experiments[entry.place.experiment], config.regimes[entry.place.regime]
    arm = f"{entry.place.experiment}/{entry.place.regime}"
    numbers = (over_seeds.centre, over_seeds.low, over_seeds.high, over_seeds.estimand)
    place_and_arm = (name, number, entry.knob, arm, ranking.measure, len(entry.values))
    return (*place_and_arm, *numbers, better_than, p, *effort(experiment, regime))
