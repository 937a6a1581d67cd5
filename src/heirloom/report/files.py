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
from heirloom.report import agreement, attribution, intervals, onset, tables
from heirloom.specs.experiment import Experiment

if TYPE_CHECKING:
    import pandas as pd


def write(config: Config) -> None:
    """Write the tidy table, headline measures, intervals, onsets, closed forms, and one table per experiment for ``dvc plots``."""
    frame, results = tables.gather(config), config.results
    _write_parquet(frame, results.metrics)
    digests.seal(results.metrics)
    write_text(results.headlines, dumps(headlines(frame, config)))
    within = [f"{name}.{what}" for name in tables.VECTOR_HEADLINES for what in WITHIN]
    replicas = {tables.names(key, experiment): experiment.num_replicas for key, experiment in config.experiments.items()}
    write_text(results.intervals, _csv(intervals.table(frame[frame["metric"].isin([*tables.HEADLINES, *within])], replicas)))
    write_text(results.onset, _csv(onsets(frame, config)))
    digests.seal(results.onset)
    write_text(results.attribution, _csv(attribution.table(frame, config)))
    write_text(results.theory, _csv(agreements(frame, config)))
    digests.seal(results.theory)
    with replacing(results.plots) as folder:
        folder.mkdir()
        for path, (key, experiment) in zip(tables.plot_files(config), config.experiments.items(), strict=True):
            (folder / Path(path).name).write_text(_csv(plot_table(tables.of_experiment(frame, key, experiment))), encoding="utf-8")


def onsets(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return the onsets of all experiments (`onset.table`), with the columns ``experiment`` and ``variant`` first.

    Raises
    ------
    HeirloomError
        If a file of replicas is not as it was recorded.
    """

    def table(own: pd.DataFrame, experiment: Experiment, config: Config) -> pd.DataFrame:
        return onset.table(own, experiment, config, onset.of_replicas(experiment, config))

    return _each(frame, config, table)


def agreements(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return closed forms beside measured values (`agreement.table`), with the columns ``experiment`` and ``variant`` first."""
    return _each(frame, config, agreement.table)


def _each(frame: pd.DataFrame, config: Config, table: Callable[[pd.DataFrame, Experiment, Config], pd.DataFrame]) -> pd.DataFrame:
    """Return the tables of all experiments as one."""
    import pandas as pd

    parts = []
    for key, experiment in config.experiments.items():
        name, variant = tables.names(key, experiment)
        own = table(tables.of_experiment(frame, key, experiment), experiment, config)
        parts.append(own.assign(experiment=name, variant=variant)[["experiment", "variant", *own.columns]])
    return pd.concat(parts)


def headlines(frame: pd.DataFrame, config: Config) -> dict[str, dict[str, dict[str, float]]]:
    """Return the last generation's headline metrics: {experiment: {regime: {metric: mean over seeds, to six digits}}}."""
    numbers: dict[str, dict[str, dict[str, float]]] = {}
    for key, experiment in config.experiments.items():
        own = tables.of_experiment(frame, key, experiment)
        last = own[(own["generation"] == experiment.generations) & own["metric"].isin(tables.HEADLINES)]
        for row in last.groupby(["regime", "metric"], as_index=False)["value"].mean().itertuples():
            numbers.setdefault(key, {}).setdefault(str(row.regime), {})[str(row.metric)] = float(f"{row.value:.6g}")
    return numbers


def plot_table(own: pd.DataFrame) -> pd.DataFrame:
    """Return one experiment's headline metrics for ``dvc plots``: generation, regime, metric, value (mean over seeds).

    The template ``.dvc/plots/regimes.json`` draws one panel per metric and one line per regime. The line of every regime begins at the
    origin, so the origin's row is repeated under each regime. If an experiment has only the origin, its row stays as it is.
    """
    import pandas as pd

    shown = own[own["metric"].isin(tables.HEADLINES)]
    means = shown.groupby(["generation", "regime", "metric"], as_index=False)["value"].mean()
    origin, later = means[means["regime"] == kinds.ORIGIN], means[means["regime"] != kinds.ORIGIN]
    parts = [part for regime in sorted(set(later["regime"])) for part in (origin.assign(regime=regime), later[later["regime"] == regime])]
    table = pd.concat(parts or [origin])
    return table.sort_values(["metric", "regime", "generation"], key=_headline_order, ignore_index=True)[list(tables.PLOT_COLUMNS)]


def _headline_order(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.map({metric: place for place, metric in enumerate(tables.HEADLINES)}) if column.name == "metric" else column


def _csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, lineterminator="\n", float_format="%.8g")


def _write_parquet(frame: pd.DataFrame, path: str) -> None:
    """Write the table without pandas' metadata, whose wording changes with its version."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[str, pa.DataType] = {"seed": pa.int64(), "generation": pa.int32(), "value": pa.float64()}
    schema = pa.schema([(column, types.get(column, pa.string())) for column in tables.COLUMNS])
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", store_schema=False)
