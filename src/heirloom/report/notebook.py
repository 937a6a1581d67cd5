"""Results in a notebook: measures as a data frame, any dataset as `datasets.Dataset`, and charts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import results
from heirloom.artefacts import paths
from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from heirloom.config import Config

CONFIG = paths.CONFIG


def load_metrics(
    *, experiment: str | None = None, regime: str | None = None, metric: str | None = None, config: str | Path = CONFIG
) -> pd.DataFrame:
    """Return the tidy table of a config's last run, or the rows of one experiment, regime or metric.

    Parameters
    ----------
    experiment, regime, metric
        Rows of these alone; an experiment without its variant means all of its variants.
    config
        The file of the config whose results are read; each config has its own.

    Returns
    -------
    columns ``experiment``, ``variant``, ``regime``, ``seed``, ``generation``, ``metric``, ``value``

    Raises
    ------
    HeirloomError
        If there are no results, or no rows of these; the message names what there is.
    """
    from heirloom.report import tables

    frame = tables.load(results.of(config))
    for column, value in (("experiment", experiment), ("regime", regime), ("metric", metric)):
        if value is not None:
            frame = _rows_with(frame, column, value)
    return frame.reset_index(drop=True)


def _rows_with(frame: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    rows = frame[frame[column] == value]
    if rows.empty:
        values = ", ".join(sorted(frame[column].unique()))
        raise HeirloomError(f"{column} {value!r}: not among the results, which have {values}")
    return rows


def load_dataset(reference: str) -> Any:
    """Return what a reference names as a `datasets.Dataset`, memory-mapped.

    Parameters
    ----------
    reference
        ``experiment/regime/seed/generation[:what][@revision]``, a path, or the first digits of a fingerprint.

    Raises
    ------
    HeirloomError
        If nothing has that name, it is no dataset, or it is not as it was recorded.
    """
    from heirloom.diffs.sides import locate

    side = locate(reference)
    if side.path.suffix != ".parquet":
        raise HeirloomError(f"{reference}: {side.path.name} is no dataset; datasets end in .parquet")
    import datasets

    cache = Path(datasets.config.HF_DATASETS_CACHE, "heirloom", side.sha256)
    # by itself datasets knows a file by path and time, and gives the old rows of one that was replaced at the same time
    return datasets.Dataset.from_parquet(str(side.path), cache_dir=str(cache))


def curve(experiment: str, measure: str, config: str | Path = CONFIG) -> alt.LayerChart:
    """Return a measure by generation: one colour per arm, bands, and theory where it exists.

    Parameters
    ----------
    experiment
        A key of the expanded config, such as ``gaussian__mle``.
    measure
        A metric; of a family with replicas with ``.mean`` or ``.median`` at its end.

    Raises
    ------
    HeirloomError
        If there are no results, or no such experiment or measure; the message names what there is.
    """
    import pandas as pd

    from heirloom.report import experiment_results, tables
    from heirloom.report.curve import curve as curve_chart
    from heirloom.report.page import curves

    parsed_config = _config(experiment, config)
    frame = tables.load(parsed_config.results)
    results = experiment_results.of_config(frame, parsed_config, [experiment])[experiment]
    measures = {entry["name"]: entry for entry in curves.context(results)["measures"]}
    if measure not in measures:
        raise HeirloomError(f"measure {measure!r}: {experiment} has {', '.join(measures)}")
    rows = pd.DataFrame(curves.rows(measures[measure]))
    chart = curve_chart(rows, results.looks, measure, results.experiment.generations)
    return chart.properties(width=480, height=300)


def figure(experiment: str, kind: str, config: str | Path = CONFIG) -> alt.TopLevelMixin:
    """Return one of the figures that `heirloom plot` draws, such as ``figure("transformer", "tail_survival")``.

    Raises
    ------
    HeirloomError
        If there are no results, or the experiment has no such figure; the message names those that it has.
    """
    from heirloom.config import load
    from heirloom.report import experiment_results, tables
    from heirloom.report.figures import draw, plan

    parsed_config = load(config)
    figures = plan.figures(parsed_config)
    by_kind = {figure.kind.name: figure for figure in figures if figure.subject.name == experiment}
    if not by_kind:
        names = dict.fromkeys(figure.subject.name for figure in figures)
        raise HeirloomError(f"experiment {experiment!r}: there are figures of {', '.join(names)}")
    if kind not in by_kind:
        raise HeirloomError(f"figure {kind!r}: {experiment} has {', '.join(by_kind)}")
    drawing = by_kind[kind]
    frame = tables.load(parsed_config.results)
    results = experiment_results.of_config(frame, parsed_config, drawing.subject.experiments)
    return draw.chart(drawing, draw.numbers(drawing, results))


def _config(experiment: str, file: str | Path) -> Config:
    """Return a config that has an experiment."""
    from heirloom.config import load

    config = load(file)
    if experiment not in config.experiments:
        raise HeirloomError(f"experiment {experiment!r}: the config has {', '.join(config.experiments)}")
    return config
