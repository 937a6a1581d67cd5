"""Results in a notebook: measures as a data frame, any dataset as `datasets.Dataset`, and charts."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heirloom import results
from heirloom.artefacts import paths
from heirloom.errors import HeirloomError

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from heirloom.config import Config
    from heirloom.report.experiment_results import ExperimentResults
    from heirloom.report.figures.plan import Figure
    from heirloom.specs.experiment import Experiment

CONFIG = paths.CONFIG


def enter_project(folder: str | Path = ".") -> Path:
    """Make the project that a folder belongs to the working folder, and return its top.

    Notebooks are started in the folder in which they lie, and all of Heirloom looks from the top of a project.

    Raises
    ------
    HeirloomError
        If neither the folder nor one above it has a ``config.yaml`` and ``results``.
    """
    here = Path(folder).resolve()
    for top in (here, *here.parents):
        if (top / CONFIG).is_file() and (top / paths.RESULTS).is_dir():
            os.chdir(top)
            return top
    raise HeirloomError(f"{folder}: lies in no project, which would have {CONFIG} and {paths.RESULTS}/")


def load_metrics(
    *, experiment: str | None = None, regime: str | None = None, metric: str | None = None, config: str | Path = CONFIG
) -> pd.DataFrame:
    """Return the tidy table of a config's last run, or the rows of one experiment, regime or metric.

    Parameters
    ----------
    experiment, regime, metric
        Rows of these alone. An experiment of a grid without its variant (``gaussian``) means all of its variants, and one with it
        (``gaussian__mle``) that one.
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
    if experiment is not None:
        frame = _rows_with(frame, "experiment", experiment, frame["experiment"], tables.full_names(frame))
    for column, value in (("regime", regime), ("metric", metric)):
        if value is not None:
            frame = _rows_with(frame, column, value, frame[column])
    return frame.reset_index(drop=True)


def _rows_with(frame: pd.DataFrame, column: str, value: str, *names: pd.Series) -> pd.DataFrame:
    """Return the rows of which one of the names is the value."""
    for values in names:
        rows = frame[values == value]
        if not rows.empty:
            return rows
    choices = ", ".join(sorted(set().union(*names)))
    raise HeirloomError(f"{column} {value!r}: not among the results, which have {choices}")


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


def curve(experiment: str, measure: str, config: str | Path = CONFIG) -> alt.TopLevelMixin:
    """Return a measure by generation: one colour per arm, bands, and theory where it exists.

    Parameters
    ----------
    experiment
        The name of an experiment. Of a grid, ``gaussian__mle`` is one variant, and ``gaussian`` all of them, one below the other.
    measure
        A metric; of a family with replicas with ``.mean`` or ``.median`` at its end.

    Raises
    ------
    HeirloomError
        If there are no results, or no such experiment or measure; the message names what there is.
    """
    from heirloom.config import load
    from heirloom.report import experiment_results, tables

    parsed_config = load(config)
    keys = _keys(experiment, parsed_config)
    frame = tables.load(parsed_config.results)
    all_results = experiment_results.of_config(frame, parsed_config, keys)
    return _stacked({key: _curve(all_results[key], measure) for key in keys})


def _keys(experiment: str, config: Config) -> list[str]:
    """Return the keys of the expanded config that a name stands for: itself, or the variants of its grid."""
    keys = [key for key, each in config.experiments.items() if experiment in (key, each.variant_of)]
    if not keys:
        raise HeirloomError(f"experiment {experiment!r}: the config has {', '.join(config.experiments)}")
    return keys


def _curve(results: ExperimentResults, measure: str) -> alt.LayerChart:
    import pandas as pd

    from heirloom.report.curve import curve as curve_chart
    from heirloom.report.page import curves

    measures = {entry["name"]: entry for entry in curves.context(results)["measures"]}
    if measure not in measures:
        raise HeirloomError(f"measure {measure!r}: {results.key} has {', '.join(measures)}")
    rows = pd.DataFrame(curves.rows(measures[measure]))
    chart = curve_chart(rows, results.looks, measure, results.experiment.generations)
    return chart.properties(width=480, height=300)


def _stacked(charts: Mapping[str, Any]) -> alt.TopLevelMixin:
    """Return a single chart as it is, and several below each other, each with its name."""
    import altair as alt

    if len(charts) == 1:
        (chart,) = charts.values()
        return chart
    looks = next(iter(charts.values())).config
    parts = []
    for name, chart in charts.items():
        part = chart.copy(deep=True)
        part.config = alt.Undefined
        parts.append(alt.vconcat(part, title=name))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Automatically deduplicated")  # a click in one legend is meant for all
        return alt.vconcat(*parts, config=looks)


def figure(experiment: str, kind: str, config: str | Path = CONFIG) -> alt.TopLevelMixin:
    """Return one of the figures that `heirloom plot` draws, such as ``figure("transformer", "tail_survival")``.

    Of a grid that is drawn as a whole, the name of a variant gives the figure of the grid. Of any other grid, its name gives the
    figures of its variants, one below the other.

    Raises
    ------
    HeirloomError
        If there are no results, or the experiment has no such figure; the message names those that it has.
    """
    from heirloom.config import load
    from heirloom.report import experiment_results, tables
    from heirloom.report.figures import draw, plan

    parsed_config = load(config)
    all_figures = plan.figures(parsed_config)
    own = [each for each in all_figures if each.subject.name == experiment] or _related(experiment, all_figures)
    if not own:
        names = dict.fromkeys(each.subject.name for each in all_figures)
        raise HeirloomError(f"experiment {experiment!r}: there are figures of {', '.join(names)}")
    drawings = [each for each in own if each.kind.name == kind]
    if not drawings:
        kinds = dict.fromkeys(each.kind.name for each in own)
        raise HeirloomError(f"figure {kind!r}: {experiment} has {', '.join(kinds)}")
    frame = tables.load(parsed_config.results)
    keys = [key for drawing in drawings for key in drawing.subject.experiments]
    results = experiment_results.of_config(frame, parsed_config, keys)
    return _stacked({each.subject.name: draw.chart(each, draw.numbers(each, results)) for each in drawings})


def _related(experiment: str, figures: list[Figure]) -> list[Figure]:
    """Return the figures of the variants of a grid, or of the grid of a variant."""
    return [each for each in figures if experiment in _names(each.subject.experiments)]


def _names(experiments: Mapping[str, Experiment]) -> set[str | None]:
    grids = {each.variant_of for each in experiments.values()}
    return grids | set(experiments)
