"""Measures of all generations, gathered from many small files into one tidy table and the few numbers that DVC compares.

Imported by the Snakefile at every start, so that pandas and pyarrow are imported only where a table is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import paths, reading, results
from heirloom.artefacts import kinds
from heirloom.artefacts.kinds import Key
from heirloom.config import Config, Experiment
from heirloom.errors import HeirloomError
from heirloom.manifest import dumps, read_json, replacing, write_text
from heirloom.measures.replicas import WITHIN
from heirloom.variants import VARIANT_MARK
from heirloom.workflow.jobs import jobs
from heirloom.workflow.steps import STEPS

if TYPE_CHECKING:
    import pandas as pd

METRICS = f"{paths.RESULTS}/metrics.parquet"
HEADLINES_FILE = f"{paths.RESULTS}/metrics.json"
PLOTS = f"{paths.RESULTS}/plots"
ONSET = f"{paths.RESULTS}/onset.csv"
ATTRIBUTION = f"{paths.RESULTS}/attribution.csv"
INTERVALS = f"{paths.RESULTS}/intervals.csv"
THEORY = f"{paths.RESULTS}/theory.csv"
REPAIR = "heirloom summarise writes it anew"
"""How a table that is not what its digest tells of is mended."""

COLUMNS = ("experiment", "variant", "regime", "seed", "generation", "metric", "value")

PLOT_COLUMNS = ("generation", "regime", "metric", "value")

TEXT_HEADLINES = ("test_perplexity", "origin_perplexity.median", "distinct_3", "token_entropy", "tail_survival.17-64")
VECTOR_HEADLINES = (
    *("covariance_trace", "log_determinant", "mean_squared_error", "wasserstein2_squared", "tail_mass_99"),
    *("types", "diversity", "lost_mass", "absorbed", "variance", "squared_error"),
    *("latent_spread", "test_elbo", "class_entropy"),
)
HEADLINES = (*TEXT_HEADLINES, *(name + what for name in VECTOR_HEADLINES for what in ("", ".mean", ".median")))
"""Metrics that stand for an experiment where there is room for a few; one that a family does not measure is left out."""


def measure_files(config: Config) -> list[tuple[Key, str]]:
    """Return every file of measures that a config asks for, with its key, in the order of the jobs.

    The origin's come first, once a seed; then one file a generation, or one a lineage, whose key has no generation, where the granularity
    is ``chain``.
    """
    made = [(job.key, kind) for job in jobs(config) for kind in STEPS[job.step].makes.values()]
    return [(key, kind.at(key)) for key, kind in made if kind.form == "measures"]


def plot_files(config: Config) -> list[str]:
    """Return the tables for ``dvc plots``, one an experiment."""
    return [f"{PLOTS}/{name}.csv" for name in config.experiments]


def names(key: str, experiment: Experiment) -> tuple[str, str]:
    """Return the columns ``experiment`` and ``variant`` of an entry of the expanded config; the variant is "" without a grid."""
    return (experiment.variant_of, key.removeprefix(experiment.variant_of + VARIANT_MARK)) if experiment.variant_of else (key, "")


def gather(config: Config) -> pd.DataFrame:
    """Return all measures as a tidy table with the columns `COLUMNS`, sorted by all of them but the value.

    Generation 0 is there once a seed, under the regime ``origin``, and not once a regime.

    Raises
    ------
    HeirloomError
        If a file of measures is missing, unreadable, or not as it was recorded.
    """
    import pandas as pd

    parts = []
    for key, path in measure_files(config):
        name, variant = names(key.experiment, config.experiments[key.experiment])
        part = _trajectory(path) if key.generation is None else _generation(path, key.generation)
        parts.append(part.assign(experiment=name, variant=variant, regime=key.regime, seed=key.seed))
    return pd.concat(parts)[list(COLUMNS)].sort_values(list(COLUMNS[:-1]), ignore_index=True)


def load() -> pd.DataFrame:
    """Return the tidy table of the last run.

    Raises
    ------
    HeirloomError
        If there is none, or it is not what its digest tells of.
    """
    if not Path(METRICS).is_file():
        raise HeirloomError(f"{METRICS}: missing; run snakemake")
    return _read(results.check(METRICS, REPAIR), COLUMNS)


def check_complete(frame: pd.DataFrame, config: Config) -> None:
    """Refuse a tidy table that lacks a lineage, or its last generation, of the config.

    Raises
    ------
    HeirloomError
        The message names the first that is missing, and how many are.
    """
    columns = ["experiment", "variant", "regime", "seed"]
    reached = frame.groupby(columns)["generation"].max().to_dict()
    missing = [
        f"{key}/{regime}/{seed}"
        for key, experiment in config.experiments.items()
        for regime in experiment.regimes
        for seed in experiment.seeds
        if reached.get((*names(key, experiment), regime, seed), -1) < experiment.generations
    ]
    if missing:
        more = f" and {len(missing) - 1} other lineages" if len(missing) > 1 else ""
        raise HeirloomError(f"{METRICS}: no last generation of {missing[0]}{more}, which the config has; run snakemake")


def of_experiment(frame: pd.DataFrame, key: str, experiment: Experiment) -> pd.DataFrame:
    """Return the rows of one entry of the expanded config.

    Raises
    ------
    HeirloomError
        If there is none.
    """
    name, variant = names(key, experiment)
    own = frame[(frame["experiment"] == name) & (frame["variant"] == variant)]
    if own.empty:
        raise HeirloomError(f"{METRICS}: no measures of experiment {key!r}, which the config has; run snakemake")
    return own


def write(config: Config) -> None:
    """Write the tidy table, headline numbers, intervals, onsets of collapse, closed forms, and a table an experiment for ``dvc plots``."""
    from heirloom.report import attribution, intervals

    frame = gather(config)
    _write_parquet(frame, METRICS)
    results.seal(METRICS)
    write_text(HEADLINES_FILE, dumps(headlines(frame, config)))
    within = [f"{name}.{what}" for name in VECTOR_HEADLINES for what in WITHIN]
    replicas = {names(key, experiment): experiment.num_replicas for key, experiment in config.experiments.items()}
    write_text(INTERVALS, _csv(intervals.table(frame[frame["metric"].isin([*HEADLINES, *within])], replicas)))
    write_text(ONSET, _csv(onsets(frame, config)))
    results.seal(ONSET)
    write_text(ATTRIBUTION, _csv(attribution.table(frame, config)))
    write_text(THEORY, _csv(agreements(frame, config)))
    results.seal(THEORY)
    with replacing(PLOTS) as folder:
        folder.mkdir()
        for path, (key, experiment) in zip(plot_files(config), config.experiments.items(), strict=True):
            (folder / Path(path).name).write_text(_csv(plot_table(of_experiment(frame, key, experiment))), encoding="utf-8")


def onsets(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return the onsets of all experiments (`onset.table`), led by the columns ``experiment`` and ``variant``.

    Raises
    ------
    HeirloomError
        If a file of replicas is not as it was recorded.
    """
    from heirloom.report import onset

    def table(own: pd.DataFrame, experiment: Experiment, config: Config) -> pd.DataFrame:
        return onset.table(own, experiment, config, onset.of_replicas(experiment, config))

    return _each(frame, config, table)


def agreements(frame: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Return closed forms beside the measured (`agreement.table`), led by the columns ``experiment`` and ``variant``."""
    from heirloom.report import agreement

    return _each(frame, config, agreement.table)


def _each(frame: pd.DataFrame, config: Config, table: Callable[[pd.DataFrame, Experiment, Config], pd.DataFrame]) -> pd.DataFrame:
    """Return the tables of all experiments as one."""
    import pandas as pd

    parts = []
    for key, experiment in config.experiments.items():
        name, variant = names(key, experiment)
        own = table(of_experiment(frame, key, experiment), experiment, config)
        parts.append(own.assign(experiment=name, variant=variant)[["experiment", "variant", *own.columns]])
    return pd.concat(parts)


def headlines(frame: pd.DataFrame, config: Config) -> dict[str, dict[str, dict[str, float]]]:
    """Return the last generation's headline metrics: {experiment: {regime: {metric: mean over seeds, to six digits}}}."""
    numbers: dict[str, dict[str, dict[str, float]]] = {}
    for key, experiment in config.experiments.items():
        own = of_experiment(frame, key, experiment)
        last = own[(own["generation"] == experiment.generations) & own["metric"].isin(HEADLINES)]
        for row in last.groupby(["regime", "metric"], as_index=False)["value"].mean().itertuples():
            numbers.setdefault(key, {}).setdefault(str(row.regime), {})[str(row.metric)] = float(f"{row.value:.6g}")
    return numbers


def plot_table(own: pd.DataFrame) -> pd.DataFrame:
    """Return one experiment's headline metrics for ``dvc plots``: generation, regime, metric, value (mean over seeds).

    The template ``.dvc/plots/regimes.json`` draws a panel a metric and a line a regime. Every regime's line begins at the origin, whose
    row is therefore repeated under each regime; where an experiment has the origin alone, it stays itself.
    """
    import pandas as pd

    shown = own[own["metric"].isin(HEADLINES)]
    means = shown.groupby(["generation", "regime", "metric"], as_index=False)["value"].mean()
    origin, later = means[means["regime"] == kinds.ORIGIN], means[means["regime"] != kinds.ORIGIN]
    parts = [part for regime in sorted(set(later["regime"])) for part in (origin.assign(regime=regime), later[later["regime"] == regime])]
    table = pd.concat(parts or [origin])
    return table.sort_values(["metric", "regime", "generation"], key=_headline_order, ignore_index=True)[list(PLOT_COLUMNS)]


def _headline_order(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.map({metric: place for place, metric in enumerate(HEADLINES)}) if column.name == "metric" else column


def _csv(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False, lineterminator="\n", float_format="%.8g")


def _generation(path: str, generation: int) -> pd.DataFrame:
    import pandas as pd

    measured: Mapping[str, Any] = read_json(reading.artefact(path))
    values = [float(value) for value in measured.values()]
    return pd.DataFrame({"generation": generation, "metric": list(measured), "value": values})


def _trajectory(path: str) -> pd.DataFrame:
    return _read(reading.artefact(path), ("generation", "metric", "value"))


def _read(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    try:
        return pd.read_parquet(path, columns=list(columns))
    except pa.ArrowException as error:  # a column that is not there, or no Parquet at all
        raise HeirloomError(f"{path}: damaged, or no table of measures ({str(error).splitlines()[0]}); run snakemake") from None


def _write_parquet(frame: pd.DataFrame, path: str) -> None:
    """Write the table without pandas' metadata, whose wording changes with its version."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[str, pa.DataType] = {"seed": pa.int64(), "generation": pa.int32(), "value": pa.float64()}
    schema = pa.schema([(column, types.get(column, pa.string())) for column in COLUMNS])
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    with replacing(path) as temporary:
        pq.write_table(table, temporary, compression="zstd", store_schema=False)
