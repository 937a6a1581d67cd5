"""Measures of all generations, gathered from many small files into one tidy table and the few numbers that DVC compares.

The Snakefile imports this module at every start, so pandas and pyarrow are imported only where a table is made.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import digests, reading
from heirloom.artefacts.files import read_json
from heirloom.config import Config
from heirloom.errors import HeirloomError
from heirloom.results import Results
from heirloom.specs.experiment import Experiment
from heirloom.variants import VARIANT_MARK
from heirloom.workflow.jobs import measure_files

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("experiment", "variant", "regime", "seed", "generation", "metric", "value")

PLOT_COLUMNS = ("generation", "regime", "metric", "value")

TEXT_HEADLINES = ("test_perplexity", "origin_perplexity.median", "distinct_3", "token_entropy", "tail_survival.17-64")
VECTOR_HEADLINES = (
    *("covariance_trace", "log_determinant", "mean_squared_error", "wasserstein2_squared", "tail_mass_99"),
    *("types", "diversity", "lost_mass", "absorbed", "variance", "squared_error"),
    *("latent_spread", "test_elbo", "class_entropy"),
)
HEADLINES = (*TEXT_HEADLINES, *(name + what for name in VECTOR_HEADLINES for what in ("", ".mean", ".median")))
"""Metrics that stand for an experiment where there is room for a few, without those that a family does not measure."""


def plot_files(config: Config) -> list[str]:
    """Return the tables for ``dvc plots``, one per experiment."""
    return [config.results.plot(name) for name in config.experiments]


def names(key: str, experiment: Experiment) -> tuple[str, str]:
    """Return the columns ``experiment`` and ``variant`` of an entry of the expanded config; the variant is "" without a grid."""
    grid = experiment.variant_of
    if not grid:
        return key, ""
    return grid, key.removeprefix(grid + VARIANT_MARK)


def full_names(frame: pd.DataFrame) -> pd.Series:
    """Return of each row of a tidy table the key of the expanded config: the experiment, with its variant where it has one."""
    variants = frame["variant"]
    return frame["experiment"] + variants.where(variants == "", VARIANT_MARK + variants)


def gather(config: Config) -> pd.DataFrame:
    """Return all measures as a tidy table with the columns `COLUMNS`, sorted by all of them but the value.

    Generation 0 is there once per seed, under the regime ``origin``, and not once per regime.

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
    table = pd.concat(parts)[list(COLUMNS)]
    return table.sort_values(list(COLUMNS[:-1]), ignore_index=True)


def load(results: Results) -> pd.DataFrame:
    """Return the tidy table of a config's last run.

    Raises
    ------
    HeirloomError
        If there is none, or it does not have its recorded digest.
    """
    if not Path(results.metrics).is_file():
        raise HeirloomError(f"{results.metrics}: missing; run {results.snakemake}")
    return _read_table(digests.check(results.metrics, results.repair), COLUMNS)


def of_file(path: Path) -> pd.DataFrame:
    """Return a tidy table that lies elsewhere, such as that of another run.

    Raises
    ------
    HeirloomError
        If it is missing, or no table of measures.
    """
    if not path.is_file():
        raise HeirloomError(f"{path}: missing; a run writes it among its results")
    return _read_table(path, COLUMNS)


def check_complete(frame: pd.DataFrame, config: Config) -> None:
    """Refuse a tidy table that lacks a lineage, or its last generation, of the config; where chains stop, any generation after 0 will do.

    Raises
    ------
    HeirloomError
        The message names the first that is missing, and how many are.
    """
    columns = ["experiment", "variant", "regime", "seed"]
    last_generations = frame.groupby(columns)["generation"].max().to_dict()
    incomplete = []
    for key, experiment in config.experiments.items():
        earliest = 1 if experiment.until else experiment.generations
        for regime, seed in itertools.product(experiment.regimes, experiment.seeds):
            if last_generations.get((*names(key, experiment), regime, seed), -1) < earliest:
                incomplete.append(f"{key}/{regime}/{seed}")
    if incomplete:
        others = f" and {len(incomplete) - 1} other lineages" if len(incomplete) > 1 else ""
        fault = f"no last generation of {incomplete[0]}{others}, which the config has"
        raise HeirloomError(f"{config.results.metrics}: {fault}; run {config.results.snakemake}")


def of_experiment(frame: pd.DataFrame, key: str, experiment: Experiment) -> pd.DataFrame:
    """Return the rows of one entry of the expanded config.

    Raises
    ------
    HeirloomError
        If there is none.
    """
    name, variant = names(key, experiment)
    rows = frame[(frame["experiment"] == name) & (frame["variant"] == variant)]
    if rows.empty:
        raise HeirloomError(f"the config's results have no measures of experiment {key!r}, which the config has; run snakemake with it")
    return rows


def _generation(path: str, generation: int) -> pd.DataFrame:
    import pandas as pd

    measured: Mapping[str, Any] = read_json(reading.artefact(path))
    values = [float(value) for value in measured.values()]
    return pd.DataFrame({"generation": generation, "metric": list(measured), "value": values})


def _trajectory(path: str) -> pd.DataFrame:
    return _read_table(reading.artefact(path), ("generation", "metric", "value"))


def _read_table(path: Path, columns: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    try:
        return pd.read_parquet(path, columns=list(columns))
    except pa.ArrowException as error:  # a column that is not there, or no Parquet at all
        raise HeirloomError(f"{path}: damaged, or no table of measures ({str(error).splitlines()[0]}); run snakemake") from None
