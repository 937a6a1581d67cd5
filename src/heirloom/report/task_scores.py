"""Scores of tasks with their intervals, and paired tests by item: each generation against generation 0, each arm against the control.

Two models have answered the same items of the same prompts, so that what they differ on says more than two scores do. An interval
is over items like these, the model given; how seeds differ stands in ``intervals.csv``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from heirloom import controls, digests, reading, spreadsheets
from heirloom.artefacts import kinds, paths
from heirloom.artefacts.files import write_text
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.lineage import references
from heirloom.report import tables
from heirloom.specs.experiment import Experiment
from heirloom.stats import paired
from heirloom.stats.holm import holm

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    *("experiment", "variant", "task", "metric", "regime", "seed", "generation", "items", "cut_items"),
    *("score", "low", "high", "against", "lost", "gained", "p", "p_holm"),
)
_READ = ["task", "item", "metric", "value", "is_cut", "document", "prompt", "target"]
_SAME = ["item", "document", "prompt", "target"]
_EMPTY = {column: [""] for column in ("low", "high", "lost", "gained", "p", "p_holm")}
"""Columns of numbers that a row need not have."""


class Answers(NamedTuple):
    """What one model answered.

    Attributes
    ----------
    name
        The reference of its generation.
    by_metric
        Task and metric → the rows of its items, in order.
    """

    name: str
    by_metric: dict[tuple[str, str], pd.DataFrame]


def table(config: Config) -> pd.DataFrame:
    """Return the scores of all experiments that have tasks, with the columns `COLUMNS`.

    A generation has a row for each model that it is compared with (``against``), the origin one with none. Where a metric is right or wrong
    about each item, ``low`` and ``high`` are Wilson's interval, ``lost`` and ``gained`` the items that one of two models alone is right
    about, ``p`` is McNemar's exact test, and ``p_holm`` is adjusted over the tests of one generation of the experiment. ``cut_items`` are
    longer than the model's context.

    Raises
    ------
    HeirloomError
        If a file of answers is missing or not as recorded, or two models were given other prompts.
    """
    import pandas as pd

    parts = []
    for key, experiment in config.experiments.items():
        if experiment.tasks is None:
            continue
        name, variant = tables.names(key, experiment)
        rows = pd.DataFrame(_rows(key, experiment, config), columns=list(COLUMNS[2:-1]))
        rows["p_holm"] = rows.groupby("generation")["p"].transform(_adjusted)
        parts.append(rows.assign(experiment=name, variant=variant)[list(COLUMNS)])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame([], columns=list(COLUMNS))


def load(config: Config, key: str) -> pd.DataFrame | None:
    """Return the scores of one experiment that the last run has written; None if it has no tasks.

    Raises
    ------
    HeirloomError
        If they do not have their recorded digest.
    """
    import pandas as pd

    experiment = config.experiments[key]
    if experiment.tasks is None:
        return None
    file = digests.check(config.results.tasks, config.results.repair)
    scores = pd.read_csv(file, dtype={"variant": str, "against": str}, keep_default_na=False, na_values=_EMPTY)
    scores["task"] = scores["task"].map(spreadsheets.plain)
    name, variant = tables.names(key, experiment)
    return scores[(scores["experiment"] == name) & (scores["variant"] == variant)]


def _adjusted(p_M: pd.Series[Any]) -> pd.Series[Any]:
    is_test_M = p_M.notna()
    adjusted_M = p_M.copy()
    adjusted_M[is_test_M] = holm(p_M[is_test_M])
    return adjusted_M


def _rows(key: str, experiment: Experiment, config: Config) -> Iterator[dict[str, Any]]:
    control = controls.constant_control(experiment, config)
    generations = range(1, experiment.generations + 1)
    for seed in experiment.seeds:
        origin = _answers(key, kinds.ORIGIN, seed, 0)
        yield from _compared(origin, None, (kinds.ORIGIN, seed, 0))
        for generation in generations:
            controlled = None if control is None else _answers(key, control, seed, generation)
            for regime in experiment.regimes:
                answers = controlled if regime == control and controlled else _answers(key, regime, seed, generation)
                yield from _compared(answers, origin, (regime, seed, generation))
                if controlled and regime != control:
                    yield from _compared(answers, controlled, (regime, seed, generation))


def _answers(key: str, regime: str, seed: int, generation: int) -> Answers:
    import pandas as pd

    path = kinds.TASK_ITEMS.path(key, regime, seed, generation)
    items = pd.read_parquet(reading.artefact(path), columns=_READ).dropna(subset="value").sort_values(["task", "metric", "item"])
    by_metric = {(str(task), str(metric)): rows.reset_index(drop=True) for (task, metric), rows in items.groupby(["task", "metric"])}
    return Answers(references.name_of(path).rpartition(":")[0], by_metric)


def _compared(answers: Answers, other: Answers | None, place: tuple[str, int, int]) -> Iterator[dict[str, Any]]:
    """Yield a row for each task and metric of a model, beside another model or none."""
    for (task, metric), rows in answers.by_metric.items():
        value_N = rows["value"].to_numpy()
        is_verdict = bool(np.isin(value_N, (0.0, 1.0)).all())
        share = paired.share(value_N) if is_verdict else paired.Share(float(value_N.mean()), np.nan, np.nan)
        lost, gained, p = np.nan, np.nan, np.nan
        if other is not None:
            other_rows = other.by_metric[task, metric]
            _check_items(rows, other_rows, f"{answers.name} and {other.name}, {task}")
            if is_verdict:
                lost, gained, p = paired.mcnemar(other_rows["value"], value_N)
        entries = (task, metric, *place, len(rows), int(rows["is_cut"].sum()), *share, other.name if other else "", lost, gained, p)
        yield dict(zip(COLUMNS[2:-1], entries, strict=True))


def _check_items(one: pd.DataFrame, other: pd.DataFrame, names: str) -> None:
    """Refuse answers to other items or prompts."""
    if not one[_SAME].equals(other[_SAME]):
        raise HeirloomError(f"{names}: the two were not given the same items and prompts, so that no paired test is possible")


def files(config: Config) -> list[str]:
    """Return the paths of the table of scores and of its digest; none where no experiment has tasks."""
    has_tasks = any(experiment.tasks is not None for experiment in config.experiments.values())
    return [config.results.tasks, paths.fingerprint(config.results.tasks)] if has_tasks else []


def write(config: Config) -> None:
    """Write the table of scores with its digest, where an experiment has tasks."""
    if not files(config):
        return
    write_text(config.results.tasks, spreadsheets.csv_text(table(config)))
    digests.seal(config.results.tasks)
