"""The files of numbers among a config's results, written after a run from the measures of all lineages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import digests
from heirloom.artefacts import kinds
from heirloom.artefacts.files import dumps, replacing, write_text
from heirloom.config import Config
from heirloom.measures.replicas import WITHIN
from heirloom.report import agreement, attribution, group_table, intervals, onset, run_settings, tables, task_scores, units
from heirloom.report.profile import table as profiles
from heirloom.report.ranking import table as rankings
from heirloom.specs import tasks
from heirloom.specs.experiment import Experiment
from heirloom.spreadsheets import csv_text

if TYPE_CHECKING:
    import pandas as pd


def write(config: Config) -> None:
    """Write the tidy table, headline measures, what is worked out from them, and one table per experiment for ``dvc plots``."""
    frame, results = tables.gather(config), config.results
    _write_parquet(frame, results.metrics)
    digests.seal(results.metrics)
    run_settings.write(config)
    write_text(results.headlines, dumps(headlines(frame, config)))
    write_text(results.intervals, csv_text(headline_intervals(frame, config)))
    write_text(results.onset, csv_text(onsets(frame, config)))
    digests.seal(results.onset)
    write_text(results.attribution, csv_text(attribution.table(frame, config)))
    write_text(results.theory, csv_text(agreements(frame, config)))
    digests.seal(results.theory)
    write_text(results.profile, csv_text(profiles.table(frame, config)))
    digests.seal(results.profile)
    task_scores.write(config)
    group_table.write(frame, config)
    rankings.write(frame, config)
    _write_plot_tables(frame, config)


def _write_plot_tables(frame: pd.DataFrame, config: Config) -> None:
    with replacing(config.results.plots) as folder:
        folder.mkdir()
        for path, (key, experiment) in zip(tables.plot_files(config), config.experiments.items(), strict=True):
            table = plot_table(tables.of_experiment(frame, key, experiment))
            (folder / Path(path).name).write_text(csv_text(table), encoding="utf-8")


def headline_intervals(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return the intervals of all headline metrics and of scores of tasks (`intervals.table`)."""
    within_chains = [f"{name}.{what}" for name in tables.VECTOR_HEADLINES for what in WITHIN]
    is_headline = frame["metric"].isin([*tables.HEADLINES, *within_chains])
    rows = frame[is_headline | frame["metric"].str.startswith(tasks.PREFIX)]
    num_replicas = {tables.names(key, experiment): experiment.num_replicas for key, experiment in config.experiments.items()}
    return intervals.table(rows, num_replicas)


def onsets(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return the onsets of all experiments (`onset.table`), with the columns ``experiment`` and ``variant`` first.

    Raises
    ------
    HeirloomError
        If a file of replicas is not as it was recorded.
    """

    def table(rows: pd.DataFrame, experiment: Experiment, config: Config) -> pd.DataFrame:
        return onset.table(rows, experiment, config, units.of_replicas(experiment, config))

    return _of_all_experiments(frame, config, table)


def agreements(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return closed forms beside measured values (`agreement.table`), with the columns ``experiment`` and ``variant`` first."""
    return _of_all_experiments(frame, config, agreement.table)


def _of_all_experiments(
    frame: pd.DataFrame, config: Config, table: Callable[[pd.DataFrame, Experiment, Config], pd.DataFrame]
) -> pd.DataFrame:
    """Return the tables of all experiments as one."""
    import pandas as pd

    parts = []
    for key, experiment in config.experiments.items():
        name, variant = tables.names(key, experiment)
        part = table(tables.of_experiment(frame, key, experiment), experiment, config)
        columns = ["experiment", "variant", *part.columns]
        parts.append(part.assign(experiment=name, variant=variant)[columns])
    return pd.concat(parts)


def headlines(frame: pd.DataFrame, config: Config) -> dict[str, dict[str, dict[str, float]]]:
    """Return the last generation's headline metrics: {experiment: {regime: {metric: centre over seeds, to six digits}}}."""
    from heirloom.report.numbers import over_seeds

    numbers: dict[str, dict[str, dict[str, float]]] = {}
    for key, experiment in config.experiments.items():
        rows = tables.of_experiment(frame, key, experiment)
        last_rows = rows[(rows["generation"] == experiment.generations) & rows["metric"].isin(tables.HEADLINES)]
        for row in over_seeds(last_rows).itertuples():
            by_regime = numbers.setdefault(key, {})
            by_regime.setdefault(str(row.regime), {})[str(row.metric)] = float(f"{row.mean:.6g}")
    return numbers


def plot_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one experiment's headline metrics for ``dvc plots``: generation, regime, metric, value (centre over seeds).

    The template ``.dvc/plots/regimes.json`` draws one panel per metric and one line per regime. The line of every regime begins at the
    origin, so the origin's row is repeated under each regime. If an experiment has only the origin, its row stays as it is.
    """
    import pandas as pd

    from heirloom.report.numbers import over_seeds

    headline_rows = rows[rows["metric"].isin(tables.HEADLINES)]
    means = over_seeds(headline_rows).rename(columns={"mean": "value"})
    origin, arms = means[means["regime"] == kinds.ORIGIN], means[means["regime"] != kinds.ORIGIN]
    parts = []
    for regime in sorted(set(arms["regime"])):
        parts += [origin.assign(regime=regime), arms[arms["regime"] == regime]]
    table = pd.concat(parts or [origin])
    in_order = table.sort_values(["metric", "regime", "generation"], key=_headline_order, ignore_index=True)
    return in_order[list(tables.PLOT_COLUMNS)]


def _headline_order(column: pd.Series[Any]) -> pd.Series[Any]:
    if column.name != "metric":
        return column
    places = {metric: place for place, metric in enumerate(tables.HEADLINES)}
    return column.map(places)


def _write_parquet(frame: pd.DataFrame, path: str) -> None:
    """Write the table without pandas' metadata, whose wording changes with its version."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[str, pa.DataType] = {"seed": pa.int64(), "generation": pa.int32(), "value": pa.float64()}
    schema = pa.schema([(column, types.get(column, pa.string())) for column in tables.COLUMNS])
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", store_schema=False)
